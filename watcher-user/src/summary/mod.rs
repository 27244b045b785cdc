//! `watcher summary`: the short report, out of the daemon's memory or out of what it wrote last.

mod choice;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use text::tables;

use std::{
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use jiff::tz::TimeZone;

use crate::{
    agent::{Lock, SUMMARY_FILE, Summary},
    control::{
        Answer, Ask, Place,
        client::{AskError, Client},
        reach,
    },
    table::terminal_width,
    text::{printable, with_causes},
};

/// It answers out of its memory. Whoever waits longer reads its last report instead.
const PATIENCE: Duration = Duration::from_secs(1);

/// A report, and how it was had.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The report.
    pub summary: Summary,
    /// Whether somebody counts.
    pub running: Running,
}

/// Whether somebody counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Running {
    /// Yes: it told this itself.
    Yes,
    /// Yes, and it could not be asked: why. The report is its last one.
    Unasked(String),
    /// No.
    No,
}

/// Prints the report of the first of `places` where there is one.
///
/// # Errors
/// Nothing was collected yet, or what was cannot be read.
pub fn run(places: &[Place], json: bool) -> anyhow::Result<()> {
    let report = find(places)?;
    let text = if json {
        watcher_core::json::to_string_pretty(&report.summary)? + "\n"
    } else {
        text::write(&report, &TimeZone::system(), terminal_width())
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing the summary")
}

fn find(places: &[Place]) -> anyhow::Result<Report> {
    match reach(places) {
        Ok((place, client)) => match ask(client) {
            Ok(summary) => Ok(Report { summary, running: Running::Yes }),
            Err(e @ AskError::Refused(_)) => Err(e.into()),
            Err(e) => unasked(std::slice::from_ref(place), &e),
        },
        Err(AskError::NotRunning(_)) => not_running(places),
        Err(e) => unasked(places, &e),
    }
}

fn ask(mut client: Client) -> Result<Summary, AskError> {
    client.set_patience(PATIENCE)?;
    match client.ask(Ask::Summary)? {
        Answer::Summary(summary) => Ok(std::sync::Arc::unwrap_or_clone(summary)),
        _ => Err(AskError::Refused("the daemon answered something else than was asked".to_owned())),
    }
}

fn not_running(places: &[Place]) -> anyhow::Result<Report> {
    for place in places {
        if let Some(summary) = read(&place.state)? {
            // It may hold the lock and not listen yet.
            let is_up = Lock::holder(&place.state).is_ok_and(|holder| holder.is_some());
            let starting = || Running::Unasked("the daemon does not listen yet".to_owned());
            return Ok(Report { summary, running: if is_up { starting() } else { Running::No } });
        }
    }
    let looked: Vec<String> = places.iter().map(|place| place.state.join(SUMMARY_FILE).display().to_string()).collect();
    Err(anyhow!(
        "nothing was collected yet: no watcher runs, and there is no {}; try: sudo watcher start",
        looked.join(" and no ")
    ))
}

/// A daemon runs and does not answer this user.
fn unasked(places: &[Place], why: &AskError) -> anyhow::Result<Report> {
    let why = with_causes(why);
    for place in places {
        // What may not be read is no news to whoever may not ask either.
        if let Ok(Some(summary)) = read(&place.state) {
            return Ok(Report { summary, running: Running::Unasked(why) });
        }
    }
    Err(anyhow!("{}", printable(&why)))
}

fn read(state: &Path) -> anyhow::Result<Option<Summary>> {
    let path = state.join(SUMMARY_FILE);
    Summary::read(state).map_err(|e| match e.kind() {
        io::ErrorKind::PermissionDenied => {
            anyhow!("{} may not be read: be root, or start the daemon and be in the group 'watcher'", path.display())
        }
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            anyhow!("{} is damaged ({e}): a running daemon writes it anew; try: sudo watcher start", path.display())
        }
        _ => anyhow::Error::new(e).context(format!("reading {}", path.display())),
    })
}
