//! Where snapshots come from: probes of this process's own, or a daemon that counts already.

use anyhow::Context as _;
use jiff::Timestamp;
use watcher_core::{Aggregator, Retention, Snapshot, Source};

use crate::names::Asking;

/// Who counts, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The daemon's process; `None` when the probes are this process's own.
    pub daemon: Option<u32>,
    /// When totals began.
    pub since: Timestamp,
}

/// Why there is no snapshot.
#[derive(Debug)]
pub enum FeedError {
    /// Not now; it may be had later, if somebody waits for it. What is wrong, and what to try.
    Lost(String),
    /// Not any more.
    Failed(anyhow::Error),
}

impl From<FeedError> for anyhow::Error {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Lost(why) => Self::msg(why),
            FeedError::Failed(error) => error,
        }
    }
}

/// Gives snapshots to one reader.
pub trait Feed {
    /// Within an interval: what must not wait until its end.
    fn between(&mut self) -> impl Future<Output = Result<(), FeedError>>;

    /// Everything that moved before this call, with rates since the call before; the first one has none.
    fn snapshot(&mut self) -> impl Future<Output = Result<Snapshot, FeedError>>;

    /// Where the newest snapshot is from.
    fn origin(&self) -> Origin;
}

/// A collector of this process.
#[derive(Debug)]
pub struct Local<S> {
    source: S,
    sums: Aggregator,
    since: Timestamp,
    asking: Asking,
}

impl<S: Source> Local<S> {
    /// Counts from now on.
    pub fn new(source: S) -> Self {
        Self::asking(source, Asking::nobody())
    }

    /// The same, with somebody to ask for names.
    pub fn asking(source: S, asking: Asking) -> Self {
        Self { source, sums: Aggregator::new(Retention::default()), since: Timestamp::now(), asking }
    }

    async fn read(&mut self) -> Result<(), FeedError> {
        let batch = self.source.collect().await.context("reading the counters").map_err(FeedError::Failed)?;
        self.sums.apply(&batch);
        Ok(())
    }
}

impl<S: Source> Feed for Local<S> {
    /// The kernel's buffers are emptied.
    async fn between(&mut self) -> Result<(), FeedError> {
        self.read().await
    }

    async fn snapshot(&mut self) -> Result<Snapshot, FeedError> {
        self.read().await?;
        let snapshot = self.sums.snapshot(self.source.quality());
        self.asking.exchange(&mut self.sums, snapshot.at);
        Ok(snapshot)
    }

    fn origin(&self) -> Origin {
        Origin { daemon: None, since: self.since }
    }
}
