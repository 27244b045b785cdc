//! What a server answers in the clear: the ServerHello (RFC 8446, 4.1.3), and up to TLS 1.2 its certificate (RFC 5246, 7.4).

use crate::names::TlsVersion;
use crate::names::parse::{Parsed, reader::Reader};

use super::issuer::issuer;
use super::records::{End, handshake};
use super::{ALPN, MAX_MESSAGE, SUPPORTED_VERSIONS, is_legacy_version, next_alpn};

const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;

/// Version, random, an empty session, cipher suite, compression method.
const MIN_HELLO: usize = 2 + 32 + 1 + 2 + 1;

/// What a server says in the clear.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerFlight {
    /// The version that it chose; none when it answered with an alert.
    pub chosen: Option<TlsVersion>,
    /// The application protocol that it chose (TLS 1.2 and older; later ones encrypt it).
    pub alpn: Option<Box<str>>,
    /// Who issued its certificate (TLS 1.2 and older): organization and common name, printable, at most 128 characters.
    pub issuer: Option<Box<str>>,
}

/// How far a flight got.
enum Read {
    Whole(ServerFlight),
    Part(ServerFlight),
    TooShort,
    Other,
}

/// The flight that a stream begins with. It is complete after a TLS 1.3 ServerHello or HelloRetryRequest; else with the first
/// certificate, or with anything that means that none will come: a resumed session, an anonymous server, an alert.
///
/// Random bytes are one with odds of about 2^-50; an alert has 2^-46.
#[must_use]
pub fn server_flight(stream: &[u8]) -> Parsed<ServerFlight> {
    match read(stream) {
        Read::Whole(flight) => Parsed::Complete(flight),
        Read::Part(_) | Read::TooShort => Parsed::Incomplete,
        Read::Other => Parsed::Other,
    }
}

/// What the hello said, when no more will come.
#[must_use]
pub fn server_flight_partial(stream: &[u8]) -> Option<ServerFlight> {
    match read(stream) {
        Read::Whole(flight) | Read::Part(flight) => Some(flight),
        Read::TooShort | Read::Other => None,
    }
}

/// The ServerHello from handshake bytes that lie in no records: QUIC's CRYPTO frames.
#[must_use]
pub fn server_hello_message(message: &[u8]) -> Parsed<ServerFlight> {
    let mut reader = Reader::new(message);
    match next_message(&mut reader, true) {
        Message::Whole(SERVER_HELLO, body) => hello(body).map_or(Parsed::Other, Parsed::Complete),
        Message::Short(SERVER_HELLO, _) | Message::None => Parsed::Incomplete,
        _ => Parsed::Other,
    }
}

fn read(stream: &[u8]) -> Read {
    let handshake = handshake(stream);
    let mut reader = Reader::new(&handshake.bytes);
    let mut flight = match next_message(&mut reader, true) {
        Message::Whole(SERVER_HELLO, body) => match hello(body) {
            Some(flight) => flight,
            None => return Read::Other,
        },
        Message::Short(SERVER_HELLO, _) | Message::None => return no_hello(stream, handshake.end),
        _ => return Read::Other,
    };
    if flight.chosen == Some(TlsVersion::Tls13) {
        return Read::Whole(flight);
    }
    match next_message(&mut reader, false) {
        Message::Whole(CERTIFICATE, body) => flight.issuer = leaf(body).unwrap_or_default().and_then(issuer),
        Message::Short(CERTIFICATE, body) if handshake.end == End::Stream => match leaf(body) {
            Some(leaf) => flight.issuer = leaf.and_then(issuer),
            None => return Read::Part(flight),
        },
        Message::None if handshake.end == End::Stream => return Read::Part(flight),
        // Another message, or another record: no certificate will come.
        _ => {}
    }
    Read::Whole(flight)
}

/// What a stream is whose handshake bytes, if any, are less than a hello.
fn no_hello(stream: &[u8], end: End) -> Read {
    match end {
        End::Stream => Read::TooShort,
        End::Alert => alert(stream),
        End::Full | End::Encrypted | End::Broken => Read::Other,
    }
}

/// An alert instead of a hello: a record of level and description (RFC 8446, 6).
fn alert(stream: &[u8]) -> Read {
    let mut reader = Reader::new(stream);
    let fields = reader.u24().zip(reader.u16()).zip(reader.u8().zip(reader.u8()));
    match fields {
        Some(((_, 2), (1 | 2, _))) => Read::Whole(ServerFlight::default()),
        Some(_) => Read::Other,
        None => Read::TooShort,
    }
}

enum Message<'a> {
    Whole(u8, &'a [u8]),
    /// Its type, and what is there of it.
    Short(u8, &'a [u8]),
    /// Not even its length is there.
    None,
    Bad,
}

/// The next handshake message; `is_first` is told apart from random bytes.
fn next_message<'a>(reader: &mut Reader<'a>, is_first: bool) -> Message<'a> {
    let start = *reader;
    let Some(kind) = reader.u8() else { return Message::None };
    if is_first && kind != SERVER_HELLO {
        return Message::Bad;
    }
    let Some(length) = reader.u24().and_then(|length| usize::try_from(length).ok()) else {
        *reader = start;
        return Message::None;
    };
    let fits = if is_first { (MIN_HELLO..=MAX_MESSAGE / 2).contains(&length) } else { true };
    match (fits, reader.take(length)) {
        (false, _) => Message::Bad,
        (true, Some(body)) => Message::Whole(kind, body),
        (true, None) => Message::Short(kind, reader.rest()),
    }
}

fn hello(body: &[u8]) -> Option<ServerFlight> {
    let mut reader = Reader::new(body);
    let legacy = reader.u16().filter(|version| is_legacy_version(*version))?;
    reader.take(32)?;
    let session = reader.vec8()?;
    reader.u16()?;
    let compression = reader.u8()?;
    if session.len() > 32 || compression > 1 {
        return None;
    }
    let mut flight = ServerFlight { chosen: TlsVersion::from_wire(legacy), ..ServerFlight::default() };
    if reader.is_empty() {
        return Some(flight);
    }
    let mut extensions = Reader::new(reader.vec16()?);
    if !reader.is_empty() {
        return None;
    }
    while !extensions.is_empty() {
        let (kind, data) = (extensions.u16()?, extensions.vec16()?);
        let mut data = Reader::new(data);
        match kind {
            SUPPORTED_VERSIONS => flight.chosen = data.u16().and_then(TlsVersion::from_wire).or(flight.chosen),
            ALPN => flight.alpn = data.vec16().and_then(|list| next_alpn(&mut Reader::new(list)).flatten()),
            _ => {}
        }
    }
    Some(flight)
}

/// The first certificate of the message (RFC 5246, 7.4.2): `Some(None)` when there is none, `None` when it is not all there.
fn leaf(body: &[u8]) -> Option<Option<&[u8]>> {
    let mut reader = Reader::new(body);
    let all = reader.u24()?;
    if all == 0 {
        return Some(None);
    }
    let length = usize::try_from(reader.u24()?).ok()?;
    reader.take(length).map(Some)
}
