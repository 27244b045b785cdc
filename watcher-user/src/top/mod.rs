//! `watcher top`: chooses the screen, tables or JSON lines, and keeps time.

mod choice;
mod json;
mod plain;
mod schedule;
mod select;
#[cfg(test)]
mod tests;

use std::{
    io::{BufWriter, IsTerminal as _},
    time::Duration,
};

use anyhow::Context as _;
use watcher_core::{Aggregator, BootTime, FlowRow, FlowState, Retention, Snapshot, Source};

use crate::{
    cli::{Format, Top},
    clock::WallClock,
    tui,
    users::Users,
};

pub use choice::{Choice, Conditions};
pub use select::{Selected, select};

/// Shows what `source` counts, until told to end.
///
/// # Errors
/// The source fails, or the output cannot be written. A reader that has gone is an error too: `BrokenPipe`.
pub async fn run<S: Source>(source: S, options: Top) -> anyhow::Result<()> {
    let is_terminal = std::io::stdout().is_terminal();
    let Some(format) = options.format.or((!is_terminal).then_some(Format::Plain)) else {
        return tui::run(source, screen(options)).await;
    };
    let users = if options.names { Users::system() } else { Users::numeric() };
    let clock = WallClock::measure().context("reading the clocks")?;
    let out = BufWriter::with_capacity(1 << 16, std::io::stdout());
    let writer: Box<dyn Report> = match format {
        Format::Json => Box::new(json::Writer::new(out, options.rows, users, clock)),
        Format::Plain => Box::new(plain::Writer::new(out, options.rows, users, options.units)),
    };
    let timing =
        Timing { interval: options.interval, count: options.count, announce: format == Format::Json && !options.once };
    watch(source, writer, timing, schedule::Stop::listen()?).await
}

fn screen(options: Top) -> tui::Options {
    tui::Options {
        interval: options.interval,
        by: options.rows.by,
        sort: options.rows.sort,
        filter: options.rows.filter,
        pids: options.rows.pids,
        limit: options.rows.limit,
        names: options.names,
        units: options.units,
        include_loopback: options.rows.include_loopback,
    }
}

/// Where snapshots go.
trait Report {
    fn write(&mut self, snapshot: &Snapshot) -> anyhow::Result<()>;
}

#[derive(Debug, Clone, Copy)]
struct Timing {
    interval: Duration,
    count: Option<u64>,
    /// Whether a first report comes at once.
    announce: bool,
}

/// The loop: a report at the end of each interval, and one for what is left when told to stop.
async fn watch<S: Source>(
    mut source: S,
    mut report: impl Report,
    timing: Timing,
    mut stop: schedule::Stop,
) -> anyhow::Result<()> {
    let mut sums = Aggregator::new(Retention::default());
    let mut ticks = schedule::Ticks::start(timing.interval);
    read(&mut source, &mut sums).await?;
    let first = sums.snapshot(source.quality());
    if timing.announce {
        report.write(&first)?;
    }
    let mut left = timing.count;
    while left != Some(0) {
        let tick = ticks.next(&mut stop).await;
        read(&mut source, &mut sums).await?;
        if tick == schedule::Tick::Between {
            continue;
        }
        report.write(&sums.snapshot(source.quality()))?;
        if tick == schedule::Tick::Stop {
            break;
        }
        left = left.map(|n| n - 1);
    }
    Ok(())
}

async fn read<S: Source>(source: &mut S, sums: &mut Aggregator) -> anyhow::Result<()> {
    sums.apply(&source.collect().await.context("reading the counters")?);
    Ok(())
}

impl Report for Box<dyn Report> {
    fn write(&mut self, snapshot: &Snapshot) -> anyhow::Result<()> {
        (**self).write(snapshot)
    }
}

/// How long a connection has lasted, or did; for other flows: since their first byte. `None` where nobody saw it begin.
#[must_use]
pub fn age(row: &FlowRow, now: BootTime) -> Option<Duration> {
    let sample = &row.sample;
    let began = sample.socket.opened.or(sample.socket.established).or(sample.counters.first)?;
    let ended = if let FlowState::Closed { at, .. } = sample.state { at } else { now };
    Some(ended.since(began))
}

/// The source of a system that has none.
#[cfg(not(target_os = "linux"))]
pub enum Nothing {}

#[cfg(not(target_os = "linux"))]
impl Source for Nothing {
    type Error = std::io::Error;
    async fn collect(&mut self) -> Result<watcher_core::Batch, Self::Error> {
        match *self {}
    }
    fn quality(&self) -> &watcher_core::Quality {
        match *self {}
    }
}
