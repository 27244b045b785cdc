//! Connections as a table, and as the lines of `--follow`.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use watcher_core::{BootTime, Direction, FlowState};

use super::{
    Lifecycle,
    kind::{Kind, LEGEND},
};
use crate::{
    clock::{WallClock, moment},
    table::{Cell, Table},
    text::{fit, one_line, pad, printable},
    units::Units,
    users::Users,
    wording,
};

const COLUMNS: [&str; 12] =
    ["OPENED", "PID", "USER", "PROCESS", "PROTO", "LOCAL", "REMOTE", "VIA", "STATE", "FOR", "RX", "TX"];
/// What may be cut on a narrow terminal, and to what; beyond that, columns go.
const SHRINK: [(&str, usize); 6] =
    [("REMOTE", 21), ("PROCESS", 10), ("REMOTE", 17), ("STATE", 9), ("PROCESS", 9), ("REMOTE", 15)];
const DROP: [&str; 4] = ["LOCAL", "USER", "VIA", "OPENED"];

/// A table, for a terminal of so many columns.
pub fn write(
    rows: &[Lifecycle],
    users: &Users,
    (now, clock): (BootTime, WallClock),
    zone: &TimeZone,
    room: Option<usize>,
) -> String {
    if rows.is_empty() {
        return "no connections\n".to_owned();
    }
    let mut table = Table::new(&COLUMNS);
    let mut marked = false;
    for row in rows {
        let sample = &row.flow.sample;
        let kind = Kind::of(row, now);
        marked |= kind.is_some();
        let mark = kind.map(|kind| kind.mark().to_string()).unwrap_or_default();
        let lasted = row.lasted(now).map_or_else(|| "-".to_owned(), wording::span);
        let opened = row.began().map_or_else(|| "before".to_owned(), |at| moment(clock.at(at), clock.at(now), zone));
        table.row(vec![
            Cell::left(opened),
            Cell::right(sample.id.process.tgid.to_string()),
            Cell::left(printable(&users.name(row.process.uid))),
            Cell::left(name(row)),
            Cell::left(protocol(row)),
            Cell::left(sample.socket.local.to_string()),
            Cell::left(wording::remote(&row.flow, true)),
            Cell::left(wording::via_of_flow(&row.flow.known)),
            Cell::left(state(sample.state)),
            Cell::right(format!("{mark}{lasted}")),
            Cell::right(Units::default().amount(row.flow.traffic.rx_bytes)),
            Cell::right(Units::default().amount(row.flow.traffic.tx_bytes)),
        ]);
    }
    let mut text = table.fit(room, &SHRINK, &DROP).to_string();
    if marked {
        for part in LEGEND.split("   ") {
            text.push_str(&format!("{part}\n"));
        }
    }
    text
}

/// One line for one event. Columns are as wide as they usually are: what comes next is not known.
pub fn event(row: &Lifecycle, now: BootTime, clock: WallClock, zone: &TimeZone, room: Option<usize>) -> String {
    let sample = &row.flow.sample;
    let (at, what) = match row.ended() {
        Some(at) => (at, "ended"),
        None => (row.began().unwrap_or(now), "opened"),
    };
    let who = format!("{}[{}]", fit(&name(row), 14), sample.id.process.tgid);
    let time = clock.at(at).to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
    let (protocol, remote) = (protocol(row), wording::remote(&row.flow, true));
    let mut line = format!("{time} {} {} {} {}", pad(what, 6), pad(&who, 22), pad(&protocol, 7), pad(&remote, 21));
    if row.ended().is_some() {
        let (rx, tx) = (row.flow.traffic.rx_bytes, row.flow.traffic.tx_bytes);
        let [rx, tx] = [rx, tx].map(|bytes| Units::default().amount(bytes));
        let lasted = row.lasted(now).map(|time| format!(" after {}", wording::span(time))).unwrap_or_default();
        line.push_str(&format!(" {}{lasted}, rx {rx}, tx {tx}", state(sample.state)));
        if let Some(kind) = Kind::of(row, now) {
            line.push_str(&format!(", {}", kind.name()));
        }
    }
    one_line(&line, room)
}

fn name(row: &Lifecycle) -> Cow<'_, str> {
    if row.process.name.is_empty() { Cow::Borrowed("?") } else { printable(&row.process.name) }
}

fn protocol(row: &Lifecycle) -> String {
    let socket = &row.flow.sample.socket;
    let side = match socket.direction {
        Direction::Outgoing => " out",
        Direction::Incoming => " in",
        Direction::Unknown => "",
    };
    format!("{}{side}", wording::service(&row.flow))
}

/// Of what has ended, why.
fn state(state: FlowState) -> Cow<'static, str> {
    match state {
        FlowState::Closed { reason, .. } => wording::reason(reason),
        FlowState::Open | FlowState::Tcp(_) => Cow::Borrowed(wording::state(state)),
    }
}
