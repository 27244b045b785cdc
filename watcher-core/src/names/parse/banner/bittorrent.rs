//! BitTorrent: between peers over TCP and uTP, and its DHT.

use crate::names::parse::{Parsed, reader::Reader};

/// The handshake of peers (BEP 3): 20 bytes, 2^-160.
pub(super) fn handshake(stream: &[u8]) -> Parsed<()> {
    super::tcp::begins_with(stream, b"\x13BitTorrent protocol")
}

/// A message of the DHT (BEP 5): a dictionary in bencode with the type of the message, `1:y1:q`: 2^-55. A copy that was cut
/// has to begin with the arguments instead, `d1:ad2:id20:`.
pub(super) fn dht(datagram: &[u8]) -> bool {
    const STARTS: [&[u8]; 3] = [b"d1:ad2:id20:", b"d1:rd2:id20:", b"d2:ip6:"];
    const TYPES: [&[u8]; 3] = [b"1:y1:q", b"1:y1:r", b"1:y1:e"];
    // What BEP 5 tells fits into one small datagram.
    let whole = datagram.get(..2048).unwrap_or(datagram);
    let is_dictionary = matches!(whole, [b'd', b'1'..=b'9', b':', .., b'e']);
    STARTS.iter().any(|start| whole.starts_with(start))
        || is_dictionary && TYPES.iter().any(|kind| whole.windows(kind.len()).any(|six| six == *kind))
}

/// The SYN of a uTP connection (BEP 29): version and type, at most one extension, no timestamp difference and nothing to
/// acknowledge yet, and a length that fits: 2^-65.
pub(super) fn utp_syn(datagram: &[u8]) -> bool {
    fn read(mut reader: Reader<'_>) -> Option<bool> {
        let kind_and_version = reader.u8()?;
        let extension = reader.u8()?;
        let (_connection, timestamp, difference, _window) =
            (reader.u16()?, reader.u32()?, reader.u32()?, reader.u32()?);
        let (_sequence, acknowledged) = (reader.u16()?, reader.u16()?);
        let ends = match extension {
            0 => reader.is_empty(),
            // Extension bits: no other after it, eight bytes.
            2 => reader.u16()? == 0x0008 && reader.len() == 8,
            _ => false,
        };
        Some(kind_and_version == 0x41 && timestamp != 0 && difference == 0 && acknowledged == 0 && ends)
    }
    read(Reader::new(datagram)).unwrap_or(false)
}
