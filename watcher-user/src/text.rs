//! Makes text printable that others chose: process names, command lines, user names. Everything that goes to a
//! terminal and was not written here goes through [`printable`].

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use watcher_core::json::hides_or_turns;

/// `raw` without anything that a terminal would act on, and without anything that would hide or turn around what
/// stands beside it: such characters appear as their escapes, `\n`, `\u{1b}`.
#[must_use]
pub fn printable(raw: &str) -> Cow<'_, str> {
    if raw.chars().all(is_harmless) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len() + 8);
    for c in raw.chars() {
        match c {
            '\n' | '\t' | '\r' => out.extend(c.escape_default()),
            c if is_harmless(c) => out.push(c),
            c => out.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(out)
}

/// `text` cut to at most `columns` of a terminal, with `…` where something is missing.
#[must_use]
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > room
    });
    Cow::Owned(format!("{}…", &text[..end.map_or(text.len(), |(at, _)| at)]))
}

/// The columns that `text` takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

fn is_harmless(c: char) -> bool {
    // A combining mark has no column of its own; it may pile up on what stands before it.
    !c.is_control() && !hides_or_turns(c) && c.width() != Some(0)
}

/// An error with its causes, on one line, each once: some errors name their cause themselves.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text.push_str(": ");
            text.push_str(&next_text);
        }
        cause = next.source();
    }
    text
}

/// Text for a cell of a spreadsheet, which runs what looks like a formula: that gets an apostrophe in front, as spreadsheets write
/// such text themselves. Control characters become their escapes.
#[must_use]
pub fn cell(raw: &str) -> Cow<'_, str> {
    let shown = printable(raw);
    if raw.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{shown}"))
    } else {
        shown
    }
}

/// At least so many columns.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A line of its own, for a terminal of so many columns.
#[must_use]
pub fn one_line(line: &str, room: Option<usize>) -> String {
    match room {
        Some(room) => fit(line.trim_end(), room).into_owned() + "\n",
        None => line.trim_end().to_owned() + "\n",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{fit, printable, width};

    #[test]
    fn what_a_terminal_acts_on_appears_as_its_escape() {
        let cases = [
            ("curl", "curl"),
            ("naïve 名前", "naïve 名前"),
            ("a\nb\tc", "a\\nb\\tc"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\u{202e}txt.exe", "a\\u{202e}txt.exe"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("e\u{301}", "e\\u{301}"),
            ("\u{7f}", "\\u{7f}"),
        ];
        for (raw, shown) in cases {
            assert_eq!(printable(raw), shown);
        }
    }

    #[test]
    fn wide_characters_are_never_cut_in_half() {
        assert_eq!(
            (fit("名前です", 8), fit("名前です", 7), fit("名前です", 6)),
            ("名前です".into(), "名前で…".into(), "名前…".into())
        );
        assert_eq!((fit("abc", 1), fit("abc", 0)), ("…".into(), "".into()));
    }

    proptest! {
        #[test]
        fn nothing_printable_moves_the_cursor_elsewhere(raw: String, columns in 0..40_usize) {
            let shown = printable(&raw);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(printable(&shown) == shown);
            prop_assert!(width(&fit(&shown, columns)) <= columns);
        }
    }
}
