//! Keys, snapshots and signals come together here.

use std::{io, pin::pin, time::Duration};

use anyhow::Context;
use crossterm::event::{Event, EventStream};
use futures_util::{FutureExt, StreamExt};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::MissedTickBehavior,
};
use watcher_core::{Aggregator, Retention, Snapshot, Source};

use super::{
    appearance::Appearance,
    screen::Screen,
    state::{Names, Narrow, Outcome, Settings, State},
    view,
};
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
    /// Names of users and ports, not numbers.
    pub names: bool,
    /// How amounts are written.
    pub units: Units,
    /// Whether loopback is shown.
    pub include_loopback: bool,
}

impl Options {
    fn state(self) -> State {
        let settings =
            Settings { units: self.units, names: self.names, loopback: self.include_loopback, hold: true, tree: false };
        let narrow = Narrow { filter: self.filter, user: None, pids: self.pids, limit: self.limit };
        State::new(settings, narrow, Names::system(), (self.by, self.sort))
    }
}

/// Shows what `source` counts until the user, a signal or a failure ends it. The terminal is given back in any case.
///
/// # Errors
/// The terminal cannot be used, or the source failed.
pub async fn run<S: Source>(source: S, options: Options) -> anyhow::Result<()> {
    let (sender, receiver) = mpsc::channel(1);
    let count = pin!(count(source, options.interval, sender));
    let show = pin!(show(options, receiver));
    // Both in one task: a collector need not be `Send`, and is never cut off halfway by a key.
    tokio::select! {
        failed = count => failed,
        shown = show => shown,
    }
}

/// Collects once per interval, for as long as somebody looks.
async fn count<S: Source>(mut source: S, interval: Duration, sender: mpsc::Sender<Snapshot>) -> anyhow::Result<()> {
    let mut aggregator = Aggregator::new(Retention::default());
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let batch = source.collect().await.context("cannot read what was counted")?;
        aggregator.apply(&batch);
        if sender.send(aggregator.snapshot(source.quality())).await.is_err() {
            return Ok(());
        }
    }
}

async fn show(options: Options, mut snapshots: mpsc::Receiver<Snapshot>) -> anyhow::Result<()> {
    let mut ends = Ends::new()?;
    let mut screen = Screen::open()?;
    let mut events = EventStream::new();
    let appearance = Appearance::from_env();
    let mut state = options.state();
    loop {
        screen.terminal.draw(|frame| view::draw(frame, &mut state, appearance)).context("cannot draw")?;
        tokio::select! {
            event = events.next() => {
                if take_in(event, &mut state)? == Outcome::Quit {
                    return Ok(());
                }
                // Keys that came faster than frames share one.
                while let Some(event) = events.next().now_or_never() {
                    if take_in(event, &mut state)? == Outcome::Quit {
                        return Ok(());
                    }
                }
            }
            Some(snapshot) = snapshots.recv() => state.on_snapshot(snapshot),
            () = ends.any() => return Ok(()),
        }
    }
}

fn take_in(event: Option<io::Result<Event>>, state: &mut State) -> anyhow::Result<Outcome> {
    match event.transpose().context("cannot read keys")? {
        Some(Event::Key(key)) => Ok(state.on_key(key)),
        Some(_) => Ok(Outcome::Draw),
        // The terminal is gone.
        None => Ok(Outcome::Quit),
    }
}

/// Signals that end the program in good order.
struct Ends([Signal; 3]);

impl Ends {
    fn new() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self([of(SignalKind::terminate())?, of(SignalKind::interrupt())?, of(SignalKind::hangup())?]))
    }

    async fn any(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
