//! The last line: the filter being typed, what the last key did, or which keys there are.

use ratatui::text::{Line, Span};

use super::{Ink, words};
use crate::tui::{
    labels::count,
    state::{Mode, State},
};

/// The most useful keys, the most useful first.
const HINTS: [(&str, &str); 9] = [
    ("?", "help"),
    ("q", "quit"),
    ("Tab", "view"),
    ("/", "filter"),
    ("<>", "sort"),
    ("Enter", "open"),
    ("Space", "pause"),
    ("t", "tree"),
    ("u", "user"),
];

/// The line.
pub fn line(state: &State, width: u16, ink: Ink) -> Line<'static> {
    let theme = ink.theme;
    let hint = |text: &'static str| Line::styled(text, theme.faint());
    match &state.mode {
        Mode::Filter(editor, error) => {
            let (before, after) = editor.split();
            // The end of what is typed stays visible, however long it is.
            let room = usize::from(width / 2);
            let skip = before.chars().count().saturating_sub(room);
            let before: String = before.chars().skip(skip).collect();
            let mut spans = vec![
                Span::styled(" /", theme.strong()),
                Span::raw(words::clip(&before, width / 2 * 2, ink.glyphs.cut)),
                Span::styled(ink.glyphs.cursor, theme.strong()),
                Span::raw(words::clip(&after, width / 4, ink.glyphs.cut)),
            ];
            spans.push(match error {
                Some(why) => Span::styled(format!("  {}", words::clip(why, width / 2, ink.glyphs.cut)), theme.bad()),
                None => Span::styled("   Enter keep  Esc clear  !regex", theme.faint()),
            });
            Line::from(spans)
        }
        Mode::Help(_) => hint(" arrows scroll, any other key returns"),
        Mode::Users(_) => hint(" arrows choose, Enter takes, Esc returns"),
        Mode::Browse => browse(state, width, ink),
    }
}

fn browse(state: &State, width: u16, ink: Ink) -> Line<'static> {
    let rows = state.list().entries().len();
    let first = state.list().offset() + 1;
    let last = state.list().offset() + state.list().visible().count();
    let place = match rows {
        0 => String::new(),
        _ => format!("{}-{} of {} ", count(first as u64), count(last as u64), count(rows as u64)),
    };
    let room = usize::from(width).saturating_sub(place.len() + 1);
    let mut spans = Vec::new();
    let mut used = 0;
    if let Some(notice) = &state.notice {
        let notice = format!(" {}", words::clip(notice, u16::try_from(room).unwrap_or(width), ink.glyphs.cut));
        used = words::width(&notice);
        spans.push(Span::raw(notice));
    } else {
        for (key, does) in HINTS {
            let length = key.len() + does.len() + 3;
            if used + length > room {
                break;
            }
            used += length;
            spans.push(Span::styled(format!(" {key}"), ink.theme.strong()));
            spans.push(Span::styled(format!(" {does} "), ink.theme.faint()));
        }
    }
    let gap = usize::from(width).saturating_sub(used + place.len());
    spans.push(Span::raw(" ".repeat(gap)));
    spans.push(Span::styled(place, ink.theme.faint()));
    Line::from(spans)
}
