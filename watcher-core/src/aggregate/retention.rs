//! How much of the past is kept by name.

use std::time::Duration;

/// How much of the past is kept by name. What is dropped folds into sums that stay exact.
///
/// Whatever has ended is in at least one [`crate::Snapshot`] after its end, even beyond these limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// An ended flow stays listed this long.
    pub ended_flow: Duration,
    /// At most so many ended flows are listed, newest first.
    pub max_ended_flows: usize,
    /// An ended process stays listed this long.
    pub ended_process: Duration,
    /// At most so many ended processes are listed, newest first.
    pub max_ended_processes: usize,
    /// At most so many remote addresses are listed beside those of listed flows; further ones gather in one row
    /// without an address.
    pub max_remotes: usize,
}

impl Default for Retention {
    /// Enough to see on a screen what has just ended, within a few megabytes.
    fn default() -> Self {
        Self {
            ended_flow: Duration::from_secs(30),
            max_ended_flows: 2_000,
            ended_process: Duration::from_secs(300),
            max_ended_processes: 1_000,
            max_remotes: 4_096,
        }
    }
}
