//! The record layer (RFC 8446, 5.1): handshake messages out of a stream.

use crate::names::parse::reader::Reader;

use super::MAX_MESSAGE;

/// Content types.
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// The longest plaintext of one record.
const MAX_FRAGMENT: u16 = 1 << 14;

/// Why there are no more handshake bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The stream ends, in a record or after one.
    Stream,
    /// As many bytes are there as are ever read.
    Full,
    /// A record of another type: an alert, or the beginning of what is encrypted.
    Alert,
    Encrypted,
    /// No record.
    Broken,
}

/// Handshake bytes of the records from the beginning of a stream on.
#[derive(Debug, Clone)]
pub(super) struct Handshake {
    pub bytes: Vec<u8>,
    pub end: End,
}

/// Puts together what the handshake records carry, at most [`MAX_MESSAGE`] bytes of it. What has come of the last record is
/// part of it.
pub(super) fn handshake(stream: &[u8]) -> Handshake {
    let mut bytes = Vec::new();
    let mut reader = Reader::new(stream);
    let end = loop {
        if bytes.len() >= MAX_MESSAGE {
            bytes.truncate(MAX_MESSAGE);
            break End::Full;
        }
        match record(&mut reader) {
            Ok(fragment) => bytes.extend_from_slice(fragment),
            Err(end) => break end,
        }
    };
    Handshake { bytes, end }
}

/// What is there of the next record's fragment.
fn record<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], End> {
    let start = *reader;
    let kind = reader.u8().ok_or(End::Stream)?;
    let other = match kind {
        HANDSHAKE => None,
        ALERT => Some(End::Alert),
        CHANGE_CIPHER_SPEC | APPLICATION_DATA => Some(End::Encrypted),
        _ => return Err(End::Broken),
    };
    let Some(major) = reader.u8() else { return Err(End::Stream) };
    let Some(minor) = reader.u8() else { return Err(if major == 3 { End::Stream } else { End::Broken }) };
    if major != 3 || minor > 4 {
        return Err(End::Broken);
    }
    let Some(length) = reader.u16() else { return Err(End::Stream) };
    if let Some(other) = other {
        *reader = start;
        return Err(other);
    }
    // Handshake records are never empty (RFC 8446, 5.1).
    if !(1..=MAX_FRAGMENT).contains(&length) {
        return Err(End::Broken);
    }
    let there = reader.len().min(length.into());
    if there == 0 {
        return Err(End::Stream);
    }
    reader.take(there).ok_or(End::Stream)
}
