//! The table of applications: processes of one application together.

use ratatui::{Frame, layout::Rect, text::Line};

use super::{
    Ink,
    columns::Column,
    table::{Amount, Table, amount, count, name, number, rest, text},
    words,
};
use crate::{
    sort::Key,
    text::printable,
    tui::state::{Entry, State},
};

#[derive(Clone, Copy)]
enum Col {
    Name,
    Why,
    Processes,
    Connections,
    Amount(Amount),
}

const COLUMNS: &[Column<Col>] = &[
    rest(60, text(Col::Name, "APPLICATION", 12, 32, 10)),
    number(Col::Processes, "PROCS", 6, 2),
    number(Col::Connections, "CONN", 5, 3),
    amount(Col::Amount(Amount::RxRate), "RX/s", 7),
    amount(Col::Amount(Amount::TxRate), "TX/s", 6),
    amount(Col::Amount(Amount::Rx), "RX", 5),
    amount(Col::Amount(Amount::Tx), "TX", 4),
    // Only where it takes nothing from names.
    text(Col::Why, "NAMED BY", 40, 100, 0),
];

pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, ink: Ink) {
    let Some(moment) = state.shown() else { return };
    let row = |entry: &Entry| &moment.snapshot.apps[entry.index];
    let ended = |entry: &Entry| row(entry).processes == 0;
    Table {
        columns: COLUMNS,
        sorts: &|column| match column {
            Col::Name => &[Key::Name],
            Col::Why => &[],
            Col::Processes => &[Key::Processes],
            Col::Connections => &[Key::Connections],
            Col::Amount(amount) => amount.sorts(),
        },
        cell: &|entry, column, room| match column {
            Col::Name => name(&row(entry).name, "", ended(entry), room, ink),
            Col::Why => {
                let why = row(entry).application.as_deref();
                let text = why.map(|found| format!("{} {}", found.rule.as_str(), printable(&found.evidence)));
                Line::styled(words::clip_middle(&text.unwrap_or_default(), room, ink.glyphs.cut), ink.theme.faint())
            }
            Col::Processes => count(row(entry).processes, ink),
            Col::Connections => count(entry.connections, ink),
            Col::Amount(amount) => amount.cell(&entry.traffic, &state.settings, ink),
        },
        row: &|entry| if ended(entry) { ink.theme.faint() } else { ink.theme.plain() },
        empty: "no applications, or none is left by the filter",
    }
    .draw(frame, area, state.list(), ink);
}
