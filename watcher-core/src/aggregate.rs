//! Running totals and rates from batches of absolute counters.

use crate::{Batch, Quality, Snapshot};

/// How much of the past is kept by name. What is dropped folds into sums that stay exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// An ended flow stays listed this long.
    pub ended_flow: std::time::Duration,
    /// At most so many ended flows are listed, newest first.
    pub max_ended_flows: usize,
    /// An ended process stays listed this long.
    pub ended_process: std::time::Duration,
    /// At most so many ended processes are listed, newest first.
    pub max_ended_processes: usize,
    /// At most so many remote addresses are listed; further ones gather in one row without an address.
    pub max_remotes: usize,
}

/// Adds up.
#[derive(Debug)]
pub struct Aggregator {}

impl Aggregator {
    /// An empty one.
    #[must_use]
    pub fn new(_retention: Retention) -> Self {
        Self {}
    }
    /// Takes in a batch.
    pub fn apply(&mut self, _batch: &Batch) {
        todo!()
    }
    /// The state as of the last batch; rates are over the time since the snapshot before.
    pub fn snapshot(&mut self, _quality: &Quality) -> Snapshot {
        todo!()
    }
}
