//! What goes over the socket.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use watcher_core::{Snapshot, rollup::Rollup};

use crate::agent::{Ended, Summary};

/// The version of the protocol. A field may be added to a version, never renamed; unknown fields are ignored.
pub const VERSION: u32 = 1;

/// A request: one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`VERSION`].
    pub watcher: u32,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// Whether it runs, since when, how it counts, and how uploading goes.
    Status,
    /// The short report: what `summary.json` holds.
    Summary,
    /// Everything that is counted, as of the newest reading.
    Snapshot,
    /// Connections that ended, oldest first.
    Ended {
        /// Only those after this number: see [`Ended::number`]. 0 for all that are remembered.
        #[serde(default)]
        after: u64,
    },
    /// The open window, as if it ended now: what would be sent of it, whether upload is on or not. Only root and the daemon's
    /// own user may: it names what the configuration lets out.
    Window,
    /// Reads the configuration again. Only root and the daemon's own user may.
    Reload,
    /// Sends what is in the spool now. Only root and the daemon's own user may.
    UploadNow,
}

impl Ask {
    /// Whether only root and the daemon's own user may ask it.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        matches!(self, Self::Window | Self::Reload | Self::UploadNow)
    }
}

/// An answer: one line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reply {
    /// [`VERSION`].
    pub watcher: u32,
    /// What was asked for, or why not.
    #[serde(flatten)]
    pub answer: Answer,
}

/// What may be answered; the field's name says which.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// To [`Ask::Status`].
    Status(Arc<Status>),
    /// To [`Ask::Summary`].
    Summary(Arc<Summary>),
    /// To [`Ask::Snapshot`].
    Snapshot(Arc<Snapshot>),
    /// To [`Ask::Ended`].
    Ended(Vec<Arc<Ended>>),
    /// To [`Ask::Window`].
    Window(Arc<Rollup>),
    /// To a command: what was done.
    Done(String),
    /// It could not be had: why, and what to try.
    Error(String),
}

/// How the daemon is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it began to count.
    pub started_at: Timestamp,
    /// `ebpf` or `pcap`.
    pub backend: String,
    /// Whether sums equal what the applications counted.
    pub exact: bool,
    /// Why it is not better; empty when all is well.
    pub degraded: Vec<String>,
    /// Process samples so far.
    pub polls: u64,
    /// When the newest window ends.
    pub window_ends_at: Timestamp,
    /// The configuration file in force; `None` when there is none.
    pub config_file: Option<String>,
    /// Why the newest configuration was not taken, if it was not.
    pub config_error: Option<String>,
    /// Uploading.
    pub upload: Uploads,
}

/// How uploading goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Uploads {
    /// Where to; `None` while it is off.
    pub to: Option<String>,
    /// In words.
    pub state: String,
    /// Windows that wait.
    pub waiting: u64,
    /// Windows that the endpoint refused.
    pub parked: u64,
    /// Windows that the spool's bounds have cost so far.
    pub dropped: u64,
}
