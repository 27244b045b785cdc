//! A window as a file: one line with a checksum, one with the window's frame, then the body as it is.
//!
//! ```text
//! watcher-window 1 crc32 0f3a9c51 1234
//! {"upload_id":"…","started_at":"…","ended_at":"…"}
//! {"schema_version":1,…}
//! ```
//!
//! CRC-32 (IEEE) and the length cover everything after the first line. They find torn writes and rotten disks, which is what
//! happens to files; whoever may write into the spool could forge any checksum.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::window::{MAX_BODY_BYTES, Window, WindowError};

const MAGIC: &str = "watcher-window 1 crc32";

/// The longest file that can be a window, in bytes.
pub(super) const MAX_RECORD_BYTES: u64 = MAX_BODY_BYTES as u64 + 1024;

/// Why a file is no window.
#[derive(Debug, Error)]
pub(super) enum Damage {
    #[error("it does not begin like a window")]
    NoHeader,
    #[error("it has {found} bytes after the first line, which says {expected}")]
    Length { expected: usize, found: usize },
    #[error("its checksum is wrong")]
    Checksum,
    #[error("its second line is wrong: {0}")]
    Frame(#[from] serde_json::Error),
    #[error(transparent)]
    Body(#[from] WindowError),
    #[error("it is longer than any window")]
    TooLong,
}

#[derive(Serialize, Deserialize)]
struct Frame {
    upload_id: Uuid,
    started_at: Timestamp,
    ended_at: Timestamp,
}

/// The bytes of the file.
pub(super) fn encode(window: &Window) -> Vec<u8> {
    let frame = Frame { upload_id: window.upload_id(), started_at: window.started_at(), ended_at: window.ended_at() };
    let frame = serde_json::to_string(&frame).expect("ids and times serialize");
    let rest = format!("{frame}\n{}\n", window.body());
    format!("{MAGIC} {:08x} {}\n{rest}", crc32fast::hash(rest.as_bytes()), rest.len()).into_bytes()
}

/// The window in the bytes of a file.
pub(super) fn decode(bytes: &[u8]) -> Result<Window, Damage> {
    let text = str::from_utf8(bytes).map_err(|_| Damage::Checksum)?;
    let (first, rest) = text.split_once('\n').ok_or(Damage::NoHeader)?;
    let (checksum, length) = header(first).ok_or(Damage::NoHeader)?;
    if rest.len() != length {
        return Err(Damage::Length { expected: length, found: rest.len() });
    }
    if crc32fast::hash(rest.as_bytes()) != checksum {
        return Err(Damage::Checksum);
    }
    let (frame, body) = rest.split_once('\n').ok_or(Damage::NoHeader)?;
    let frame: Frame = serde_json::from_str(frame)?;
    let body = body.strip_suffix('\n').unwrap_or(body).to_owned();
    Ok(Window::from_json(frame.upload_id, frame.started_at, frame.ended_at, body)?)
}

fn header(line: &str) -> Option<(u32, usize)> {
    let (checksum, length) = line.strip_prefix(MAGIC)?.strip_prefix(' ')?.split_once(' ')?;
    Some((u32::from_str_radix(checksum, 16).ok()?, length.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(note: &str) -> Window {
        let at = "2026-01-02T03:04:05.678912345Z".parse().unwrap();
        let json = serde_json::json!({ "schema_version": 1, "note": note });
        Window::new(Uuid::from_u128(7), at, at, &json).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(note in ".*") {
            let window = window(&note);
            prop_assert_eq!(decode(&encode(&window)).unwrap(), window);
        }

        #[test]
        fn any_one_changed_or_missing_byte_is_noticed(at in 0_usize..200, change in 1_u8.., cut in any::<bool>()) {
            let whole = encode(&window("one"));
            let at = at % whole.len();
            let mut bytes = whole.clone();
            if cut { bytes.truncate(at) } else { bytes[at] ^= change }
            // The case of a hexadecimal digit carries nothing.
            prop_assume!(!bytes.eq_ignore_ascii_case(&whole) || bytes[37..] != whole[37..]);
            prop_assert!(decode(&bytes).is_err(), "{}", String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn foreign_bytes_are_refused_quietly(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode(&bytes).is_err());
        }
    }
}
