//! What a TCP stream begins with.

use crate::names::Observed;
use crate::names::parse::{Parsed, reader::Reader};

use super::{bittorrent, databases};

type Recognizer = fn(&[u8]) -> Parsed<()>;

/// The recognizers, each of either side's first bytes.
const RECOGNIZERS: &[(Observed, Recognizer)] = &[
    (Observed::Ssh, ssh),
    (Observed::Postgres, databases::postgres),
    (Observed::MySql, databases::mysql),
    (Observed::Redis, databases::redis),
    (Observed::Mqtt, mqtt),
    (Observed::Stun, stun),
    (Observed::BitTorrent, bittorrent::handshake),
];

/// The protocol that a stream begins with.
#[must_use]
pub fn tcp(stream: &[u8]) -> Parsed<Observed> {
    let verdicts = RECOGNIZERS.iter().map(|(observed, recognize)| recognize(stream).map(|()| *observed));
    verdicts.fold(Parsed::Other, Parsed::or)
}

/// Whether a stream begins with a text: 8 bits per byte of it.
pub(super) fn begins_with(stream: &[u8], text: &[u8]) -> Parsed<()> {
    if stream.starts_with(text) {
        Parsed::Complete(())
    } else if text.starts_with(stream) {
        Parsed::Incomplete
    } else {
        Parsed::Other
    }
}

/// `SSH-2.0-` or `SSH-1.` (RFC 4253, 4.2): 2^-48. Lines that a server may send before it are not waited for.
fn ssh(stream: &[u8]) -> Parsed<()> {
    begins_with(stream, b"SSH-2.0-").or(begins_with(stream, b"SSH-1."))
}

/// CONNECT of MQTT 3.1, 3.1.1 or 5 (MQTT 5.0, 3.1): packet type, the protocol's name and level, a flag that is zero: 2^-60.
fn mqtt(stream: &[u8]) -> Parsed<()> {
    fn read(reader: &mut Reader<'_>) -> Option<bool> {
        if reader.u8()? != 0x10 {
            return Some(false);
        }
        let mut length_bytes = 1;
        while reader.u8()? & 0x80 != 0 {
            length_bytes += 1;
            if length_bytes > 4 {
                return Some(false);
            }
        }
        let levels = match reader.u16()? {
            4 => reader.take(4)? == b"MQTT",
            6 => reader.take(6)? == b"MQIsdp",
            _ => false,
        };
        if !levels {
            return Some(false);
        }
        Some((3..=5).contains(&reader.u8()?) && reader.u8()? & 1 == 0)
    }
    match read(&mut Reader::new(stream)) {
        Some(true) => Parsed::Complete(()),
        Some(false) => Parsed::Other,
        None => Parsed::Incomplete,
    }
}

/// A binding request or its answer over TCP (RFC 8489, 5): as over UDP, but the length is that of what follows: 2^-44.
fn stun(stream: &[u8]) -> Parsed<()> {
    let mut reader = Reader::new(stream);
    let fits = |reader: &mut Reader<'_>| {
        let kind = reader.u16()?;
        if kind & 0xc000 != 0 || kind & 0x3eef > 0x00ff {
            return Some(false);
        }
        Some(reader.u16()? % 4 == 0 && reader.u32()? == super::udp::STUN_COOKIE)
    };
    match fits(&mut reader) {
        Some(true) => Parsed::Complete(()),
        Some(false) => Parsed::Other,
        None => Parsed::Incomplete,
    }
}
