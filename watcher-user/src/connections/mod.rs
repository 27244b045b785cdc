//! `watcher connections`: the lifecycles that a daemon has seen.
//!
//! Open connections come from its newest snapshot, ended ones from its log of the last few thousand. Nothing is kept
//! here; `--follow` asks for what is new, again and again.

mod choice;
mod follow;
mod json;
mod kind;
mod lifecycle;
mod table;
#[cfg(test)]
mod tests;

use std::{
    io::{self, Write as _},
    time::Duration,
};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use watcher_core::Snapshot;

use self::lifecycle::Lifecycle;
use crate::{
    clock::WallClock,
    control::{
        Answer, Ask, Place,
        client::{AskError, Client},
        reach,
    },
    table::terminal_width,
    users::Users,
};

pub use self::choice::{Choice, Stage};

/// A table has so many rows where nothing else was asked for.
const ROWS: usize = 100;

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which connections.
    pub choice: Choice,
    /// At most so many.
    pub limit: Option<usize>,
    /// Each as it begins and ends, and not those that there are.
    pub follow: bool,
    /// One object per line.
    pub json: bool,
    /// Names of users, not numbers.
    pub names: bool,
    /// Only what began or ended so long ago, or later.
    pub since: Option<Duration>,
}

/// Prints the connections that the daemon of `places` knows.
///
/// # Errors
/// None runs, or it may not be asked, or the output cannot be written.
pub fn run(places: &[Place], options: &Options) -> anyhow::Result<()> {
    let (place, client) = match reach(places) {
        Ok(reached) => reached,
        Err(e @ AskError::NotRunning(_)) => {
            return Err(anyhow::anyhow!("{e}, or without a daemon: sudo watcher top --by connection"));
        }
        Err(e) => return Err(e.into()),
    };
    if options.follow {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        drop(client);
        return runtime.block_on(follow::follow(&place.socket, options));
    }
    let text = list(client, options)?;
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing the connections")
}

/// Every flow of a snapshot whose times are by `clock`: lines of JSON, or a table.
pub(crate) fn of_snapshot(snapshot: &Snapshot, clock: WallClock, as_json: bool, room: Option<usize>) -> String {
    let (rows, users, now) = (lifecycle::merged(snapshot, &[]), Users::numeric(), snapshot.at);
    if as_json {
        return rows.iter().map(|row| json::line(row, None, &users, now, clock)).collect();
    }
    table::write(&rows, &users, (now, clock), &TimeZone::system(), room)
}

fn list(mut client: Client, options: &Options) -> anyhow::Result<String> {
    // In this order: what the snapshot's reading saw ending is in the log by then.
    let snapshot = match client.ask(Ask::Snapshot { max_age_ms: 0 })? {
        Answer::Snapshot(snapshot) => snapshot,
        _ => anyhow::bail!("the daemon answered something else than was asked"),
    };
    let ended = match client.ask(Ask::Ended { after: 0 })? {
        Answer::Ended(ended) => ended,
        _ => anyhow::bail!("the daemon answered something else than was asked"),
    };
    let now = snapshot.at;
    let mut rows = lifecycle::merged(&snapshot, &ended);
    rows.retain(|row| options.choice.has(row) && options.since.is_none_or(|since| row.is_within(since, now)));
    let all = rows.len();
    let limit = options.limit.or((!options.json).then_some(ROWS)).unwrap_or(usize::MAX);
    rows.truncate(limit);
    let users = if options.names { Users::system() } else { Users::numeric() };
    let clock = WallClock::measure().context("reading the clocks")?;
    if options.json {
        return Ok(rows.iter().map(|row| json::line(row, None, &users, now, clock)).collect());
    }
    let mut text = table::write(&rows, &users, (now, clock), &TimeZone::system(), terminal_width());
    if all > rows.len() {
        text.push_str(&format!("{} more: --limit {all}\n", all - rows.len()));
    }
    Ok(text)
}
