//! Joining what was counted without a socket's record to that record.
//!
//! Where only programs that know a socket's address can count its calls (`watcher-ebpf/src/bare.rs`), a connection's bytes
//! lie in the flow map and its life in its record. Both are absolute and keyed by the socket cookie, so joining them is an
//! addition. It needs both in one reading: the flow map is read after the sockets, and every socket each time.

use std::collections::HashMap;

use watcher_common::{BARE_EPOCH, FlowCounters, FlowKey, SocketRecord, flag};
use watcher_core::{BootTime, ProcessId};

use super::convert::Stage;

/// SOCK_STREAM, SOCK_SEQPACKET (include/linux/net.h).
const CONNECTIONS: [u8; 2] = [1, 5];

/// What became of an entry. Decided once: an entry that changed sides would be counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// In the record of its socket, whose owner made the calls.
    Joined,
    /// A flow of another process on a socket whose record is known.
    Shared,
    /// A flow without a record.
    Alone,
    /// Its record was not among those that were read, though it is older. The iterator over socket storage goes on by position
    /// when its buffer was full, and passes over a socket for each that has ended before it in the same bucket.
    Overlooked,
}

/// What to do with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// As a flow of its own, of this epoch.
    As(u32),
    /// In its socket's record.
    WithRecord,
    /// Its socket is younger than the reading of the sockets, or was overlooked: the next one knows.
    Later,
}

/// Remembers the fates.
#[derive(Debug, Default)]
pub struct Join {
    fates: HashMap<FlowKey, Fate>,
}

/// The entries of one reading.
pub struct Entries {
    all: Vec<(FlowKey, FlowCounters)>,
    /// Positions of the bare ones, by cookie.
    by_cookie: HashMap<u64, Vec<usize>>,
}

impl Entries {
    /// Indexes a reading of the flow map.
    #[must_use]
    pub fn new(all: Vec<(FlowKey, FlowCounters)>) -> Self {
        let mut by_cookie: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, (key, value)) in all.iter().enumerate() {
            if value.flags & flag::BARE != 0 {
                by_cookie.entry(key.cookie).or_default().push(at);
            }
        }
        Self { all, by_cookie }
    }

    /// Every entry.
    pub fn iter(&self) -> impl Iterator<Item = &(FlowKey, FlowCounters)> {
        self.all.iter()
    }
}

/// Whether a socket of this protocol has a record that its entry is to be joined with.
fn has_connections(value: &FlowCounters) -> bool {
    [libc::IPPROTO_TCP, libc::IPPROTO_MPTCP, libc::IPPROTO_SCTP].contains(&i32::from(value.protocol))
}

/// Not about one remote of many.
fn is_whole_socket(key: &FlowKey) -> bool {
    key.remote == [0; 16] && key.remote_port == 0
}

fn earlier(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 { a.max(b) } else { a.min(b) }
}

impl Join {
    /// Adds to a connection's record what its calls moved, and tells its entries what only the record knows. A record that ends one connection of a socket which begins another
    /// has it already (`settle` in `watcher-ebpf/src/accounting.rs`).
    pub fn complete(&mut self, record: &mut SocketRecord, stage: Stage, entries: &mut Entries) {
        let connection = CONNECTIONS.contains(&record.socket_type);
        if connection && stage == Stage::Final && record.flags & flag::FINAL == 0 {
            return;
        }
        for at in entries.by_cookie.get(&record.cookie).into_iter().flatten() {
            let (key, value) = &mut entries.all[*at];
            value.flags |= record.flags & flag::SEEDED;
            if !connection {
                continue;
            }
            let owns = (key.tgid, key.start) == (record.owner_tgid, record.owner_start);
            let known = if owns { Fate::Joined } else { Fate::Shared };
            let fate = self.fates.entry(*key).or_insert(known);
            if *fate == Fate::Overlooked {
                *fate = known;
            }
            let fate = *fate;
            if fate == Fate::Joined {
                record.tx_bytes += value.tx_bytes;
                record.rx_bytes += value.rx_bytes;
                record.tx_calls += value.tx_calls;
                record.rx_calls += value.rx_calls;
                record.first = earlier(record.first, value.first);
                record.last_jiffies = record.last_jiffies.max(value.last_jiffies);
                locate(record, value);
            } else {
                record.other_tx_bytes += value.tx_bytes;
                record.other_rx_bytes += value.rx_bytes;
                value.flags |= record.flags & (flag::OUTGOING | flag::INCOMING | flag::TCP);
                (value.owner_tgid, value.owner_start) = (record.owner_tgid, record.owner_start);
            }
        }
    }

    /// What to do with an entry. `since` is when the reading of the sockets began; `last` says that it is now or never.
    pub fn shown(&mut self, key: &FlowKey, value: &FlowCounters, since: BootTime, last: bool) -> Shown {
        if value.flags & flag::BARE == 0 {
            return Shown::As(key.epoch);
        }
        if !is_whole_socket(key) {
            return Shown::As(0);
        }
        match self.fates.get(key) {
            None if value.first >= since.0 => Shown::Later,
            None if !last && has_connections(value) => {
                self.fates.insert(*key, Fate::Overlooked);
                Shown::Later
            }
            None | Some(Fate::Overlooked) => {
                self.fates.insert(*key, Fate::Alone);
                Shown::As(BARE_EPOCH)
            }
            Some(Fate::Alone) => Shown::As(BARE_EPOCH),
            Some(Fate::Shared) => Shown::As(0),
            Some(Fate::Joined) => Shown::WithRecord,
        }
    }

    /// The entry has been taken out of the map.
    pub fn forget(&mut self, key: &FlowKey) {
        self.fates.remove(key);
    }
}

/// An accepted MPTCP socket gets its addresses after its record was made, and no typed program comes by.
fn locate(record: &mut SocketRecord, value: &FlowCounters) {
    if record.flags & flag::REMOTE == 0 && value.flags & flag::REMOTE != 0 {
        record.flags |= flag::REMOTE;
        (record.remote, record.remote_port) = (value.remote, value.remote_port);
        (record.local, record.local_port) = (value.local, value.local_port);
    }
}

/// A socket that never got a cookie is named by its address, in the upper half of all numbers (`cookie` in
/// `watcher-ebpf/src/kernel/bare.rs`). Nothing tells of its end but the end of its process.
#[must_use]
pub fn ends_with_process(key: &FlowKey, value: &FlowCounters, gone: impl Fn(&ProcessId) -> bool) -> bool {
    let nameless = value.flags & flag::BARE != 0 && key.cookie >> 63 == 1;
    (nameless || i32::from(value.family) == libc::AF_PACKET)
        && gone(&ProcessId { tgid: key.tgid, start: BootTime(key.start) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeroed<T: aya::Pod>() -> T {
        super::super::raw::record(&vec![0; size_of::<T>()]).expect("enough bytes")
    }

    fn entry(tgid: u32, tx: u64) -> (FlowKey, FlowCounters) {
        let key = FlowKey { cookie: 7, tgid, start: 1, epoch: BARE_EPOCH, ..zeroed() };
        (key, FlowCounters { tx_bytes: tx, first: 50, flags: flag::BARE, protocol: 6, ..zeroed() })
    }

    fn record(flags: u32) -> SocketRecord {
        SocketRecord { cookie: 7, owner_tgid: 10, owner_start: 1, socket_type: 1, tx_bytes: 5, flags, ..zeroed() }
    }

    #[test]
    fn the_owners_bytes_join_the_record_and_the_others_stay_flows() {
        let mut entries = Entries::new(vec![entry(10, 100), entry(11, 30)]);
        let (mut join, mut record) = (Join::default(), record(flag::OUTGOING));
        join.complete(&mut record, Stage::Live, &mut entries);
        assert_eq!((record.tx_bytes, record.other_tx_bytes, record.first), (105, 30, 50));
        let shown: Vec<Shown> = entries.iter().map(|(k, v)| join.shown(k, v, BootTime(60), false)).collect();
        assert_eq!(shown, [Shown::WithRecord, Shown::As(0)]);
        assert_ne!(entries.all[1].1.flags & flag::OUTGOING, 0);
    }

    #[test]
    fn an_entry_keeps_its_fate_and_a_young_one_waits_for_its_record() {
        let mut entries = Entries::new(vec![entry(10, 100)]);
        let mut join = Join::default();
        let (key, value) = entry(10, 100);
        assert_eq!(join.shown(&key, &value, BootTime(50), true), Shown::Later);
        assert_eq!(join.shown(&key, &value, BootTime(51), true), Shown::As(BARE_EPOCH));
        let mut record = record(0);
        join.complete(&mut record, Stage::Live, &mut entries);
        assert_eq!((record.tx_bytes, record.other_tx_bytes), (5, 100));
        assert_eq!(join.shown(&key, &value, BootTime(51), false), Shown::As(BARE_EPOCH));
    }

    #[test]
    fn an_overlooked_record_is_waited_for_once() {
        let mut entries = Entries::new(vec![entry(10, 100)]);
        let (mut join, mut record) = (Join::default(), record(0));
        let (key, value) = entry(10, 100);
        assert_eq!(join.shown(&key, &value, BootTime(60), false), Shown::Later);
        join.complete(&mut record, Stage::Live, &mut entries);
        assert_eq!(join.shown(&key, &value, BootTime(60), false), Shown::WithRecord);
        let mut join = Join::default();
        let shown = [0; 2].map(|_| join.shown(&key, &value, BootTime(60), false));
        assert_eq!(shown, [Shown::Later, Shown::As(BARE_EPOCH)]);
    }

    #[test]
    fn the_end_of_one_connection_of_a_socket_was_settled_in_the_kernel() {
        let mut entries = Entries::new(vec![entry(10, 100)]);
        let (mut join, mut record) = (Join::default(), record(flag::CLOSED));
        join.complete(&mut record, Stage::Final, &mut entries);
        assert_eq!(record.tx_bytes, 5);
    }
}
