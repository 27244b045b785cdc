//! `watcher top`: chooses the screen, tables or JSON lines, and keeps time.

mod attached;
mod choice;
mod feed;
pub(crate) mod json;
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
use watcher_core::{BootTime, FlowRow, FlowState, Snapshot, Source};

use crate::{
    cli::{Counter, Format, Rows, Top},
    clock::WallClock,
    config,
    control::{Place, client::AskError, reach},
    names::Asking,
    tui,
    users::Users,
};

pub use attached::Attached;
pub use choice::{Choice, Conditions};
pub use feed::{Feed, FeedError, Local, Origin};
pub use select::{Selected, select};

/// Shows what `feed` gives, until told to end.
///
/// # Errors
/// The feed fails, or the output cannot be written. A reader that has gone is an error too: `BrokenPipe`.
pub async fn run<F: Feed>(feed: F, options: Top) -> anyhow::Result<()> {
    let is_terminal = std::io::stdout().is_terminal();
    let Some(format) = options.format.or((!is_terminal).then_some(Format::Plain)) else {
        return tui::run(feed, screen(options)).await;
    };
    let users = if options.names { Users::system() } else { Users::numeric() };
    let clock = WallClock::measure().context("reading the clocks")?;
    let out = BufWriter::with_capacity(1 << 16, std::io::stdout());
    let writer: Box<dyn Report> = match format {
        Format::Json => Box::new(json::Writer::new(out, options.rows, users, clock, options.geo)),
        Format::Plain => {
            Box::new(plain::Writer::new(out, options.rows, users, options.units, options.names, options.geo))
        }
    };
    let timing =
        Timing { interval: options.interval, count: options.count, announce: format == Format::Json && !options.once };
    watch(feed, writer, timing, schedule::Stop::listen()?).await
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
        geo: options.geo,
        units: options.units,
        include_loopback: options.rows.include_loopback,
    }
}

/// Shows what the daemon counts at the first of `places` where one runs, or what `open` counts: as the options say.
///
/// # Errors
/// As [`run`]; or whoever is to count cannot be had.
pub async fn either<S: Source>(
    places: &[Place],
    open: impl FnOnce() -> anyhow::Result<S>,
    names: &config::Names,
    options: Top,
) -> anyhow::Result<()> {
    let own = |open: anyhow::Result<S>| {
        // Without somebody to ask, addresses go by themselves: no reason not to count.
        let asking = if options.names { Asking::start(names).unwrap_or_default() } else { Asking::nobody() };
        anyhow::Ok(Local::asking(open?, asking))
    };
    if options.counter == Counter::Own {
        return run(own(open())?, options).await;
    }
    match reach(places) {
        Ok((place, _)) => run(Attached::to(place.socket.clone()), options).await,
        Err(none) if options.counter == Counter::Daemon => Err(none.into()),
        // Nobody is there; or it may not be asked, but this user may still count without it.
        Err(AskError::NotRunning(_)) => run(own(open())?, options).await,
        Err(refused) => {
            let source = open().map_err(|e| e.context(format!("{refused}; and without the daemon")));
            run(own(source)?, options).await
        }
    }
}

/// Writes one object about what was, by a clock that is not this machine's.
///
/// # Errors
/// The output cannot be written.
pub(crate) fn write_past(
    out: impl std::io::Write,
    snapshot: &Snapshot,
    origin: &Origin,
    rows: Rows,
    clock: WallClock,
) -> anyhow::Result<()> {
    let mut writer = json::Writer::new(out, rows, Users::numeric(), clock, std::sync::Arc::default());
    writer.fixed = Some(clock);
    writer.write(snapshot, origin)
}

/// Where snapshots go.
trait Report {
    fn write(&mut self, snapshot: &Snapshot, origin: &Origin) -> anyhow::Result<()>;
}

#[derive(Debug, Clone, Copy)]
struct Timing {
    interval: Duration,
    count: Option<u64>,
    /// Whether a first report comes at once.
    announce: bool,
}

/// The loop: a report at the end of each interval, and one for what is left when told to stop.
async fn watch<F: Feed>(
    mut feed: F,
    mut report: impl Report,
    timing: Timing,
    mut stop: schedule::Stop,
) -> anyhow::Result<()> {
    let mut ticks = schedule::Ticks::start(timing.interval);
    let first = stop.or_overdue(feed.snapshot()).await?;
    if timing.announce {
        report.write(&first, &feed.origin())?;
    }
    let mut left = timing.count;
    while left != Some(0) {
        let tick = ticks.next(&mut stop).await;
        if tick == schedule::Tick::Between {
            feed.between().await?;
            continue;
        }
        let snapshot = stop.or_overdue(feed.snapshot()).await?;
        report.write(&snapshot, &feed.origin())?;
        if tick == schedule::Tick::Stop {
            break;
        }
        left = left.map(|n| n - 1);
    }
    Ok(())
}

impl Report for Box<dyn Report> {
    fn write(&mut self, snapshot: &Snapshot, origin: &Origin) -> anyhow::Result<()> {
        (**self).write(snapshot, origin)
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
