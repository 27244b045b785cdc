//! TLS handshakes in a TCP stream (RFC 8446, RFC 5246), as far as they are in the clear.

mod client;
mod issuer;
mod records;
mod server;

pub use client::{ClientHello, client_hello, client_hello_partial, hello_message, hello_message_partial};
pub use server::{ServerFlight, server_flight, server_flight_partial, server_hello_message};

use crate::names::TlsVersion;

use super::reader::Reader;

/// The longest handshake message that is read. Hellos with post-quantum keys have about 1.8 KB, chains of certificates
/// seldom more than 8 KB.
pub(crate) const MAX_MESSAGE: usize = 16 * 1024;

/// The longest name of an application protocol that is kept.
const MAX_ALPN_LEN: usize = 64;

/// Extension types (RFC 8446, 4.2; RFC 9849).
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// The next name in a list of application protocols (RFC 7301, 3.1): `Some(None)` if it is unprintable, too long to keep, or
/// made up (RFC 8701, 2: `ZZ` and the like).
fn next_alpn(list: &mut Reader<'_>) -> Option<Option<Box<str>>> {
    let raw = list.vec8()?;
    let is_made_up = matches!(raw, [a, b] if a == b && a & 0x0f == 0x0a);
    let fits = (1..=MAX_ALPN_LEN).contains(&raw.len()) && raw.iter().all(u8::is_ascii_graphic) && !is_made_up;
    Some(std::str::from_utf8(raw).ok().filter(|_| fits).map(Into::into))
}

/// `0x0300..=0x0304`: anything else in a version field is no handshake.
fn is_legacy_version(number: u16) -> bool {
    TlsVersion::from_wire(number).is_some()
}

#[cfg(test)]
mod tests;
