//! The table of remote addresses.

use ratatui::{Frame, layout::Rect, text::Line};

use super::{
    Ink,
    columns::Column,
    table::{Amount, Table, amount, count, number, rest, text},
    words,
};
use crate::{
    sort::Key,
    tui::state::{Entry, State},
};

#[derive(Clone, Copy)]
enum Col {
    Remote,
    Address,
    Via,
    Where,
    Processes,
    Connections,
    Amount(Amount),
}

const COLUMNS: &[Column<Col>] = &[
    rest(60, text(Col::Remote, "REMOTE", 28, 39, 10)),
    text(Col::Address, "ADDRESS", 15, 39, 1),
    text(Col::Via, "VIA", 4, 8, 1),
    text(Col::Where, "WHERE", 10, 36, 1),
    number(Col::Processes, "PROCS", 6, 2),
    number(Col::Connections, "CONN", 5, 3),
    amount(Col::Amount(Amount::RxRate), "RX/s", 7),
    amount(Col::Amount(Amount::TxRate), "TX/s", 6),
    amount(Col::Amount(Amount::Rx), "RX", 5),
    amount(Col::Amount(Amount::Tx), "TX", 4),
];

pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, ink: Ink) {
    let Some(moment) = state.shown() else { return };
    let is_located = !state.names.geo().is_empty();
    let columns = COLUMNS.iter().filter(|column| is_located || !matches!(column.id, Col::Where));
    let columns: Vec<Column<Col>> = columns.copied().collect();
    let row = |entry: &Entry| &moment.snapshot.remotes[entry.index];
    let name = |entry: &Entry| row(entry).name.as_ref().filter(|_| state.settings.names);
    Table {
        columns: &columns,
        sorts: &|column| match column {
            Col::Remote => &[Key::Remote],
            Col::Address | Col::Via | Col::Where => &[],
            Col::Processes => &[Key::Processes],
            Col::Connections => &[Key::Connections],
            Col::Amount(amount) => amount.sorts(),
        },
        cell: &|entry, column, room| match column {
            Col::Remote => match (name(entry), row(entry).address) {
                (Some(name), _) => Line::raw(words::clip(name.domain(), room, ink.glyphs.cut)),
                (None, Some(address)) => Line::raw(words::clip_middle(&address.to_string(), room, ink.glyphs.cut)),
                (None, None) => Line::styled("(not known)", ink.theme.faint()),
            },
            Col::Address => match row(entry).address.filter(|_| name(entry).is_some()) {
                Some(address) => {
                    Line::styled(words::clip_middle(&address.to_string(), room, ink.glyphs.cut), ink.theme.faint())
                }
                None => Line::raw(""),
            },
            Col::Via => Line::styled(name(entry).map_or("", |name| name.source().as_str()), ink.theme.faint()),
            Col::Where => {
                let located = row(entry).address.map(|address| state.names.geo().of(address)).unwrap_or_default();
                let text = crate::text::printable(&located.to_string()).into_owned();
                Line::styled(words::clip(&text, room, ink.glyphs.cut), ink.theme.faint())
            }
            Col::Processes => count(row(entry).processes, ink),
            Col::Connections => count(entry.connections, ink),
            Col::Amount(amount) => amount.cell(&entry.traffic, &state.settings, ink),
        },
        row: &|entry| if row(entry).connections == 0 { ink.theme.faint() } else { ink.theme.plain() },
        empty: "no remotes, or none is left by the filter",
    }
    .draw(frame, area, state.list(), ink);
}
