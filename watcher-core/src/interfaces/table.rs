//! The kernel's count of each interface beside what processes explain of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Bytes, Explained, Kind, Moved, Why};

/// What processes do not explain of one direction of one interface: headers, retransmissions, ARP, what the kernel
/// itself says, what is forwarded.
///
/// `bytes + attributed == kernel + ahead`, always. Both differ from 0 never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Other {
    /// By how much the kernel counted more than the processes moved.
    pub bytes: u64,
    /// By how much the processes moved more than the kernel counted in this interval: data waited in a queue at its
    /// beginning (received) or its end (sent), or an address moved to another interface. Shown as 0 with a mark.
    pub ahead: u64,
}

impl Other {
    fn of(kernel: u64, attributed: u64) -> Self {
        Self { bytes: kernel.saturating_sub(attributed), ahead: attributed.saturating_sub(kernel) }
    }
}

/// One interface in one interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: Box<str>,
    /// What it is.
    pub kind: Kind,
    /// Why it is not in the total; `None` when it is.
    pub apart: Option<Why>,
    /// Frames by the kernel's counters.
    pub kernel: Bytes,
    /// Payload of this machine's processes at this interface's addresses. What travels on over another interface (a
    /// VLAN's card, a VPN's) is told here, and is other there.
    pub attributed: Bytes,
    /// What was received and is not explained.
    pub other_rx: Other,
    /// What was sent and is not explained.
    pub other_tx: Other,
}

/// The sum of the interfaces in the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Total {
    /// Frames by the kernel's counters.
    pub kernel: Bytes,
    /// Payload at the addresses of these interfaces.
    pub attributed: Bytes,
}

/// All interfaces in one interval.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Table {
    /// In the order of [`Moved`].
    pub rows: Vec<Row>,
    /// Of those that are not apart.
    pub total: Total,
    /// Payload that no single interface is known to have carried.
    pub no_address: Bytes,
    /// Payload in other network namespaces.
    pub other_namespaces: Bytes,
    /// Frames of packet sockets.
    pub frames: Bytes,
}

impl Table {
    /// Puts them side by side. Payload of an interface that is not among `moved` goes to [`Table::no_address`]; of
    /// several entries with one index (an index was used again), the last has all of it.
    #[must_use]
    pub fn of(moved: Vec<Moved>, explained: Explained) -> Self {
        let Explained { mut by_interface, no_address, other_namespaces, frames } = explained;
        let newest: BTreeMap<u32, usize> = moved.iter().enumerate().map(|(at, moved)| (moved.index, at)).collect();
        let mut table = Self { no_address, other_namespaces, frames, ..Self::default() };
        for (at, moved) in moved.into_iter().enumerate() {
            let is_newest = newest.get(&moved.index) == Some(&at);
            let attributed = if is_newest { by_interface.remove(&moved.index) } else { None };
            table.push(moved, attributed.unwrap_or_default());
        }
        for left in by_interface.into_values() {
            table.no_address.add(left);
        }
        table
    }

    fn push(&mut self, moved: Moved, attributed: Bytes) {
        let Moved { index, name, kind, apart, bytes: kernel } = moved;
        if apart.is_none() {
            self.total.kernel.add(kernel);
            self.total.attributed.add(attributed);
        }
        let other_rx = Other::of(kernel.rx, attributed.rx);
        let other_tx = Other::of(kernel.tx, attributed.tx);
        self.rows.push(Row { index, name, kind, apart, kernel, attributed, other_rx, other_tx });
    }
}
