//! Every way to lose something has a counter.

/// Index into the array of loss counters.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// A final socket record did not fit into the ring buffer (it waits in a map).
    RingFull = 0,
    /// A flow did not fit into the flow map, or a final record into the waiting map (the overflow entry took the bytes).
    MapFull = 1,
    /// Socket storage could not be allocated (the flow map took the bytes).
    StorageFailed = 2,
    /// A process event did not fit into the ring buffer.
    ProcessEvent = 3,
    /// Bytes sent for which even the overflow map had no room.
    LostTx = 4,
    /// Bytes received for which even the overflow map had no room.
    LostRx = 5,
    /// A change of a connection's state went unseen.
    State = 6,
    /// A call whose beginning or end went unseen.
    Call = 7,
    /// A copy of a flow's first bytes that did not fit into its ring buffer.
    Head = 8,
}

impl Loss {
    /// How many counters there are.
    pub const COUNT: u32 = 9;
}
