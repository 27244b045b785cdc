//! `--follow`: each connection as it begins and ends, for as long as somebody reads. A daemon that ends may come back.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    path::Path,
};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use tokio::time::sleep;

use super::{Lifecycle, Options, json, table};
use crate::{
    clock::{WallClock, read},
    control::{Answer, Ask, client::AskError, link::Link},
    following::{ASK_EVERY, PATIENCE, TRY_EVERY, is_closed, say, seen, until_signalled},
    table::terminal_width,
    text::with_causes,
    users::Users,
};

/// Prints what happens until told to end.
///
/// # Errors
/// The daemon cannot be asked in the first place, or the output cannot be written.
pub async fn follow(socket: &Path, options: &Options) -> anyhow::Result<()> {
    until_signalled(watch(socket, options)).await
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
            seen(&mut self.opened, numbers, "connections began");
            lives.extend(opened.iter().map(|opened| Lifecycle::from(&**opened)));
        }
        if let Answer::Ended(ended) = self.link.ask(Ask::Ended { after: self.ended }, PATIENCE).await? {
            let numbers = ended.first().zip(ended.last()).map(|(first, last)| (first.number, last.number));
            seen(&mut self.ended, numbers, "connections ended");
            lives.extend(ended.iter().map(|ended| Lifecycle::from(&**ended)));
        }
        lives.sort_by_key(|row| row.ended().or(row.began()));
        Ok(lives)
    }
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
