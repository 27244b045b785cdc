//! Insights for a terminal.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use watcher_core::insights::Insight;

use super::words::what;
use crate::{
    clock::{WallClock, local},
    text::{fit, printable, width},
    wording,
};

/// Where the output is no terminal.
const COLUMNS: usize = 80;
/// The narrowest that sentences are broken for.
const NARROWEST: usize = 40;
/// For the widest kind.
const KIND: usize = 13;
/// Names of processes are as long as processes please.
const APP: usize = 20;
/// Before this, nothing can be told to be regular.
const REGULAR_AFTER: Duration = Duration::from_secs(3 * 3_600);

/// What the insights are of.
pub struct Watched {
    /// The daemon began.
    pub since: Timestamp,
    pub now: Timestamp,
    /// Insights that were not asked for.
    pub left_out: usize,
}

/// All of them, or that there are none, for a terminal of so many columns.
pub fn write(all: &[Insight], watched: &Watched, clock: WallClock, zone: &TimeZone, room: Option<usize>) -> String {
    let room = room.unwrap_or(COLUMNS).max(NARROWEST);
    let mut text = String::new();
    for one in all {
        let kind = one.evidence.kind().as_str();
        let app = fit(&printable(&one.app), APP).into_owned();
        let [since, until] = [one.since, one.until].map(|at| moment(clock.at(at), watched.now, zone));
        let title = format!("{kind:<KIND$} {app}[{}], {since} to {until}", one.pid);
        text.push_str(&format!("{}\n{}\n", fit(&title, room), wrapped(&what(one), room)));
    }
    let span = Duration::try_from(watched.now.duration_since(watched.since)).unwrap_or_default();
    let since = format!("{} ({})", local(watched.since, zone), wording::span(span));
    let mut last = match (all.len(), watched.left_out) {
        (0, 0) => format!("Nothing stands out of what was seen since {since}"),
        (0, _) => format!("Nothing like that stands out of what was seen since {since}"),
        _ => format!("Seen since {since}"),
    };
    if watched.left_out > 0 {
        last.push_str(&format!("; without --app and --kind there are {} more", watched.left_out));
    }
    if span < REGULAR_AFTER {
        last.push_str("; polling is only told after three hours");
    }
    text + &broken(&(last + "."), room, "")
}

/// Two columns in.
fn wrapped(sentence: &str, room: usize) -> String {
    broken(sentence, room, "  ")
}

/// In lines, each after `indent`; a word that is wider than a line is cut.
fn broken(sentence: &str, room: usize, indent: &str) -> String {
    let room = room.saturating_sub(indent.len());
    let mut text = String::new();
    let mut used = 0;
    for word in sentence.split(' ') {
        let word = fit(word, room);
        let wide = width(&word);
        if used > 0 && used + 1 + wide > room {
            text.push('\n');
            used = 0;
        }
        let (before, gap) = if used == 0 { (indent, 0) } else { (" ", 1) };
        text.extend([before, &word]);
        used += gap + wide;
    }
    text + "\n"
}

/// The time of day; of another day, the day too.
fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = if at.date() == now.date() { "%H:%M:%S" } else { "%m-%d %H:%M" };
    at.strftime(format).to_string()
}
