//! `--follow`: each query as it is answered or given up, for as long as somebody reads. A daemon that ends may come back.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    path::Path,
    sync::Arc,
};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use tokio::time::sleep;

use super::{Options, json, table};
use crate::{
    agent::Lookup,
    clock::{WallClock, read},
    control::{Answer, Ask, client::AskError, link::Link},
    following::{ASK_EVERY, PATIENCE, TRY_EVERY, is_closed, say, seen, until_signalled},
    table::terminal_width,
    text::with_causes,
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
    // What there was is old, but for what was asked for.
    let mut rows = followed.news().await?;
    let (_, now) = read().context("reading the clocks")?;
    rows.retain(|row| options.since.is_some_and(|since| now.since(row.query.at) <= since));
    loop {
        if print.rows(&rows)?.is_break() {
            return Ok(());
        }
        sleep(ASK_EVERY).await;
        if is_closed(&io::stdout()) {
            return Ok(());
        }
        rows = match followed.news().await {
            Ok(rows) => rows,
            Err(e) => {
                say(&format!("{}; waiting for the daemon", with_causes(&e)));
                let Some(found) = again(socket).await? else { return Ok(()) };
                followed = found;
                say(&format!("process {} counts now", followed.pid));
                // What it has seen so far is news: nobody was told.
                Vec::new()
            }
        };
    }
}

/// Waits for a daemon; `None` when nobody reads any more.
async fn again(socket: &Path) -> anyhow::Result<Option<Followed>> {
    loop {
        sleep(TRY_EVERY).await;
        if is_closed(&io::stdout()) {
            return Ok(None);
        }
        match Followed::connect(socket).await {
            Ok(followed) => return Ok(Some(followed)),
            Err(e @ AskError::Version { .. }) => return Err(e.into()),
            Err(_) => {}
        }
    }
}

/// A daemon, and the number of what was seen last.
struct Followed {
    link: Link,
    pid: u32,
    last: u64,
}

impl Followed {
    /// From its first query on.
    async fn connect(socket: &Path) -> Result<Self, AskError> {
        let mut link = Link::connect(socket).await?;
        let pid = match link.ask(Ask::Status, PATIENCE).await? {
            Answer::Status(status) => status.pid,
            _ => 0,
        };
        Ok(Self { link, pid, last: 0 })
    }

    /// What has come since the last time, in the order it came in.
    async fn news(&mut self) -> Result<Vec<Arc<Lookup>>, AskError> {
        let Answer::Queries(rows) = self.link.ask(Ask::Queries { after: self.last }, PATIENCE).await? else {
            return Ok(Vec::new());
        };
        let numbers = rows.first().zip(rows.last()).map(|(first, last)| (first.query.number, last.query.number));
        seen(&mut self.last, numbers, "queries went by");
        Ok(rows)
    }
}

struct Printer<'a> {
    options: &'a Options,
    clock: WallClock,
    zone: TimeZone,
    left: Option<usize>,
}

impl<'a> Printer<'a> {
    fn new(options: &'a Options) -> anyhow::Result<Self> {
        let clock = WallClock::measure().context("reading the clocks")?;
        Ok(Self { options, clock, zone: TimeZone::system(), left: options.limit })
    }

    /// Breaks when as many are printed as were asked for.
    fn rows(&mut self, rows: &[Arc<Lookup>]) -> anyhow::Result<ControlFlow<()>> {
        let mut text = String::new();
        for row in rows.iter().filter(|row| self.options.choice.has(row)) {
            if self.left == Some(0) {
                break;
            }
            self.left = self.left.map(|left| left - 1);
            text.push_str(&if self.options.json {
                json::line(row, self.clock)
            } else {
                table::event(row, self.clock, &self.zone, terminal_width())
            });
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing the queries")?;
        Ok(if self.left == Some(0) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}
