//! The table of connections.

use std::net::SocketAddr;

use ratatui::{Frame, layout::Rect, text::Line};
use watcher_core::{Direction, FlowRow, FlowState, Scope};

use super::{
    Ink,
    table::{Amount, Table, amount, name, number, rest, text},
    words,
};
use crate::{
    sort::Key,
    top,
    tui::{
        labels,
        state::{Entry, Moment, State},
    },
    wording,
};

#[derive(Clone, Copy)]
enum Col {
    Process,
    Local,
    Arrow,
    Remote,
    Protocol,
    State,
    Age,
    Amount(Amount),
}

const COLUMNS: &[super::columns::Column<Col>] = &[
    rest(40, text(Col::Process, "PROCESS", 10, 16, 13)),
    text(Col::Local, "LOCAL", 21, 27, 1),
    text(Col::Arrow, "", 1, 1, 9),
    text(Col::Remote, "REMOTE", 21, 47, 12),
    text(Col::Protocol, "PROTO", 5, 10, 2),
    text(Col::State, "STATE", 7, 13, 5),
    number(Col::Age, "AGE", 7, 3),
    amount(Col::Amount(Amount::RxRate), "RX/s", 11),
    amount(Col::Amount(Amount::TxRate), "TX/s", 8),
    amount(Col::Amount(Amount::Rx), "RX", 7),
    amount(Col::Amount(Amount::Tx), "TX", 6),
];

pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, ink: Ink) {
    let Some(moment) = state.shown() else { return };
    let row = |entry: &Entry| &moment.snapshot.flows[entry.index];
    Table {
        columns: COLUMNS,
        sorts: &|column| match column {
            Col::Process => &[Key::Name],
            Col::Local => &[Key::Local],
            Col::Remote => &[Key::Remote],
            Col::Protocol => &[Key::Protocol],
            Col::State => &[Key::State],
            Col::Age => &[Key::Age],
            Col::Amount(amount) => amount.sorts(),
            Col::Arrow => &[],
        },
        cell: &|entry, column, room| cell(entry, row(entry), column, room, state, moment, ink),
        row: &|entry| if is_closed(row(entry)) { ink.theme.faint() } else { ink.theme.plain() },
        empty: "no connections, or none is left by the filter",
    }
    .draw(frame, area, state.list(), ink);
}

fn is_closed(row: &FlowRow) -> bool {
    matches!(row.sample.state, FlowState::Closed { .. })
}

fn cell(
    entry: &Entry,
    row: &FlowRow,
    column: Col,
    room: u16,
    state: &State,
    moment: &Moment,
    ink: Ink,
) -> Line<'static> {
    let sample = &row.sample;
    let cut = ink.glyphs.cut;
    match column {
        Col::Process => match moment.snapshot.process(sample.id.process) {
            Some(process) => name(&process.info.name, &process.id.tgid.to_string(), is_closed(row), room, ink),
            None => name(&sample.id.process.tgid.to_string(), "", is_closed(row), room, ink),
        },
        Col::Local => Line::raw(words::clip_middle(&end(sample.socket.local, state), room, cut)),
        Col::Arrow => Line::styled(arrow(sample.socket.direction, ink), ink.theme.faint()),
        Col::Remote => match row.remote() {
            Some(remote) if let Some(name) = row.known.name.as_ref().filter(|_| state.settings.names) => {
                let port = port(remote, state);
                let host = words::clip(name.domain(), room.saturating_sub(port.len() as u16), cut);
                Line::raw(format!("{host}{port}"))
            }
            Some(remote) => Line::raw(words::clip_middle(&end(remote, state), room, cut)),
            None => Line::styled(if sample.scope == Scope::Packet { "frames" } else { "-" }, ink.theme.faint()),
        },
        Col::Protocol => Line::raw(words::clip(&wording::service(row), room, cut)),
        Col::State => Line::raw(words::clip(&labels::state(sample.state, room), room, cut)),
        Col::Age => match top::age(row, moment.snapshot.at) {
            // Older than the collector: it has lived longer than anybody here knows.
            Some(age) if sample.socket.seeded => Line::raw(format!(">{}", wording::span(age))),
            Some(age) => Line::raw(wording::span(age)),
            None => Line::styled("-", ink.theme.faint()),
        },
        Col::Amount(amount) => amount.cell(&entry.traffic, &state.settings, ink),
    }
}

fn arrow(direction: Direction, ink: Ink) -> &'static str {
    match direction {
        Direction::Outgoing => ink.glyphs.outgoing,
        Direction::Incoming => ink.glyphs.incoming,
        Direction::Unknown => ink.glyphs.undirected,
    }
}

/// The port of an end, with a colon before it; nothing where there is none.
fn port(end: SocketAddr, state: &State) -> String {
    let service = state.names.services(state.settings.names).and_then(|services| services.name(end.port()));
    match service {
        _ if end.port() == 0 => String::new(),
        None => format!(":{}", end.port()),
        Some(service) => format!(":{service}"),
    }
}

/// An end of a connection, its port by name where that is wanted and known.
fn end(end: SocketAddr, state: &State) -> String {
    let service = state.names.services(state.settings.names).and_then(|services| services.name(end.port()));
    match (service, end) {
        (_, end) if end.port() == 0 => end.ip().to_string(),
        (None, end) => end.to_string(),
        (Some(service), SocketAddr::V4(end)) => format!("{}:{service}", end.ip()),
        (Some(service), SocketAddr::V6(end)) => format!("[{}]:{service}", end.ip()),
    }
}
