//! What goes into the table beside a packet, and what comes out of it.

use watcher_core::{BootTime, FlowSample, ProcessId};

use super::flow::Part;
use crate::link::Way;

/// What a capture knows of a packet besides its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// When it was captured.
    pub at: BootTime,
    /// Which way it went, where the link layer says.
    pub way: Option<Way>,
    /// The network namespace or interface that addresses belong to: equal addresses in two slots are two flows.
    pub slot: u32,
    /// Whose it is, where the link layer says. The first that is said stays.
    pub owner: Option<ProcessId>,
}

/// What is known of the owner of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// This process.
    Process(ProcessId),
    /// It may be known next time: the flow is held back, so that its bytes are not charged to two. Of a flow that is over
    /// it says that nobody will know.
    NotYet,
    /// Nobody knows: charged to [`ProcessId::KERNEL`].
    Nobody,
}

/// Bytes and packets at the IP layer: headers, retransmissions and bare acknowledgements included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wire {
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets sent: those that an interface is to cut count once.
    pub tx_packets: u64,
    /// Packets received.
    pub rx_packets: u64,
}

impl Wire {
    pub(super) fn add(&mut self, part: &Part<'_>) {
        if part.is_sent {
            self.tx_bytes += part.wire_len;
            self.tx_packets += 1;
        } else {
            self.rx_bytes += part.wire_len;
            self.rx_packets += 1;
        }
    }
}

/// One flow as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// As of every collector. Its calls are packets that carried payload; `netns` is the slot.
    pub sample: FlowSample,
    /// Beside it: what it cost.
    pub wire: Wire,
    /// Payload in the counters that the capture did not see, and the peer acknowledged.
    pub missed_by_capture: u64,
}
