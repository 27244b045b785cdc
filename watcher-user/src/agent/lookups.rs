//! DNS queries with the processes that asked, the newest few thousand, for who asks `watcher dns`.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};
use watcher_core::{ProcessInfo, names::Query};

/// So many are remembered.
const REMEMBERED: usize = 4096;

/// A query that was answered or given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// Who asked, as it was then.
    pub process: ProcessInfo,
    /// What, and what came of it. Its number counts from 1, without gaps.
    pub query: Arc<Query>,
}

/// The newest of them.
#[derive(Debug, Default)]
pub struct QueryLog {
    entries: VecDeque<Arc<Lookup>>,
}

impl QueryLog {
    /// The number of the newest one; 0 before it. What [`watcher_core::names::Queries::after`] that number tells is new here.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.entries.back().map_or(0, |lookup| lookup.query.number)
    }

    /// One more, with a higher number than those before.
    pub fn add(&mut self, query: Arc<Query>, process: ProcessInfo) {
        debug_assert!(query.number > self.last());
        if self.entries.len() == REMEMBERED {
            self.entries.pop_front();
        }
        self.entries.push_back(Arc::new(Lookup { process, query }));
    }

    /// Those after a number, oldest first.
    #[must_use]
    pub fn after(&self, number: u64) -> Vec<Arc<Lookup>> {
        let from = self.entries.partition_point(|lookup| lookup.query.number <= number);
        self.entries.range(from..).cloned().collect()
    }
}
