//! Connections that have begun, the newest thousand, for who follows them.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};
use watcher_core::{Delta, FlowSample, Observer, ProcessInfo, names::Known};

/// So many are remembered.
const REMEMBERED: usize = 1024;

/// A flow that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Counts from 1, without gaps: what a client has seen and what it has not.
    pub number: u64,
    /// The process that uses it.
    pub process: ProcessInfo,
    /// The first sample.
    pub sample: FlowSample,
    /// What is known of who is at the other end, so far.
    #[serde(default)]
    pub known: Known,
}

/// The newest of them. Flows that had ended when they were first read are not among them, nor those that are older
/// than the daemon.
#[derive(Debug, Default)]
pub struct OpenedLog {
    entries: VecDeque<Arc<Opened>>,
    last: u64,
}

impl OpenedLog {
    /// Those after a number, oldest first.
    #[must_use]
    pub fn after(&self, number: u64) -> Vec<Arc<Opened>> {
        let from = self.entries.partition_point(|opened| opened.number <= number);
        self.entries.range(from..).cloned().collect()
    }
}

impl Observer for OpenedLog {
    fn flow(&mut self, delta: &Delta<'_>) {
        if !delta.first || delta.ended || delta.sample.socket.seeded {
            return;
        }
        self.last += 1;
        let opened = Opened {
            number: self.last,
            process: delta.info.clone(),
            sample: delta.sample.clone(),
            known: delta.known.clone(),
        };
        if self.entries.len() == REMEMBERED {
            self.entries.pop_front();
        }
        self.entries.push_back(Arc::new(opened));
    }
}
