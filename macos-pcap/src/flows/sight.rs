//! What goes into the table beside a packet, and what comes out of it.

use watcher_core::{BootTime, FlowSample, ProcessId, SocketInfo};

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
    /// Whose it is, where the link layer says: a pid. The first that is said stays.
    pub pid: Option<u32>,
}

/// Whose a flow is.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// That of whoever has this pid: a packet said so.
    Pid(u32),
    /// That of whoever has this socket, whose first packet was seen then.
    Socket(&'a SocketInfo, BootTime),
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

/// One flow as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// As of every collector. Its calls are packets that carried payload; `netns` is the slot.
    pub sample: FlowSample,
    /// Payload in the counters that the capture did not see, and the peer acknowledged.
    pub missed_by_capture: u64,
}
