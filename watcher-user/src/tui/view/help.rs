//! The help: every key, and what the header's words mean.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Clear,
};

use super::{Ink, words};
use crate::tui::state::{BINDINGS, Moment};

/// Columns for the keys.
const KEYS: usize = 14;

const WORDS: &[(&str, &str)] = &[
    ("attributed", "share of all bytes that a call of some process explains; the rest is unattributed, never spread"),
    ("checked", "TCP sockets whose end was compared with the kernel's own counters; unbalanced: they differed"),
    ("lost", "events that did not arrive; bytes lost with them are part of what is unattributed"),
    ("pid, owner", "grade: bytes belong to the process that made the call, or to the owner of the socket"),
    ("packet sockets", "frames of AF_PACKET sockets: link-layer bytes, totalled apart"),
    ("HISTORY", "both directions, the last 60 intervals, each row against its own peak"),
];

/// Draws it over `area`, scrolled down by `offset` lines, or as far as there are lines, which is returned.
pub fn draw(frame: &mut Frame<'_>, area: Rect, offset: usize, moment: Option<&Moment>, ink: Ink) -> usize {
    let mut lines = vec![];
    let room = usize::from(area.width).saturating_sub(KEYS + 4).max(10);
    for binding in BINDINGS {
        entry(&mut lines, binding.keys, binding.does, room, ink);
    }
    lines.push(Line::default());
    for (word, means) in WORDS {
        entry(&mut lines, word, means, room, ink);
    }
    let degraded = moment.map(|moment| moment.snapshot.quality.degraded.as_slice()).unwrap_or_default();
    for reason in degraded {
        let why = format!("{}: {}", reason.capability, reason.why);
        let why = words::clip(&why, u16::try_from(room * 3).unwrap_or(u16::MAX), ink.glyphs.cut);
        entry(&mut lines, "degraded", &why, room, ink);
    }
    let offset = offset.min(lines.len().saturating_sub(area.height.into()));
    frame.render_widget(Clear, area);
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(offset)) {
        frame.buffer_mut().set_line(area.x, y, line, area.width);
    }
    offset
}

fn entry(lines: &mut Vec<Line<'static>>, head: &str, text: &str, room: usize, ink: Ink) {
    for (nth, part) in wrap(text, room).into_iter().enumerate() {
        let head = if nth == 0 { head } else { "" };
        lines.push(Line::from(vec![Span::styled(format!(" {head:KEYS$}  "), ink.theme.strong()), Span::raw(part)]));
    }
}

/// Lines of at most `room` columns, broken between words.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("it begins with one line and only grows");
        if !line.is_empty() && words::width(line) + 1 + words::width(word) > room {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
