//! Keys, snapshots and signals come together here.

use std::{io, pin::pin, sync::Arc, time::Duration};

use anyhow::Context;
use crossterm::event::{Event, EventStream};
use futures_util::{FutureExt, StreamExt};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{MissedTickBehavior, sleep},
};
use watcher_core::Snapshot;

use super::{
    appearance::Appearance,
    screen::Screen,
    state::{Names, Narrow, Outcome, Settings, State},
    view,
};
use crate::{
    by::By,
    filter::Filter,
    names::Geo,
    sort::Key,
    top::{Feed, FeedError, Origin},
    units::Units,
};

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
    /// Where addresses are.
    pub geo: Arc<Geo>,
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
        State::new(settings, narrow, Names::system().with(self.geo), (self.by, self.sort))
    }
}

/// Without an answer for so long, the screen says so.
const SILENT: Duration = Duration::from_secs(3);
/// Between two attempts to have numbers again.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Shows what `feed` gives until the user, a signal or a failure ends it. The terminal is given back in any case.
///
/// # Errors
/// The terminal cannot be used, or the feed failed.
pub async fn run<F: Feed>(feed: F, options: Options) -> anyhow::Result<()> {
    let (sender, receiver) = mpsc::channel(1);
    let count = pin!(count(feed, options.interval, sender));
    let show = pin!(show(options, receiver));
    // Both in one task: a collector need not be `Send`, and is never cut off halfway by a key.
    tokio::select! {
        failed = count => failed,
        shown = show => shown,
    }
}

/// What comes to the screen beside keys.
enum News {
    Numbers(Box<Snapshot>, Origin),
    /// There are none, and why.
    Lost(String),
}

/// Collects once per interval, for as long as somebody looks.
async fn count<F: Feed>(mut feed: F, interval: Duration, sender: mpsc::Sender<News>) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let news = loop {
            match patiently(feed.snapshot(), &sender).await {
                Ok(snapshot) => break News::Numbers(Box::new(snapshot), feed.origin()),
                Err(FeedError::Failed(error)) => return Err(error),
                Err(FeedError::Lost(why)) => {
                    if sender.send(News::Lost(why)).await.is_err() {
                        return Ok(());
                    }
                    sleep(TRY_EVERY).await;
                }
            }
        };
        if sender.send(news).await.is_err() {
            return Ok(());
        }
    }
}

/// What `numbers` gives. While it gives nothing, the screen says so.
async fn patiently<T>(numbers: impl Future<Output = T>, sender: &mpsc::Sender<News>) -> T {
    let mut numbers = pin!(numbers);
    let mut silent = Duration::ZERO;
    loop {
        tokio::select! {
            given = &mut numbers => return given,
            () = sleep(SILENT) => {
                silent += SILENT;
                let why = format!("no answer from the daemon for {} s", silent.as_secs());
                // A screen that is not keeping up has something newer to show soon.
                sender.try_send(News::Lost(why)).ok();
            }
        }
    }
}

async fn show(options: Options, mut news: mpsc::Receiver<News>) -> anyhow::Result<()> {
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
            Some(news) = news.recv() => match news {
                News::Numbers(snapshot, origin) => state.on_numbers(*snapshot, origin),
                News::Lost(why) => state.lost = Some(why),
            },
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
