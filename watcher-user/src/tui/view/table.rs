//! A table: headings, visible rows, the selected one in reverse.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use watcher_core::Traffic;

use super::{
    Ink,
    columns::{Align, Column, Place, fit},
    words,
};
use crate::{
    sort::Key,
    tui::state::{Entry, List, Settings},
    units::Units,
};

/// Wide enough for every amount of either unit.
const AMOUNT: u16 = 8;

/// A column of text.
pub const fn text<C>(id: C, title: &'static str, min: u16, want: u16, keep: u8) -> Column<C> {
    Column { id, title, align: Align::Left, min, want, keep, most: 0 }
}

/// A column of numbers.
pub const fn number<C>(id: C, title: &'static str, width: u16, keep: u8) -> Column<C> {
    Column { id, title, align: Align::Right, min: width, want: width, keep, most: 0 }
}

/// A column of amounts or rates.
pub const fn amount<C>(id: C, title: &'static str, keep: u8) -> Column<C> {
    number(id, title, AMOUNT, keep)
}

/// The column that takes what is over, up to `most`.
pub const fn rest<C: Copy>(most: u16, column: Column<C>) -> Column<C> {
    Column { most, ..column }
}

/// How many rows an area has room for.
#[must_use]
pub fn room(area: Rect) -> usize {
    usize::from(area.height).saturating_sub(1)
}

/// What one table draws with.
pub struct Table<'a, C> {
    /// All columns it could have.
    pub columns: &'a [Column<C>],
    /// What a column sorts by; the first of them is tried by its heading.
    pub sorts: &'a dyn Fn(C) -> &'static [Key],
    /// The text of a cell, given the room it has.
    pub cell: &'a dyn Fn(&Entry, C, u16) -> Line<'static>,
    /// The style of a whole row.
    pub row: &'a dyn Fn(&Entry) -> Style,
    /// What stands there when there are no rows.
    pub empty: &'a str,
}

impl<C: Copy> Table<'_, C> {
    /// Draws the headings and the visible rows.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, list: &List, ink: Ink) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let places = fit(self.columns, inner.width);
        for place in &places {
            let (title, style) = self.heading(place, list, ink);
            put(frame, inner, inner.y, place, &Line::styled(title, style));
        }
        if list.entries().is_empty() && inner.height > 2 {
            let line = Line::styled(self.empty, ink.theme.faint());
            frame.buffer_mut().set_line(inner.x, inner.y + 2, &line, inner.width);
        }
        for ((entry, selected), y) in list.visible().zip(inner.y + 1..inner.bottom()) {
            let row = (self.row)(entry);
            for place in &places {
                let cell = (self.cell)(entry, place.column.id, place.width).patch_style(row);
                put(frame, inner, y, place, &cell);
            }
            if selected {
                let whole = Rect { y, height: 1, ..area };
                frame.buffer_mut().set_style(whole, ink.theme.selected());
            }
        }
    }

    fn heading(&self, place: &Place<C>, list: &List, ink: Ink) -> (String, Style) {
        let column = &place.column;
        let sort = list.sort;
        if !(self.sorts)(column.id).contains(&sort.key) {
            return (column.title.to_owned(), ink.theme.faint());
        }
        let mark = if sort.is_descending() { ink.glyphs.descending } else { ink.glyphs.ascending };
        let title = match column.align {
            Align::Left => format!("{}{mark}", column.title),
            Align::Right => format!("{mark}{}", column.title),
        };
        (title, ink.theme.strong())
    }
}

fn put<C>(frame: &mut Frame<'_>, area: Rect, y: u16, place: &Place<C>, line: &Line<'_>) {
    let room = place.width.min(area.width.saturating_sub(place.x));
    let indent = match place.column.align {
        Align::Left => 0,
        Align::Right => usize::from(room).saturating_sub(line.width()),
    };
    let indent = u16::try_from(indent).unwrap_or(0);
    frame.buffer_mut().set_line(area.x + place.x + indent, y, line, room - indent);
}

/// The four columns that every table has.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// Received per second.
    RxRate,
    /// Sent per second.
    TxRate,
    /// Received.
    Rx,
    /// Sent.
    Tx,
}

impl Amount {
    /// What sorts by this column.
    #[must_use]
    pub fn sorts(self) -> &'static [Key] {
        match self {
            Self::RxRate => &[Key::RxRate, Key::Rate],
            Self::TxRate => &[Key::TxRate, Key::Rate],
            Self::Rx => &[Key::Rx, Key::Bytes],
            Self::Tx => &[Key::Tx, Key::Bytes],
        }
    }

    /// One cell: received and sent in their colours, nothing faint.
    #[must_use]
    pub fn cell(self, traffic: &Traffic, settings: &Settings, ink: Ink) -> Line<'static> {
        let (units, theme) = (settings.units, ink.theme);
        match self {
            Self::RxRate => rate(traffic.rx_rate, units, theme.rx(), ink),
            Self::TxRate => rate(traffic.tx_rate, units, theme.tx(), ink),
            Self::Rx => bytes(traffic.rx_bytes, units, ink),
            Self::Tx => bytes(traffic.tx_bytes, units, ink),
        }
    }
}

fn rate(rate: f64, units: Units, style: Style, ink: Ink) -> Line<'static> {
    // Less than a byte a second has no digit to show.
    Line::styled(units.rate(rate), if rate < 0.5 { ink.theme.faint() } else { style })
}

/// An amount in a cell of its own.
pub fn bytes(bytes: u64, units: Units, ink: Ink) -> Line<'static> {
    Line::styled(units.amount(bytes), if bytes == 0 { ink.theme.faint() } else { ink.theme.plain() })
}

/// A count, nothing being faint.
pub fn count(count: u32, ink: Ink) -> Line<'static> {
    Line::styled(count.to_string(), if count == 0 { ink.theme.faint() } else { ink.theme.plain() })
}

/// A name, what follows it (faint), and the mark of what has ended.
pub fn name(name: &str, more: &str, ended: bool, room: u16, ink: Ink) -> Line<'static> {
    let mut spans = Vec::with_capacity(3);
    let mut room = room;
    if ended {
        spans.push(Span::styled(format!("{} ", ink.glyphs.ended), ink.theme.faint()));
        room = room.saturating_sub(2);
    }
    let shown = words::clip(if name.is_empty() { "?" } else { name }, room, ink.glyphs.cut);
    room = room.saturating_sub(u16::try_from(words::width(&shown)).unwrap_or(room));
    spans.push(Span::raw(shown));
    // Less than a few words would only be noise.
    if room >= 18 && !more.is_empty() {
        spans.push(Span::styled(format!("  {}", words::clip(more, room - 2, ink.glyphs.cut)), ink.theme.faint()));
    }
    Line::from(spans)
}
