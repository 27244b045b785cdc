//! The list to pick a user from.

use ratatui::{
    Frame,
    layout::Rect,
    widgets::{Block, Clear},
};

use super::{Ink, words};
use crate::tui::state::{Mode, State, UserRow};

/// Draws it into the middle of `area`.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, ink: Ink) {
    let Mode::Users(users) = &state.mode else { return };
    let rows = u16::try_from(users.rows.len()).unwrap_or(u16::MAX);
    let outer = area.centered(
        ratatui::layout::Constraint::Length(36.min(area.width)),
        ratatui::layout::Constraint::Length(rows.saturating_add(2).min(area.height)),
    );
    let mut block = Block::bordered().title(" user ");
    if !ink.unicode() {
        block = block.border_set(ASCII_BORDER);
    }
    let inner = block.inner(outer);
    // One column more at each side: half of a wide character must not cut into the border.
    let around = Rect { x: outer.x.saturating_sub(1), width: outer.width + 2, ..outer }.intersection(area);
    frame.render_widget(Clear, around);
    frame.render_widget(block, outer);
    let skip = (users.cursor + 1).saturating_sub(inner.height.into());
    for (y, (at, row)) in (inner.y..inner.bottom()).zip(users.rows.iter().enumerate().skip(skip)) {
        let style = if at == users.cursor { ink.theme.selected() } else { ink.theme.plain() };
        let line = format!(" {}", label(state, row, inner.width.saturating_sub(2), ink));
        frame.buffer_mut().set_style(Rect { y, height: 1, ..inner }, style);
        frame.buffer_mut().set_stringn(inner.x, y, line, inner.width.into(), style);
    }
}

fn label(state: &State, row: &UserRow, width: u16, ink: Ink) -> String {
    let name = match row.uid {
        None => "everybody".to_owned(),
        Some(uid) => match &*state.names.users(true).name(uid) {
            name if name == uid.to_string() => name.to_owned(),
            name => format!("{name} ({uid})"),
        },
    };
    let processes = row.processes.to_string();
    let room = width.saturating_sub(u16::try_from(processes.len()).unwrap_or(8) + 1);
    let name = words::clip(&name, room, ink.glyphs.cut);
    let gap = usize::from(width).saturating_sub(words::width(&name) + processes.len());
    format!("{name}{}{processes}", " ".repeat(gap))
}

const ASCII_BORDER: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};
