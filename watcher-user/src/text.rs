//! Makes hostile text printable. Stand-in until the command line's own module arrives.

use std::borrow::Cow;

/// `raw` without anything that a terminal would act on.
#[must_use]
pub fn printable(raw: &str) -> Cow<'_, str> {
    if raw.chars().all(is_harmless) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len() + 8);
    for c in raw.chars() {
        if is_harmless(c) {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    Cow::Owned(out)
}

fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{e0000}'..='\u{e0fff}')
}
