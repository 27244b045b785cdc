//! Which queries are shown.

use crate::{agent::Lookup, filter::Filter};

/// Conditions; a query meets all of them.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Processes; empty for all.
    pub pids: Vec<u32>,
    /// The name of the process.
    pub app: Filter,
    /// The name that was asked for.
    pub name: Filter,
    /// Only what went wrong.
    pub failed: bool,
}

impl Choice {
    /// Whether a query is shown.
    #[must_use]
    pub fn has(&self, row: &Lookup) -> bool {
        (self.pids.is_empty() || self.pids.contains(&row.query.process.tgid))
            && self.app.matches(&row.process.name)
            && self.name.matches(&row.query.name)
            && (!self.failed || row.query.failed())
    }
}
