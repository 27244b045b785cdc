//! `watcher insights`: what stands out of all that a daemon has seen, each in one sentence with its numbers.

#[cfg(test)]
mod tests;
mod text;
mod words;

use std::io::{self, Write as _};

use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use watcher_core::insights::{Evidence, Insight, Kind};

use self::text::Watched;
use crate::{
    clock::WallClock,
    control::{Answer, Ask, Place, reach},
    filter::Filter,
    table::terminal_width,
};

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The name of the application.
    pub app: Filter,
    /// Only these; all where there are none.
    pub kinds: Vec<Kind>,
    /// One object per line.
    pub json: bool,
}

impl Options {
    fn wants(&self, one: &Insight) -> bool {
        self.app.matches(&one.app) && (self.kinds.is_empty() || self.kinds.contains(&one.evidence.kind()))
    }
}

/// Prints what the daemon of `places` found.
///
/// # Errors
/// None runs, or it may not be asked, or the output cannot be written.
pub fn run(places: &[Place], options: &Options) -> anyhow::Result<()> {
    let (_, mut client) = reach(places)?;
    let (Answer::Status(status), Answer::Insights(mut found)) = (client.ask(Ask::Status)?, client.ask(Ask::Insights)?)
    else {
        anyhow::bail!("the daemon answered something else than was asked");
    };
    let clock = WallClock::measure().context("reading the clocks")?;
    let all = found.len();
    found.retain(|one| options.wants(one));
    let text = if options.json {
        found.iter().map(|one| line(one, clock)).collect()
    } else {
        let watched = Watched { since: status.started_at, now: Timestamp::now(), left_out: all - found.len() };
        text::write(&found, &watched, clock, &TimeZone::system(), terminal_width())
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing the insights")
}

/// `--json`: docs/insights.md names every field.
#[derive(Serialize)]
struct Object<'a> {
    app: &'a str,
    pid: u32,
    remote: Option<&'a str>,
    since: Timestamp,
    until: Timestamp,
    what: String,
    #[serde(flatten)]
    evidence: &'a Evidence,
}

fn line(one: &Insight, clock: WallClock) -> String {
    let object = Object {
        app: &one.app,
        pid: one.pid,
        remote: one.remote.as_deref(),
        since: clock.at(one.since),
        until: clock.at(one.until),
        what: words::what(one),
        evidence: &one.evidence,
    };
    let mut line = watcher_core::json::to_string(&object).expect("numbers and text can be written as JSON");
    line.push('\n');
    line
}
