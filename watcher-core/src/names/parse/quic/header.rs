//! Long headers (RFC 9000, 17.2), and where in a datagram the next packet begins (RFC 9000, 12.2).

use crate::names::parse::reader::Reader;

/// A version whose Initial packets are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// RFC 9000.
    One,
    /// RFC 9369.
    Two,
}

impl Version {
    fn from_wire(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            0x6b33_43cf => Some(Self::Two),
            _ => None,
        }
    }

    fn kind(self, first: u8) -> Kind {
        // RFC 9369, 3.2: version 2 numbers the types one further.
        let offset = match self {
            Self::One => 0,
            Self::Two => 3,
        };
        match (((first >> 4) & 3) + offset) & 3 {
            0 => Kind::Initial,
            3 => Kind::Retry,
            _ => Kind::Other,
        }
    }
}

enum Kind {
    Initial,
    Retry,
    /// 0-RTT or Handshake: a length, and nothing to read.
    Other,
}

/// At most 20 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConnectionId {
    bytes: [u8; Self::MAX],
    length: u8,
}

impl ConnectionId {
    const MAX: usize = 20;

    pub fn new(raw: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        Some(Self { bytes, length: u8::try_from(raw.len()).ok()? })
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length.into()).unwrap_or_default()
    }
}

/// An Initial packet, still sealed.
#[derive(Debug, Clone)]
pub(super) struct Packet<'a> {
    pub version: Version,
    pub destination: ConnectionId,
    /// From the first byte to the end of the payload.
    pub bytes: &'a [u8],
    /// Where the packet number begins.
    pub number_at: usize,
}

/// The Initial packets of a datagram, up to the first packet that has no length or is not all there.
pub(super) fn packets(datagram: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    let mut left = datagram;
    std::iter::from_fn(move || {
        // Each round takes a whole packet off, and so ends.
        loop {
            let (packet, rest) = next(left)?;
            left = rest;
            if packet.is_some() {
                return packet;
            }
        }
    })
}

/// The packet that comes next, if it is an Initial, and what is behind it. The QUIC bit is not looked at: it may be greased
/// (RFC 9287).
fn next(bytes: &[u8]) -> Option<(Option<Packet<'_>>, &[u8])> {
    let mut reader = Reader::new(bytes);
    let first = reader.u8()?;
    if first & 0x80 == 0 {
        return None;
    }
    let version = Version::from_wire(reader.u32()?)?;
    let destination = ConnectionId::new(reader.vec8()?)?;
    ConnectionId::new(reader.vec8()?)?;
    let kind = version.kind(first);
    match kind {
        Kind::Retry => return None,
        Kind::Initial => drop(usize::try_from(reader.varint()?).ok().and_then(|token| reader.take(token))?),
        Kind::Other => {}
    }
    let length = usize::try_from(reader.varint()?).ok()?;
    let number_at = bytes.len() - reader.len();
    reader.take(length)?;
    let (packet, rest) = bytes.split_at_checked(number_at + length)?;
    let initial = Packet { version, destination, bytes: packet, number_at };
    Some((matches!(kind, Kind::Initial).then_some(initial), rest))
}
