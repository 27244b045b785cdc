//! `watcher alerts`: each alert, and how near it is.

use std::io::{self, Write as _};

use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use watcher_core::alerts::{Condition, Standing};

use super::{Listed, words};
use crate::{
    clock::moment,
    control::{Answer, Ask, Place, reach},
    table::{Cell, Table, terminal_width},
    text::printable,
    units::count,
};

/// Names of one alert on a screen; JSON has more.
const NAMES: usize = 5;

/// Prints how the alerts of the daemon of `places` stand.
///
/// # Errors
/// None runs, or it may not be asked, or the output cannot be written.
pub fn run(places: &[Place], json: bool) -> anyhow::Result<()> {
    let (_, mut client) = reach(places)?;
    let Answer::Alerts(all) = client.ask(Ask::Alerts)? else {
        anyhow::bail!("the daemon answered something else than was asked");
    };
    let text = if json {
        all.iter().map(line).collect()
    } else {
        write(&all, Timestamp::now(), &TimeZone::system(), terminal_width())
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing the alerts")
}

fn line(one: &Listed) -> String {
    let mut line = watcher_core::json::to_string(one).expect("numbers and text can be written as JSON");
    line.push('\n');
    line
}

/// For a terminal of so many columns.
pub(super) fn write(all: &[Listed], now: Timestamp, zone: &TimeZone, room: Option<usize>) -> String {
    if all.is_empty() {
        return "No alerts: see [[alert]] in the configuration and docs/alerts.md.\n".to_owned();
    }
    let mut table = Table::new(&["ALERT", "WHO", "SO FAR", "LIMIT", "USED", "FIRED"]);
    let mut left_out = 0;
    for one in all {
        let rule = &one.report.rule;
        let nobody =
            Standing { name: Some(rule.subject.pattern().text().into()), bytes: 0, bytes_per_second: 0, fired: None };
        let nobody = one.report.names.is_empty().then_some(&nobody);
        let names = one.report.names.iter().take(NAMES);
        left_out += one.report.followed.saturating_sub(NAMES);
        for standing in names.chain(nobody) {
            let (so_far, limit) = match rule.condition {
                Condition::Bytes { bytes, .. } => (standing.bytes, bytes),
                Condition::Rate { bytes_per_second, .. } => (standing.bytes_per_second, bytes_per_second),
            };
            let per_second = if matches!(rule.condition, Condition::Rate { .. }) { "/s" } else { "" };
            table.row(vec![
                Cell::left(printable(&rule.name)),
                Cell::left(standing.name.as_deref().map_or("(all others)".into(), printable)),
                Cell::right(format!("{}{per_second}", count(so_far))),
                Cell::left(words::limit(rule.condition)),
                Cell::right(format!("{}%", u128::from(so_far) * 100 / u128::from(limit.max(1)))),
                Cell::left(standing.fired.map_or("-".to_owned(), |at| moment(at, now, zone))),
            ]);
        }
    }
    let mut text = table.fit(room, &[("ALERT", 12), ("WHO", 12), ("ALERT", 6), ("WHO", 6)], &[]).to_string();
    if left_out > 0 {
        text.push_str(&format!("{} more are followed, further from their limits.\n", count(left_out as u64)));
    }
    text
}
