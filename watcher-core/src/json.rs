//! JSON for terminals, logs, files and endpoints. serde_json leaves DEL, the C1 controls, whatever turns text around, and
//! markup as they are: a terminal acts on the first, a page that JSON is pasted into on the last. Here all of them are
//! `\uXXXX`, which says the same to every reader. Everything that watcher prints as JSON goes through here.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{
    Serializer,
    ser::{CompactFormatter, Formatter, PrettyFormatter},
};

/// On one line.
///
/// # Errors
/// A map's key is no text.
pub fn to_string(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    to_writer(&mut bytes, value)?;
    String::from_utf8(bytes).map_err(|e| serde_json::Error::io(io::Error::other(e)))
}

/// On several lines, for people.
///
/// # Errors
/// A map's key is no text.
pub fn to_string_pretty(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Escaping(PrettyFormatter::new())))?;
    String::from_utf8(bytes).map_err(|e| serde_json::Error::io(io::Error::other(e)))
}

/// On one line, as it is made.
///
/// # Errors
/// `out` takes no more, or a map's key is no text.
pub fn to_writer(out: impl Write, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Escaping(CompactFormatter)))
}

/// The layout of `F`, with more escapes in text.
struct Escaping<F>(F);

/// What may stand in a string as it is.
fn is_plain(c: char) -> bool {
    !matches!(c, '<' | '>' | '&') && !c.is_control() && !hides_or_turns(c)
}

/// Whether it takes no room of its own, or turns around what stands beside it: Unicode's format characters, fillers and
/// variation selectors.
#[must_use]
pub fn hides_or_turns(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

macro_rules! as_it_is {
    ($($name:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.0.$name(writer $(, $argument)*)
        })*
    };
}

impl<F: Formatter> Formatter for Escaping<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !is_plain(*c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    as_it_is!(
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        end_object_key(),
        begin_object_value(),
        end_object_value(),
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{is_plain, to_string, to_string_pretty};

    #[test]
    fn what_a_terminal_or_a_page_acts_on_is_escaped() {
        let raw = "a\u{1b}\u{9b}2J\u{202e}\u{7f}</script>\u{e0001}\"名";
        let expected = "\"a\\u001b\\u009b2J\\u202e\\u007f\\u003c/script\\u003e\\udb40\\udc01\\\"名\"";
        assert_eq!(to_string(raw).unwrap(), expected);
    }

    #[test]
    fn the_layout_is_serde_jsons() {
        let value = serde_json::json!({ "a": [1, { "b": [] }], "c": {}, "d": null });
        assert_eq!(to_string(&value).unwrap(), value.to_string());
        assert_eq!(to_string_pretty(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap());
    }

    proptest! {
        #[test]
        fn it_reads_back_and_nothing_else_is_in_it(raw: BTreeMap<String, Vec<String>>) {
            let line = to_string(&raw).unwrap();
            prop_assert!(line.chars().all(is_plain));
            prop_assert_eq!(serde_json::from_str::<BTreeMap<String, Vec<String>>>(&line).unwrap(), raw.clone());
            let lines = to_string_pretty(&raw).unwrap();
            prop_assert_eq!(serde_json::from_str::<BTreeMap<String, Vec<String>>>(&lines).unwrap(), raw);
        }
    }
}
