//! Drawing: from the state to a frame. Only rows that are visible are formatted.

mod applications;
mod columns;
mod connections;
mod footer;
mod header;
mod help;
mod processes;
mod remotes;
mod spark;
mod table;
#[cfg(test)]
mod tests;
mod theme;
mod users;
mod words;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
};

use super::{
    appearance::{Appearance, Glyphs},
    state::{Mode, State},
};
use crate::by::By;
use theme::Theme;

/// Below this, one line says so.
const SMALLEST: (u16, u16) = (40, 8);

/// What every part of the screen draws with.
#[derive(Debug, Clone, Copy)]
struct Ink {
    theme: Theme,
    glyphs: &'static Glyphs,
}

impl Ink {
    fn unicode(self) -> bool {
        !self.glyphs.cut.is_ascii()
    }
}

/// Draws everything. The state learns from it how many rows fit.
pub fn draw(frame: &mut Frame<'_>, state: &mut State, appearance: Appearance) {
    let ink = Ink { theme: Theme::new(appearance.colour), glyphs: appearance.glyphs() };
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let (width, height) = SMALLEST;
        let message = format!("{}x{}: too small, needs {width}x{height}", area.width, area.height);
        frame.buffer_mut().set_stringn(0, 0, message, area.width.into(), ink.theme.plain());
        return;
    }
    let lines = header::lines(state, area.width.into(), area.height, ink);
    let [top, tabs, body, foot] = Layout::vertical([
        Constraint::Length(u16::try_from(lines.len()).unwrap_or(3)),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    put(frame, top, &lines);
    put(frame, tabs, &[header::tabs(state, tabs.width, ink)]);
    if state.shown().is_some() {
        state.list_mut().fit(table::room(body));
        match state.view {
            By::Process => processes::draw(frame, body, state, ink),
            By::Connection => connections::draw(frame, body, state, ink),
            By::Remote => remotes::draw(frame, body, state, ink),
            By::App => applications::draw(frame, body, state, ink),
        }
    }
    match state.mode {
        Mode::Help(offset) => {
            let whole = Rect { height: area.height - 1, ..area };
            let offset = help::draw(frame, whole, offset, state.shown(), ink);
            state.mode = Mode::Help(offset);
        }
        Mode::Users(_) => users::draw(frame, body, state, ink),
        Mode::Browse | Mode::Filter(..) => {}
    }
    put(frame, foot, &[footer::line(state, foot.width, ink)]);
}

fn put(frame: &mut Frame<'_>, area: Rect, lines: &[Line<'_>]) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        frame.buffer_mut().set_line(area.x, y, line, area.width);
    }
}
