//! STUB: the screen comes here.

use std::time::Duration;

use watcher_core::Source;

use crate::{by::By, filter::Filter, sort::Key, units::Units};

/// What the command line asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Between two snapshots.
    pub interval: Duration,
    /// The table to begin with.
    pub by: By,
    /// Its order.
    pub sort: Key,
    /// Rows to show.
    pub filter: Filter,
    /// Processes to show; empty for all.
    pub pids: Vec<u32>,
    /// Rows per table; `None` for all.
    pub limit: Option<usize>,
    /// Names of users, not numbers.
    pub names: bool,
    /// How amounts are written.
    pub units: Units,
    /// Whether loopback is shown.
    pub include_loopback: bool,
}

/// STUB.
///
/// # Errors
/// Always.
pub async fn run<S: Source>(source: S, options: Options) -> anyhow::Result<()> {
    drop((source, options));
    anyhow::bail!("STUB: there is no screen in this build; use --plain or --json")
}
