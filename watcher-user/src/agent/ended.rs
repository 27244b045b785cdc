//! Connections that have ended, the newest few thousand, for who asks `watcher connections`.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};
use watcher_core::{Delta, FlowSample, Observer, ProcessInfo, names::Known};

/// So many are remembered.
const REMEMBERED: usize = 4096;

/// A flow that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Counts from 1, without gaps: what a client has seen and what it has not.
    pub number: u64,
    /// The process that moved the bytes.
    pub process: ProcessInfo,
    /// The last sample: its counters are final.
    pub sample: FlowSample,
    /// What is known of who was at the other end.
    #[serde(default)]
    pub known: Known,
}

/// The newest of them.
#[derive(Debug, Default)]
pub struct EndedLog {
    entries: VecDeque<Arc<Ended>>,
    last: u64,
}

impl EndedLog {
    /// Those after a number, oldest first.
    #[must_use]
    pub fn after(&self, number: u64) -> Vec<Arc<Ended>> {
        let from = self.entries.partition_point(|ended| ended.number <= number);
        self.entries.range(from..).cloned().collect()
    }
}

impl Observer for EndedLog {
    fn flow(&mut self, delta: &Delta<'_>) {
        if !delta.ended {
            return;
        }
        self.last += 1;
        let ended = Ended {
            number: self.last,
            process: delta.info.clone(),
            sample: delta.sample.clone(),
            known: delta.known.clone(),
        };
        if self.entries.len() == REMEMBERED {
            self.entries.pop_front();
        }
        self.entries.push_back(Arc::new(ended));
    }
}
