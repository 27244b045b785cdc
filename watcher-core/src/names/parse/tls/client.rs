//! The ClientHello (RFC 8446, 4.1.2).

use crate::names::parse::host::host_name;
use crate::names::parse::{Parsed, reader::Reader};
use crate::names::{Tls, TlsVersion};

use super::records::{End, handshake};
use super::{ALPN, ENCRYPTED_CLIENT_HELLO, MAX_MESSAGE, SERVER_NAME, SUPPORTED_VERSIONS, is_legacy_version, next_alpn};

const CLIENT_HELLO: u8 = 1;

/// Version, random, an empty session, one cipher suite, one compression method.
const MIN_LEN: usize = 2 + 32 + 1 + 4 + 2;

/// What a client says in the clear.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientHello {
    /// The host that it wants (RFC 6066, 3), in lower case.
    pub name: Option<Box<str>>,
    /// Application protocols, best first: at most [`Tls::MAX_ALPN`].
    pub alpn: Vec<Box<str>>,
    /// The newest version that it offers. Made-up ones (RFC 8701) do not count.
    pub offered: Option<TlsVersion>,
    /// It carries an encrypted hello, or the shape of one.
    pub ech: bool,
}

/// What a stream that began with a ClientHello told so far.
enum Read {
    Whole(ClientHello),
    Part(ClientHello),
    /// Not even the part before the extensions is there.
    TooShort,
    Other,
}

/// The ClientHello that a stream begins with, over as many records as it takes. Random bytes are one with odds of about
/// 2^-60: record type and versions, message type, and lengths that fit each other.
#[must_use]
pub fn client_hello(stream: &[u8]) -> Parsed<ClientHello> {
    parsed(from_stream(stream))
}

/// What the extensions said that are there, when no more will come. `None` when not even the part before them is there.
#[must_use]
pub fn client_hello_partial(stream: &[u8]) -> Option<ClientHello> {
    partial(from_stream(stream))
}

/// As [`client_hello`], from handshake bytes that lie in no records: QUIC's CRYPTO frames (RFC 9001, 4.1.3).
#[must_use]
pub fn hello_message(message: &[u8]) -> Parsed<ClientHello> {
    parsed(read(message))
}

/// As [`client_hello_partial`], from handshake bytes that lie in no records.
#[must_use]
pub fn hello_message_partial(message: &[u8]) -> Option<ClientHello> {
    partial(read(message))
}

fn from_stream(stream: &[u8]) -> Read {
    let handshake = handshake(stream);
    match (read(&handshake.bytes), handshake.end) {
        (whole @ Read::Whole(_), _) => whole,
        (more, End::Stream | End::Full) => more,
        // Anything but the rest of the hello.
        (_, End::Alert | End::Encrypted | End::Broken) => Read::Other,
    }
}

fn parsed(read: Read) -> Parsed<ClientHello> {
    match read {
        Read::Whole(hello) => Parsed::Complete(hello),
        Read::Part(_) | Read::TooShort => Parsed::Incomplete,
        Read::Other => Parsed::Other,
    }
}

fn partial(read: Read) -> Option<ClientHello> {
    match read {
        Read::Whole(hello) | Read::Part(hello) => Some(hello),
        Read::TooShort | Read::Other => None,
    }
}

fn read(message: &[u8]) -> Read {
    let mut reader = Reader::new(message);
    if reader.u8().is_some_and(|kind| kind != CLIENT_HELLO) {
        return Read::Other;
    }
    let Some(length) = reader.u24().and_then(|length| usize::try_from(length).ok()) else { return Read::TooShort };
    if !(MIN_LEN..=MAX_MESSAGE - 4).contains(&length) {
        return Read::Other;
    }
    let is_whole = reader.len() >= length;
    let mut body = reader.take(length).map_or(reader, Reader::new);
    let Some(legacy) = body.u16() else { return Read::TooShort };
    if !is_legacy_version(legacy) {
        return Read::Other;
    }
    let extensions = match before_extensions(&mut body) {
        Some(true) => body,
        Some(false) => return Read::Other,
        None if is_whole => return Read::Other,
        None => return Read::TooShort,
    };
    let promised = length - (message.len().min(length + 4) - 4 - extensions.len());
    let (hello, end) = extensions_of(extensions, promised, TlsVersion::from_wire(legacy));
    match end {
        Extensions::Broken => Read::Other,
        Extensions::Short if is_whole => Read::Other,
        Extensions::Short => Read::Part(hello),
        Extensions::Whole => Read::Whole(hello),
    }
}

/// Skips to the extensions. `Some(false)`: the fields are impossible.
fn before_extensions(body: &mut Reader<'_>) -> Option<bool> {
    body.take(32)?;
    let session = body.u8()?;
    if session > 32 {
        return Some(false);
    }
    body.take(session.into())?;
    let suites = body.u16()?;
    if suites == 0 || suites % 2 == 1 {
        return Some(false);
    }
    body.take(suites.into())?;
    Some(!body.vec8()?.is_empty())
}

enum Extensions {
    Whole,
    Short,
    Broken,
}

/// Walks the extensions. `promised` is what the message's length leaves for them; the oldest hellos have none at all.
fn extensions_of(mut body: Reader<'_>, promised: usize, legacy: Option<TlsVersion>) -> (ClientHello, Extensions) {
    let mut hello = ClientHello::default();
    if promised == 0 {
        hello.offered = legacy;
        return (hello, Extensions::Whole);
    }
    let Some(length) = body.u16() else { return (hello, Extensions::Short) };
    if usize::from(length) + 2 != promised {
        return (hello, Extensions::Broken);
    }
    let mut left = usize::from(length);
    while left > 0 {
        let before = body.len();
        let Some((kind, data)) = extension(&mut body) else { return (hello, Extensions::Short) };
        let Some(rest) = left.checked_sub(before - body.len()) else { return (hello, Extensions::Broken) };
        left = rest;
        take_extension(&mut hello, kind, data);
    }
    // Newer ones are told in an extension: while that may still come, nothing is known.
    hello.offered = hello.offered.or(legacy);
    (hello, Extensions::Whole)
}

fn extension<'a>(body: &mut Reader<'a>) -> Option<(u16, &'a [u8])> {
    Some((body.u16()?, body.vec16()?))
}

/// An extension that makes no sense says nothing; the others still count.
fn take_extension(hello: &mut ClientHello, kind: u16, data: &[u8]) {
    match kind {
        SERVER_NAME => hello.name = server_name(data).or(hello.name.take()),
        ALPN => hello.alpn = alpn(data).unwrap_or_default(),
        SUPPORTED_VERSIONS => hello.offered = newest(data).or(hello.offered),
        ENCRYPTED_CLIENT_HELLO => hello.ech = true,
        _ => {}
    }
}

/// The first host name of the list (RFC 6066, 3).
fn server_name(data: &[u8]) -> Option<Box<str>> {
    const HOST_NAME: u8 = 0;
    let mut list = Reader::new(Reader::new(data).vec16()?);
    while let Some(kind) = list.u8() {
        let name = list.vec16()?;
        if kind == HOST_NAME {
            return host_name(name);
        }
    }
    None
}

fn alpn(data: &[u8]) -> Option<Vec<Box<str>>> {
    let mut list = Reader::new(Reader::new(data).vec16()?);
    let mut names = Vec::new();
    while let Some(name) = next_alpn(&mut list) {
        names.extend(name);
        if names.len() == Tls::MAX_ALPN {
            break;
        }
    }
    Some(names)
}

fn newest(data: &[u8]) -> Option<TlsVersion> {
    let mut list = Reader::new(Reader::new(data).vec8()?);
    std::iter::from_fn(|| list.u16()).filter_map(TlsVersion::from_wire).max()
}
