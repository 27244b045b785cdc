//! `--follow`: each connection as it begins and ends, for as long as somebody reads. A daemon that ends may come back.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    os::fd::AsFd as _,
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use super::{Lifecycle, Options, json, table};
use crate::{
    clock::{WallClock, read},
    control::{Answer, Ask, client::AskError, link::Link},
    table::terminal_width,
    text::{printable, with_causes},
    users::Users,
};

/// The daemon reads every second.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Between two attempts to find a daemon.
const TRY_EVERY: Duration = Duration::from_millis(500);
/// It answers out of its memory.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prints what happens until told to end.
///
/// # Errors
/// The daemon cannot be asked in the first place, or the output cannot be written.
pub async fn follow(socket: &Path, options: &Options) -> anyhow::Result<()> {
    let of = |kind| signal(kind).context("listening for signals");
    let (mut interrupt, mut terminate) = (of(SignalKind::interrupt())?, of(SignalKind::terminate())?);
    tokio::select! {
        failed = watch(socket, options) => failed,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

async fn watch(socket: &Path, options: &Options) -> anyhow::Result<()> {
    let mut print = Printer::new(options)?;
    let mut followed = Followed::connect(socket).await?;
    if let Some(since) = options.since {
        // What is remembered of it, as if it happened now.
        (followed.opened, followed.ended) = (0, 0);
        let (_, now) = read().context("reading the clocks")?;
        let lives = followed.news().await?;
        let lives: Vec<Lifecycle> = lives.into_iter().filter(|row| row.is_within(since, now)).collect();
        if print.lives(&lives)?.is_break() {
            return Ok(());
        }
    }
    loop {
        sleep(ASK_EVERY).await;
        if is_closed(&io::stdout()) {
            return Ok(());
        }
        match followed.news().await {
            Ok(lives) => {
                if print.lives(&lives)?.is_break() {
                    return Ok(());
                }
            }
            Err(e) => {
                say(&format!("{}; waiting for the daemon", with_causes(&e)));
                let Some(found) = again(socket).await? else { return Ok(()) };
                followed = found;
                say(&format!("process {} counts now", followed.pid));
            }
        }
    }
}

/// Waits for a daemon; `None` when nobody reads any more. What it has seen so far counts as news: nobody was told.
async fn again(socket: &Path) -> anyhow::Result<Option<Followed>> {
    loop {
        sleep(TRY_EVERY).await;
        if is_closed(&io::stdout()) {
            return Ok(None);
        }
        match Followed::connect(socket).await {
            Ok(followed) => return Ok(Some(Followed { opened: 0, ended: 0, ..followed })),
            Err(e @ AskError::Version { .. }) => return Err(e.into()),
            Err(_) => {}
        }
    }
}

/// A daemon, and the numbers of what was seen last.
struct Followed {
    link: Link,
    pid: u32,
    opened: u64,
    ended: u64,
}

impl Followed {
    /// From now on.
    async fn connect(socket: &Path) -> Result<Self, AskError> {
        let mut link = Link::connect(socket).await?;
        let pid = match link.ask(Ask::Status, PATIENCE).await? {
            Answer::Status(status) => status.pid,
            _ => 0,
        };
        let mut followed = Self { link, pid, opened: 0, ended: 0 };
        followed.news().await?;
        Ok(followed)
    }

    /// What has happened since the last time, in the order of time.
    async fn news(&mut self) -> Result<Vec<Lifecycle>, AskError> {
        let mut lives: Vec<Lifecycle> = Vec::new();
        // In this order: what has ended meanwhile had begun before.
        if let Answer::Opened(opened) = self.link.ask(Ask::Opened { after: self.opened }, PATIENCE).await? {
            let numbers = opened.first().zip(opened.last()).map(|(first, last)| (first.number, last.number));
            seen(&mut self.opened, numbers, "began");
            lives.extend(opened.iter().map(|opened| Lifecycle::from(&**opened)));
        }
        if let Answer::Ended(ended) = self.link.ask(Ask::Ended { after: self.ended }, PATIENCE).await? {
            let numbers = ended.first().zip(ended.last()).map(|(first, last)| (first.number, last.number));
            seen(&mut self.ended, numbers, "ended");
            lives.extend(ended.iter().map(|ended| Lifecycle::from(&**ended)));
        }
        lives.sort_by_key(|row| row.ended().or(row.began()));
        Ok(lives)
    }
}

/// Notes the last number, and says when some before the first are forgotten already.
fn seen(last: &mut u64, new: Option<(u64, u64)>, what: &str) {
    let Some((first, newest)) = new else { return };
    let missed = first.saturating_sub(*last + 1);
    if *last > 0 && missed > 0 {
        say(&format!("{missed} connections {what} that the daemon does not remember"));
    }
    *last = newest;
}

struct Printer<'a> {
    options: &'a Options,
    clock: WallClock,
    zone: TimeZone,
    users: Users,
    left: Option<usize>,
}

impl<'a> Printer<'a> {
    fn new(options: &'a Options) -> anyhow::Result<Self> {
        let clock = WallClock::measure().context("reading the clocks")?;
        let users = if options.names { Users::system() } else { Users::numeric() };
        Ok(Self { options, clock, zone: TimeZone::system(), users, left: options.limit })
    }

    /// Breaks when as many are printed as were asked for.
    fn lives(&mut self, lives: &[Lifecycle]) -> anyhow::Result<ControlFlow<()>> {
        let (_, now) = read().context("reading the clocks")?;
        let mut text = String::new();
        for row in lives.iter().filter(|row| self.options.choice.has(row)) {
            if self.left == Some(0) {
                break;
            }
            self.left = self.left.map(|left| left - 1);
            if self.options.json {
                let event = if row.ended().is_some() { "ended" } else { "opened" };
                text.push_str(&json::line(row, Some(event), &self.users, now, self.clock));
            } else {
                text.push_str(&table::event(row, now, self.clock, &self.zone, terminal_width()));
            }
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing the connections")?;
        Ok(if self.left == Some(0) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}

/// Whether whoever read the output has gone: noticed without writing, which may not happen for hours.
fn is_closed(out: &io::Stdout) -> bool {
    let mut ends = [PollFd::new(out.as_fd(), PollFlags::empty())];
    let seen = poll(&mut ends, PollTimeout::ZERO);
    let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    seen.is_ok_and(|n| n > 0) && ends[0].revents().is_some_and(|events| events.intersects(gone))
}

fn say(what: &str) {
    // Nobody reads it: then there is nobody to tell.
    writeln!(io::stderr(), "watcher: {}", printable(what)).ok();
}
