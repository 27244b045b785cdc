//! The seam between a collector and everything above it.

use std::{borrow::Cow, fmt, future::Future};

use serde::{Deserialize, Serialize};

use crate::{BootTime, FlowSample, ProcessEvent, SocketId, names::Heard};

/// How well a collector knows the owner of a byte, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// Every byte was charged to the process that made the call.
    Pid,
    /// Bytes are exact per socket and charged to the socket's owner.
    Owner,
    /// Bytes come from packets.
    Estimated,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pid => "pid",
            Self::Owner => "owner",
            Self::Estimated => "estimated",
        })
    }
}

/// One capability that is not as good as it could be, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DegradationReason {
    /// The capability, as `doctor` names it.
    pub capability: String,
    /// What the kernel or the system said.
    pub why: String,
}

/// What a collector promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// `ebpf` or `pcap`.
    pub backend: Cow<'static, str>,
    /// How well owners are known.
    pub grade: Grade,
    /// Why it is not better; empty when all is well.
    pub degraded: Vec<DegradationReason>,
}

impl Quality {
    /// Whether sums equal what the applications counted. A loss takes it away: see [`Losses::is_exact`].
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.grade == Grade::Pid
    }
}

/// Absolute counters of everything that can get lost. All zero is the normal state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Losses {
    /// Records that did not fit into the ring buffer. Their bytes stay in maps and arrive late.
    pub ring_full: u64,
    /// Flow entries that did not fit into the flow map. Their bytes went to a per-process overflow entry.
    pub map_full: u64,
    /// Socket-storage allocations that failed. What such a socket sent was counted in the flow map; what TCP received on
    /// it may be missing.
    pub storage_failed: u64,
    /// Program runs that the kernel skipped because the program was already running on that CPU, and that no other program
    /// made up for: calls that may not have been counted, at most.
    pub recursion_misses: u64,
    /// Process events that did not fit into the ring buffer or went unseen: a name may be missing, bytes are not.
    pub process_events: u64,
    /// Changes of a connection's state that went unseen: a time or a reason may be missing, bytes are not.
    pub state_changes: u64,
    /// Sockets that moved bytes and ended without a program being told: what they moved since the last reading is missing. And
    /// records that could not be understood. At least so many.
    #[serde(default)]
    pub untold_ends: u64,
    /// Copies of first bytes that did not fit into their ring buffer: a name may be missing, bytes are not.
    #[serde(default)]
    pub heads: u64,
    /// Packets that a capture dropped, or that could not be read: how many bytes were in them is not known.
    #[serde(default)]
    pub frames: u64,
    /// Bytes sent that no map had room for: counted, and owned by nobody.
    pub unattributed_tx_bytes: u64,
    /// Bytes received that no map had room for.
    pub unattributed_rx_bytes: u64,
}

impl Losses {
    /// Whether every byte is still charged to the process that moved it.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.recursion_misses == 0
            && self.storage_failed == 0
            && self.untold_ends == 0
            && self.frames == 0
            && self.unattributed_tx_bytes == 0
            && self.unattributed_rx_bytes == 0
    }

    /// What was lost after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            ring_full: self.ring_full.saturating_sub(earlier.ring_full),
            map_full: self.map_full.saturating_sub(earlier.map_full),
            storage_failed: self.storage_failed.saturating_sub(earlier.storage_failed),
            recursion_misses: self.recursion_misses.saturating_sub(earlier.recursion_misses),
            process_events: self.process_events.saturating_sub(earlier.process_events),
            state_changes: self.state_changes.saturating_sub(earlier.state_changes),
            untold_ends: self.untold_ends.saturating_sub(earlier.untold_ends),
            heads: self.heads.saturating_sub(earlier.heads),
            frames: self.frames.saturating_sub(earlier.frames),
            unattributed_tx_bytes: self.unattributed_tx_bytes.saturating_sub(earlier.unattributed_tx_bytes),
            unattributed_rx_bytes: self.unattributed_rx_bytes.saturating_sub(earlier.unattributed_rx_bytes),
        }
    }

    /// Events of the accounting that were dropped, of any kind.
    #[must_use]
    pub fn dropped_events(&self) -> u64 {
        self.ring_full
            + self.process_events
            + self.state_changes
            + self.untold_ends
            + self.recursion_misses
            + self.frames
    }
}

impl std::ops::AddAssign for Losses {
    fn add_assign(&mut self, o: Self) {
        self.ring_full += o.ring_full;
        self.map_full += o.map_full;
        self.storage_failed += o.storage_failed;
        self.recursion_misses += o.recursion_misses;
        self.process_events += o.process_events;
        self.state_changes += o.state_changes;
        self.untold_ends += o.untold_ends;
        self.heads += o.heads;
        self.frames += o.frames;
        self.unattributed_tx_bytes += o.unattributed_tx_bytes;
        self.unattributed_rx_bytes += o.unattributed_rx_bytes;
    }
}

/// Everything that a collector learnt since the last batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// When reading it ended.
    pub at: BootTime,
    /// Processes first: a flow may refer to one of these.
    pub processes: Vec<ProcessEvent>,
    /// What the first bytes of flows told, of those in this batch and of others, in the order they passed.
    pub heard: Vec<Heard>,
    /// Flows that changed. For one flow, samples come in the order they were taken, the closing one last.
    pub flows: Vec<FlowSample>,
    /// Sockets that have ended and left no record: their flows are over, with what is known of them.
    pub vanished: Vec<SocketId>,
    /// Absolute.
    pub losses: Losses,
}

/// A collector: a stream of batches that states its quality.
pub trait Source {
    /// Why a batch could not be had.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads everything that is new. Bytes moved before the call began are in the batch it returns.
    fn collect(&mut self) -> impl Future<Output = Result<Batch, Self::Error>>;

    /// What this collector promises, now.
    fn quality(&self) -> &Quality;
}
