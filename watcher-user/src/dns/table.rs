//! Queries as a table, and as the lines of `--follow`.

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use watcher_core::BootTime;

use super::words::outcome;
use crate::{
    agent::Lookup,
    clock::{WallClock, moment},
    table::{Cell, Table},
    text::{fit, one_line, pad, printable},
};

const COLUMNS: [&str; 8] = ["TIME", "PID", "PROCESS", "NAME", "TYPE", "ANSWER", "TOOK", "SERVER"];
/// What may be cut on a narrow terminal, and to what; beyond that, columns go.
const SHRINK: [(&str, usize); 8] = [
    ("ANSWER", 30),
    ("NAME", 30),
    ("PROCESS", 10),
    ("ANSWER", 20),
    ("NAME", 22),
    ("SERVER", 15),
    ("ANSWER", 16),
    ("NAME", 18),
];
const DROP: [&str; 3] = ["SERVER", "PID", "TIME"];
/// No name is wider in a line: what came of it must not be pushed off the screen.
const WIDE: usize = 44;

/// A table, for a terminal of so many columns.
pub fn write(
    rows: &[Arc<Lookup>],
    (now, clock): (BootTime, WallClock),
    zone: &TimeZone,
    room: Option<usize>,
) -> String {
    if rows.is_empty() {
        return "no queries\n".to_owned();
    }
    let mut table = Table::new(&COLUMNS);
    for row in rows {
        let query = &row.query;
        table.row(vec![
            Cell::left(moment(clock.at(query.at), clock.at(now), zone)),
            Cell::right(query.process.tgid.to_string()),
            Cell::left(name(row)),
            Cell::left(printable(&query.name)),
            Cell::left(printable(&query.kind)),
            Cell::left(printable(&outcome(query))),
            Cell::right(took(query.latency)),
            Cell::left(server(row)),
        ]);
    }
    table.fit(room, &SHRINK, &DROP).to_string()
}

/// One line for one query. Columns are as wide as they usually are: what comes next is not known.
pub fn event(row: &Lookup, clock: WallClock, zone: &TimeZone, room: Option<usize>) -> String {
    let query = &row.query;
    let who = format!("{}[{}]", fit(&name(row), 14), query.process.tgid);
    let time = clock.at(query.at).to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
    let (asked, outcome) = (printable(&query.name), outcome(query));
    let line = format!(
        "{time} {} {} {} {} {}",
        pad(&who, 22),
        pad(&query.kind, 5),
        pad(&fit(&asked, WIDE), 30),
        pad(&took(query.latency), 7),
        printable(&outcome)
    );
    one_line(&line, room)
}

fn name(row: &Lookup) -> Cow<'_, str> {
    if row.process.name.is_empty() { Cow::Borrowed("?") } else { printable(&row.process.name) }
}

fn took(latency: Option<Duration>) -> String {
    match latency {
        None => "-".to_owned(),
        Some(time) if time < Duration::from_millis(10) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        Some(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// The port of nearly all of them is left out.
fn server(row: &Lookup) -> String {
    match row.query.server {
        server if server.port() == 53 => server.ip().to_string(),
        server => server.to_string(),
    }
}
