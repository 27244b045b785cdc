//! When to read, when to report, when to stop.

use std::{pin::Pin, time::Duration};

use anyhow::bail;
use futures_util::{FutureExt as _, future::Shared};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep},
};

/// The kernel's buffers are read at least this often, however long the interval of reports is.
const READ_AT_LEAST: Duration = Duration::from_secs(1);

/// What it is time for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tick {
    /// Reading, within an interval.
    Between,
    /// A report.
    Report,
    /// The last report.
    Stop,
}

/// Ticks at multiples of the interval since the start: a late one does not delay the next.
#[derive(Debug)]
pub(super) struct Ticks {
    timer: Interval,
    /// Readings per report.
    parts: u32,
    part: u32,
}

impl Ticks {
    pub fn start(interval: Duration) -> Self {
        let parts = interval.as_nanos().div_ceil(READ_AT_LEAST.as_nanos()).max(1);
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        let period = (interval / parts).max(Duration::from_nanos(1));
        let mut timer = interval_at(Instant::now() + period, period);
        timer.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { timer, parts, part: 0 }
    }

    pub async fn next(&mut self, stop: &mut Stop) -> Tick {
        tokio::select! {
            biased;
            () = stop.0.clone() => return Tick::Stop,
            _ = self.timer.tick() => {}
        }
        self.part += 1;
        if self.part < self.parts {
            return Tick::Between;
        }
        self.part = 0;
        Tick::Report
    }
}

/// What asks for an end.
pub(super) struct Stop(Shared<Pin<Box<dyn Future<Output = ()>>>>);

/// Whoever asked for an end waits so long for the last numbers.
const LAST_NUMBERS_WITHIN: Duration = Duration::from_secs(2);

impl Stop {
    /// The usual signals. A hang-up too: what was counted is still written where somebody reads.
    pub fn listen() -> std::io::Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [a, b, c] = kinds.map(signal);
        let (mut a, mut b, mut c) = (a?, b?, c?);
        Ok(Self::when(async move {
            tokio::select! {
                _ = a.recv() => {}
                _ = b.recv() => {}
                _ = c.recv() => {}
            }
        }))
    }

    /// When `end` is.
    pub fn when(end: impl Future<Output = ()> + 'static) -> Self {
        let end: Pin<Box<dyn Future<Output = ()>>> = Box::pin(end);
        Self(end.shared())
    }

    /// What `numbers` gives, unless an end was asked for and they do not come.
    pub async fn or_overdue<T, E: Into<anyhow::Error>>(
        &self,
        numbers: impl Future<Output = Result<T, E>>,
    ) -> anyhow::Result<T> {
        let overdue = async {
            self.0.clone().await;
            sleep(LAST_NUMBERS_WITHIN).await;
        };
        tokio::select! {
            biased;
            numbers = numbers => numbers.map_err(Into::into),
            () = overdue => bail!("told to end, and the last numbers do not come"),
        }
    }
}
