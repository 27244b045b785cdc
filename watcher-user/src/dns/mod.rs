//! `watcher dns`: the queries that a daemon has seen.
//!
//! They come from its log of the last few thousand. Nothing is kept here; `--follow` asks for what is new, again and again.

mod choice;
mod follow;
mod json;
mod table;
#[cfg(test)]
mod tests;
mod words;

use std::{
    io::{self, Write as _},
    time::Duration,
};

use anyhow::Context as _;
use jiff::tz::TimeZone;

use crate::{
    clock::{WallClock, read},
    control::{Answer, Ask, Place, client::Client, reach},
    table::terminal_width,
};

pub use self::choice::Choice;

/// A table has so many rows where nothing else was asked for.
const ROWS: usize = 100;

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which queries.
    pub choice: Choice,
    /// At most so many.
    pub limit: Option<usize>,
    /// Each as it is answered or given up, and not those that there were.
    pub follow: bool,
    /// One object per line.
    pub json: bool,
    /// Only what was asked so long ago, or later.
    pub since: Option<Duration>,
}

/// Prints the queries that the daemon of `places` knows.
///
/// # Errors
/// None runs, or it may not be asked, or the output cannot be written.
pub fn run(places: &[Place], options: &Options) -> anyhow::Result<()> {
    let (place, client) = reach(places)?;
    if options.follow {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        drop(client);
        return runtime.block_on(follow::follow(&place.socket, options));
    }
    let text = list(client, options)?;
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing the queries")
}

fn list(mut client: Client, options: &Options) -> anyhow::Result<String> {
    let mut rows = match client.ask(Ask::Queries { after: 0 })? {
        Answer::Queries(queries) => queries,
        _ => anyhow::bail!("the daemon answered something else than was asked"),
    };
    let (_, now) = read().context("reading the clocks")?;
    let clock = WallClock::measure().context("reading the clocks")?;
    rows.retain(|row| options.choice.has(row) && options.since.is_none_or(|since| now.since(row.query.at) <= since));
    rows.sort_by_key(|row| std::cmp::Reverse((row.query.at, row.query.number)));
    let all = rows.len();
    rows.truncate(options.limit.or((!options.json).then_some(ROWS)).unwrap_or(usize::MAX));
    if options.json {
        return Ok(rows.iter().map(|row| json::line(row, clock)).collect());
    }
    let mut text = table::write(&rows, (now, clock), &TimeZone::system(), terminal_width());
    if all > rows.len() {
        text.push_str(&format!("{} more: --limit {all}\n", all - rows.len()));
    }
    Ok(text)
}
