//! What goes over the socket.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use watcher_core::{
    Snapshot,
    history::{Query, Report},
    insights::Insight,
    rollup::Rollup,
};

use crate::{
    agent::{Ended, Lookup, Opened, Summary},
    alerts::Listed,
    sandbox::InForce,
};

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
    /// Everything that is counted.
    Snapshot {
        /// The reading may have begun so long before the question, milliseconds. 0 for one that begins after it.
        #[serde(default = "most_age")]
        max_age_ms: u64,
    },
    /// Connections that ended, oldest first.
    Ended {
        /// Only those after this number: see [`Ended::number`]. 0 for all that are remembered.
        #[serde(default)]
        after: u64,
    },
    /// The open window, as if it ended now: what would be sent of it, whether upload is on or not. Only root and the daemon's
    /// own user may: it names what the configuration lets out.
    Window,
    /// Connections that began, oldest first: those that had not ended when they were first read.
    Opened {
        /// Only those after this number. 0 for all that are remembered.
        #[serde(default)]
        after: u64,
    },
    /// DNS queries that were answered or given up, oldest first.
    Queries {
        /// Only those after this number. 0 for all that are remembered.
        #[serde(default)]
        after: u64,
    },
    /// What stands out of all that was counted.
    Insights,
    /// What was counted in a time that may be long ago, up to now.
    History(Query),
    /// The alerts of the configuration, and how near each is.
    Alerts,
    /// Reads the configuration again. Only root and the daemon's own user may.
    Reload,
    /// Sends what is in the spool now. Only root and the daemon's own user may.
    UploadNow,
}

/// Younger than the time between two readings of its own.
fn most_age() -> u64 {
    900
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
    /// To [`Ask::Opened`].
    Opened(Vec<Arc<Opened>>),
    /// To [`Ask::Queries`].
    Queries(Vec<Arc<Lookup>>),
    /// To [`Ask::Insights`].
    Insights(Vec<Insight>),
    /// To [`Ask::History`].
    History(Box<Report>),
    /// To [`Ask::Alerts`].
    Alerts(Vec<Listed>),
    /// To a command: what was done.
    Done(String),
    /// It could not be had: why, and what to try.
    Error(String),
}

/// A [`Reply`] as a client reads it: in one pass. The flattened enum would be held in memory twice, and a snapshot is long.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Heard {
    pub watcher: u32,
    status: Option<Arc<Status>>,
    summary: Option<Arc<Summary>>,
    snapshot: Option<Arc<Snapshot>>,
    ended: Option<Vec<Arc<Ended>>>,
    opened: Option<Vec<Arc<Opened>>>,
    queries: Option<Vec<Arc<Lookup>>>,
    window: Option<Arc<Rollup>>,
    insights: Option<Vec<Insight>>,
    history: Option<Box<Report>>,
    alerts: Option<Vec<Listed>>,
    done: Option<String>,
    error: Option<String>,
}

impl Heard {
    /// `None` for an answer that this version does not know.
    pub fn answer(self) -> Option<Answer> {
        let status = self.status.map(Answer::Status);
        let summary = || self.summary.map(Answer::Summary);
        let snapshot = || self.snapshot.map(Answer::Snapshot);
        let ended = || self.ended.map(Answer::Ended);
        let opened = || self.opened.map(Answer::Opened);
        let window = || self.window.map(Answer::Window);
        let queries = || self.queries.map(Answer::Queries);
        let insights = || self.insights.map(Answer::Insights);
        let history = || self.history.map(Answer::History);
        let alerts = || self.alerts.map(Answer::Alerts);
        let words = || self.done.map(Answer::Done).or_else(|| self.error.map(Answer::Error));
        status
            .or_else(summary)
            .or_else(snapshot)
            .or_else(ended)
            .or_else(opened)
            .or_else(queries)
            .or_else(window)
            .or_else(insights)
            .or_else(history)
            .or_else(alerts)
            .or_else(words)
    }
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
    /// What the daemon has given up; `None` when it was told not to.
    #[serde(default)]
    pub sandbox: Option<InForce>,
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

/// From the outcome of a command.
impl From<Result<String, String>> for Answer {
    fn from(outcome: Result<String, String>) -> Self {
        outcome.map_or_else(Self::Error, Self::Done)
    }
}
