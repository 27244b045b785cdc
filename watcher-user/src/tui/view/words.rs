//! Text that fits: hostile names made harmless, long ones cut where it hurts least.

use unicode_width::UnicodeWidthChar;

use crate::text::printable;
pub use crate::text::width;

fn width_of(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// `raw` as the terminal may have it, at most `room` columns, cut at its end. Characters beyond what can fit are not
/// even looked at, so a name of a megabyte costs nothing.
#[must_use]
pub fn clip(raw: &str, room: u16, cut: &str) -> String {
    let (text, shortened) = head(raw, room);
    let text = printable(text);
    if !shortened && width(&text) <= room.into() {
        return text.into_owned();
    }
    let mut out = take(text.chars(), usize::from(room).saturating_sub(1));
    if room > 0 {
        out.push_str(cut);
    }
    out
}

/// The same, cut in the middle: of an address the beginning and the port remain.
#[must_use]
pub fn clip_middle(text: &str, room: u16, cut: &str) -> String {
    let text = printable(text);
    if width(&text) <= room.into() {
        return text.into_owned();
    }
    let room = usize::from(room).saturating_sub(1);
    let tail: String = take(text.chars().rev(), room / 2 + room % 2).chars().rev().collect();
    let mut out = take(text.chars(), room - width(&tail));
    out.push_str(cut);
    out.push_str(&tail);
    out
}

fn take(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += width_of(*c);
            used <= room
        })
        .collect()
}

/// More characters than fit, never many more; and whether that left some out.
fn head(raw: &str, room: u16) -> (&str, bool) {
    match raw.char_indices().nth(usize::from(room) * 4 + 16) {
        Some((end, _)) => (&raw[..end], true),
        None => (raw, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_to_its_room() {
        assert_eq!(clip("firefox", 7, "…"), "firefox");
        assert_eq!(clip("firefox", 6, "…"), "firef…");
        assert_eq!(clip("firefox", 1, "…"), "…");
        assert_eq!(clip("firefox", 0, "…"), "");
        assert_eq!(clip("日本語", 5, "…"), "日本…");
        assert_eq!(clip("日本語", 4, "…"), "日…");
        assert_eq!(clip_middle("[2001:db8::1]:443", 11, "…"), "[2001…]:443");
    }

    #[test]
    fn nothing_that_a_terminal_acts_on_comes_through() {
        for hostile in ["\x1b[2J", "a\rb", "\u{202e}gpj", "\u{9b}31m", "a\nb\tc", "\u{7f}", "\u{200b}"] {
            for shown in [clip(hostile, 40, "…"), clip_middle(hostile, 40, "…"), clip(hostile, 3, "…")] {
                assert!(!shown.chars().any(|c| c.is_control() || width_of(c) == 0), "{hostile:?} became {shown:?}");
            }
        }
    }

    #[test]
    fn a_huge_name_is_cut_early() {
        assert_eq!(width(&clip(&"\u{1b}".repeat(1 << 20), 20, "…")), 20);
    }
}
