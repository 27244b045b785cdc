//! What an operator is told, once each. Where it goes (journal, log file) is the daemon's business.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

/// Something worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A window that a killed watcher left open lies in the spool now.
    Recovered {
        /// The window.
        upload_id: Uuid,
    },
    /// A file of the spool could not be read and was renamed.
    SetAside {
        /// Its old name.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The oldest window was given up: the spool's bounds in size or age.
    Dropped {
        /// Start of the window.
        started_at: Timestamp,
        /// How many windows were given up since the spool was made.
        total: u64,
    },
    /// The endpoint refused a window for good.
    Parked {
        /// The window.
        upload_id: Uuid,
        /// What the endpoint said.
        why: String,
    },
    /// The endpoint took a window or refused it, and the spool could not note that.
    NotNoted {
        /// What happened.
        why: String,
    },
    /// The first of a row of failed attempts.
    Failing {
        /// What happened.
        why: String,
        /// Until the next attempt.
        retry_in: Duration,
    },
    /// The first success after failures.
    Recovering {
        /// How many attempts failed in between.
        after: u32,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recovered { upload_id } => {
                write!(f, "upload: window {upload_id} was open when watcher ended; what was saved of it will be sent")
            }
            Self::SetAside { file, why } => write!(f, "upload: spool file {file} was set aside: {why}"),
            Self::Dropped { started_at, total } => {
                write!(f, "upload: the spool is at its bounds: dropped the window of {started_at:.0} ({total} so far)")
            }
            Self::Parked { upload_id, why } => {
                write!(f, "upload: the endpoint refused window {upload_id}, it stays in the spool: {why}")
            }
            Self::NotNoted { why } => write!(f, "upload: {why}; the window will be sent again after a restart"),
            Self::Failing { why, retry_in } => {
                write!(f, "upload: {why}; windows wait in the spool, next attempt in {:.1} s", retry_in.as_secs_f64())
            }
            Self::Recovering { after } => {
                write!(f, "upload: the endpoint takes windows again ({after} attempts failed)")
            }
        }
    }
}

/// Where notices go.
#[derive(Clone)]
pub struct Say(Arc<dyn Fn(Notice) + Send + Sync>);

impl Say {
    /// To `sink`, which must not block.
    pub fn to(sink: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// To nobody.
    #[must_use]
    pub fn nobody() -> Self {
        Self::to(|_| ())
    }

    pub(super) fn say(&self, notice: Notice) {
        (self.0)(notice);
    }
}

impl fmt::Debug for Say {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Say")
    }
}
