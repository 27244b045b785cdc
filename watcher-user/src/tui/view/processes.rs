//! The table of processes.

use std::rc::Rc;

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use watcher_core::{BootTime, ProcessRow};

use super::{
    Ink, spark,
    table::{Amount, Table, amount, bytes, count, name, number, rest, text},
    words,
};
use crate::{
    sort::Key,
    tui::state::{Branch, Entry, HISTORY_LENGTH, Moment, State},
    wording,
};

#[derive(Clone, Copy)]
enum Col {
    Pid,
    User,
    Name,
    Amount(Amount),
    Frames,
    Connections,
    History,
}

/// Deeper branches are drawn at this depth, or names would have no room.
const DEEPEST: u16 = 10;

pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, ink: Ink) {
    let Some(moment) = state.shown() else { return };
    let mut columns = vec![
        number(Col::Pid, "PID", 7, 8),
        text(Col::User, "USER", 7, 10, 4),
        rest(100, text(Col::Name, "PROCESS", 12, 24, 20)),
        amount(Col::Amount(Amount::RxRate), "RX/s", 10),
        amount(Col::Amount(Amount::TxRate), "TX/s", 9),
        amount(Col::Amount(Amount::Rx), "RX", 7),
        amount(Col::Amount(Amount::Tx), "TX", 6),
        number(Col::Connections, "CONN", 4, 5),
        text(Col::History, "HISTORY", 7, u16::try_from(HISTORY_LENGTH).unwrap_or(60), 3),
    ];
    if moment.snapshot.totals.traffic.packet.rx_bytes + moment.snapshot.totals.traffic.packet.tx_bytes > 0 {
        columns.insert(7, amount(Col::Frames, "FRAMES", 2));
    }
    let row = |entry: &Entry| entry.process(&moment.snapshot);
    Table {
        columns: &columns,
        sorts: &|column| match column {
            Col::Pid => &[Key::Pid],
            Col::User => &[Key::User],
            Col::Name => &[Key::Name],
            Col::Amount(amount) => amount.sorts(),
            Col::Connections => &[Key::Connections],
            Col::Frames | Col::History => &[],
        },
        cell: &|entry, column, room| cell(entry, row(entry), column, room, state, moment, ink),
        row: &|entry| if row(entry).exited.is_some() { ink.theme.faint() } else { ink.theme.plain() },
        empty: "no process has moved a byte yet, or none is left by the filter",
    }
    .draw(frame, area, state.list(), ink);
}

fn cell(
    entry: &Entry,
    row: &ProcessRow,
    column: Col,
    room: u16,
    state: &State,
    moment: &Moment,
    ink: Ink,
) -> Line<'static> {
    match column {
        Col::Pid if row.id.tgid == 0 => Line::raw("-"),
        Col::Pid => Line::raw(row.id.tgid.to_string()),
        Col::User => Line::raw(words::clip(&user(state, row.info.uid), room, ink.glyphs.cut)),
        Col::Name => process(entry, row, moment.snapshot.at, room, ink),
        Col::Amount(amount) => amount.cell(&entry.traffic, &state.settings, ink),
        Col::Frames => bytes(entry.frames, state.settings.units, ink),
        Col::Connections => count(entry.connections, ink),
        Col::History => {
            let rates = moment.history.of(row.id, state.settings.loopback);
            Line::styled(spark::line(rates, room, ink.glyphs), ink.theme.spark())
        }
    }
}

/// A user as the settings want it.
pub fn user(state: &State, uid: u32) -> Rc<str> {
    state.names.users(state.settings.names).name(uid)
}

fn process(entry: &Entry, row: &ProcessRow, now: BootTime, room: u16, ink: Ink) -> Line<'static> {
    let guide = entry.branch.map(|branch| guide(branch, ink)).unwrap_or_default();
    let guide_width = u16::try_from(words::width(&guide)).unwrap_or(room).min(room);
    let more = match row.exited {
        Some(at) => format!("exited {} ago", wording::span(now.since(at))),
        // The command line says its first word again: only what follows it is news.
        None => row.info.command.split_once(' ').map(|(_, arguments)| arguments.to_owned()).unwrap_or_default(),
    };
    let mut line = name(&row.info.name, &more, row.exited.is_some(), room - guide_width, ink);
    if !guide.is_empty() {
        line.spans.insert(0, Span::styled(guide, ink.theme.faint()));
    }
    line
}

fn guide(branch: Branch, ink: Ink) -> String {
    let [fork, end, past, none] = ink.glyphs.tree;
    let is_last = |depth: u16| depth < 64 && branch.last >> depth & 1 == 1;
    let shown = branch.depth.min(DEEPEST);
    let skipped = branch.depth - shown;
    let mut guide = String::new();
    for depth in 1 + skipped..branch.depth {
        guide.push_str(if is_last(depth) { none } else { past });
    }
    if branch.depth > 0 {
        guide.push_str(if is_last(branch.depth) { end } else { fork });
    }
    guide
}
