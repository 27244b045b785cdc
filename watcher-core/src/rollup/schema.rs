//! Everything that leaves the machine, schema version 1. Nothing is sent that is not a field in this file.
//!
//! Two kinds of types, never mixed: the first part **names** somebody or something, and its text is [`Disclosed`], which
//! only [`super::Policy`] makes; the second part **counts**, describes the hardware, or says how well was counted.
//! The objects of the wire put one of each together. Fields may be added, never renamed; lists are never null.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Disclosed;
use crate::names::NameSource;

/// The version of this schema.
pub const SCHEMA_VERSION: u32 = 1;

// ------------------------------------------------------------------------------------------------ the sensitive part

/// Names a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessNames {
    /// Process id in the initial pid namespace; 0 is the kernel.
    pub pid: u32,
    /// Base name of the executable.
    pub name: Disclosed,
    /// As much of the command line as the policy lets out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Disclosed>,
}

/// Names a remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainNames {
    /// The name that the traffic went to; the address where none is known.
    pub domain: Disclosed,
    /// The registrable name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Disclosed>,
}

/// Names who talks to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionNames {
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Its name.
    pub process_name: Disclosed,
    /// The remote.
    #[serde(flatten)]
    pub remote: DomainNames,
    /// Where the name comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_source: Option<NameSource>,
}

/// Names the machine. Empty where the policy withholds it.
pub type Hostname = Disclosed;

// ------------------------------------------------------------------------------------------------------- the counters

/// What one process used and moved in the window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProcessCounters {
    /// Over the polls that saw it; 100 is one core.
    pub average_cpu_percent: f64,
    /// The busiest interval between two polls.
    pub peak_cpu_percent: f64,
    /// Resident memory over the polls that saw it, MiB.
    pub average_memory_rss_mb: f64,
    /// The most that a poll saw, MiB.
    pub peak_memory_rss_mb: f64,
    /// Polls that saw it: 0 when it lived between two of them.
    pub polls_seen: u32,
    /// Payload received.
    #[serde(default)]
    pub rx_bytes: u64,
    /// Payload sent.
    #[serde(default)]
    pub tx_bytes: u64,
    /// Flows that were open when it first moved something in the window, and those begun since.
    #[serde(default)]
    pub connections: u64,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "milliseconds::option")]
    pub started_at: Option<Timestamp>,
}

/// What was exchanged with one remote in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DomainCounters {
    /// Payload received.
    pub rx_bytes: u64,
    /// Payload sent.
    pub tx_bytes: u64,
    /// Polls in whose interval something moved, opened or ended.
    pub polls_seen: u32,
}

/// How a protocol is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolSource {
    /// By the first bytes of one of the flows.
    Seen,
    /// By the port, or, where that is no known one, by the transport.
    Port,
}

/// What one process exchanged with one remote over one protocol in the window, and how its connections fared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConnectionCounters {
    /// `HTTPS`, `DNS`, `TCP` …
    pub protocol: String,
    /// Where that comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_source: Option<ProtocolSource>,
    /// The bytes.
    #[serde(flatten)]
    pub traffic: DomainCounters,
    /// Begun in the window.
    #[serde(default)]
    pub opened: u64,
    /// Ended in the window after they had been established.
    #[serde(default)]
    pub closed: u64,
    /// Ended in the window without that.
    #[serde(default)]
    pub failed: u64,
    /// From opening to end, over those closed in the window whose opening was seen. Absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_duration_ms: Option<u64>,
}

/// The window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Wall clock.
    #[serde(serialize_with = "milliseconds::plain")]
    pub started_at: Timestamp,
    /// Wall clock. A clock that was set may have put it before the start.
    #[serde(serialize_with = "milliseconds::plain")]
    pub ended_at: Timestamp,
    /// By the clock that nobody sets.
    pub duration_seconds: u64,
    /// Process samples taken.
    pub polls: u32,
}

/// Sums over everything, listed or not, named or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Whether collection goes on after this window.
    pub running: bool,
    /// Process samples taken in the window.
    pub poll_count: u32,
    /// Processes that ran in the window.
    pub tracked_process_count: u64,
    /// Remotes.
    pub tracked_domain_count: u64,
    /// Groups of process, protocol and remote.
    pub tracked_connection_count: u64,
    /// All IP payload received, within the host too.
    pub total_rx_bytes: u64,
    /// All IP payload sent, within the host too.
    pub total_tx_bytes: u64,
    /// Of `total_rx_bytes`, what came from this host itself.
    #[serde(default)]
    pub loopback_rx_bytes: u64,
    /// Of `total_tx_bytes`, what went to this host itself.
    #[serde(default)]
    pub loopback_tx_bytes: u64,
    /// Link-layer frames that packet sockets received: copies of traffic, in no other sum.
    #[serde(default)]
    pub packet_rx_bytes: u64,
    /// Link-layer frames that packet sockets sent.
    #[serde(default)]
    pub packet_tx_bytes: u64,
}

/// Who counted, and how well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collector {
    /// `watcher`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `ebpf` or `pcap`.
    pub backend: String,
    /// Every byte of this window was charged to the process that moved it.
    pub exact: bool,
    /// Received bytes that the kernel counted and no call explains.
    pub unattributed_rx_bytes: u64,
    /// The same for sent bytes.
    pub unattributed_tx_bytes: u64,
    /// Records that got lost.
    pub dropped_events: u64,
}

/// The operating system.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct System {
    /// `linux`, `darwin`.
    pub os: String,
    /// `debian`, `macOS`.
    pub platform: String,
    /// `13`, `15.5`.
    pub platform_version: String,
    /// As `uname -r` tells it.
    pub kernel_version: String,
}

/// The hardware.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Hardware {
    /// The processor.
    pub cpu: Cpu,
    /// Main memory.
    pub memory: Capacity,
    /// File systems on disks, each counted once.
    pub disk: Capacity,
}

/// The processor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cpu {
    /// As it names itself; empty when unknown.
    pub model: String,
    /// [`super::normalized`].
    pub model_normalized: String,
    /// 0 when unknown.
    pub physical_cores: u32,
    /// 0 when unknown.
    pub logical_cores: u32,
    /// Its highest, or else its nominal frequency; 0 when unknown.
    pub frequency_mhz: u64,
}

/// An amount.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Capacity {
    /// GiB; 0 when unknown.
    pub total_gb: f64,
}

// ----------------------------------------------------------------------------------------------- the objects of the wire

/// One window of one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollup {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The same on every retry of this window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<Uuid>,
    /// When this attempt is sent. Changing it does not change the encoded size.
    #[serde(serialize_with = "milliseconds::plain")]
    pub sent_at: Timestamp,
    /// When.
    pub period: Period,
    /// Where.
    pub machine: Machine,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector: Option<Collector>,
    /// Sums.
    pub summary: Summary,
    /// At most [`super::MAX_PROCESSES`].
    pub processes: Vec<Process>,
    /// At most [`super::MAX_DOMAINS`], most bytes first.
    pub domains: Vec<Domain>,
    /// At most [`super::MAX_CONNECTIONS`], most bytes first.
    pub connections: Vec<Connection>,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Empty where the policy withholds it.
    pub hostname: Hostname,
    /// What runs on it.
    #[serde(flatten)]
    pub system: System,
    /// What it is.
    pub hardware: Hardware,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Who.
    #[serde(flatten)]
    pub names: ProcessNames,
    /// How much.
    #[serde(flatten)]
    pub counters: ProcessCounters,
}

/// One remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Who.
    #[serde(flatten)]
    pub names: DomainNames,
    /// How much.
    #[serde(flatten)]
    pub counters: DomainCounters,
}

/// One group of connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Who with whom.
    #[serde(flatten)]
    pub names: ConnectionNames,
    /// How much.
    #[serde(flatten)]
    pub counters: ConnectionCounters,
}

/// RFC 3339, UTC, always three decimals: all times take the same room.
mod milliseconds {
    use jiff::Timestamp;
    use serde::Serializer;

    pub fn plain<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{at:.3}"))
    }

    pub fn option<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => plain(at, serializer),
            None => serializer.serialize_none(),
        }
    }
}
