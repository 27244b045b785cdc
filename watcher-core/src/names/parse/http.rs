//! HTTP/1 (RFC 9112), and the preface of HTTP/2 without TLS (RFC 9113, 3.4).

use super::Parsed;
use super::host::authority;

/// The longest head that is read.
const MAX_HEAD: usize = 8 * 1024;

/// What an HTTP/2 client without TLS begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A request, as far as its head goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whom it is for: the host of the target where that names one, else the Host field. Addresses are no names.
    pub host: Option<Box<str>>,
    /// CONNECT: what follows is a tunnel to the host.
    pub is_connect: bool,
}

/// Reads the head of a request. It is complete with its Host field, or with the empty line. Random bytes are one with odds
/// under 2^-80: ` HTTP/1.` and a line's end around printable bytes.
#[must_use]
pub fn request(stream: &[u8]) -> Parsed<Request> {
    match read(stream) {
        Some((line, fields)) => of(&line, fields),
        None if could_begin(stream) => Parsed::Incomplete,
        None => Parsed::Other,
    }
}

/// What the lines that are there say, when no more will come. `None` when not even the first is whole.
#[must_use]
pub fn request_partial(stream: &[u8]) -> Option<Request> {
    let (line, fields) = read(stream)?;
    Some(match of(&line, fields) {
        Parsed::Complete(request) => request,
        Parsed::Incomplete | Parsed::Other => Request { host: None, is_connect: line.is_connect() },
    })
}

/// Whether the stream begins with a status line (RFC 9112, 4). Random bytes do with odds of about 2^-75.
#[must_use]
pub fn response(stream: &[u8]) -> Parsed<()> {
    const START: &[u8] = b"HTTP/1.";
    let Some(rest) = stream.strip_prefix(START) else {
        return if START.starts_with(stream) { Parsed::Incomplete } else { Parsed::Other };
    };
    match rest {
        [b'0' | b'1', b' ', b'1'..=b'5', b, c, ..] if b.is_ascii_digit() && c.is_ascii_digit() => Parsed::Complete(()),
        [] | [b'0' | b'1'] | [b'0' | b'1', b' '] | [b'0' | b'1', b' ', b'1'..=b'5'] => Parsed::Incomplete,
        [b'0' | b'1', b' ', b'1'..=b'5', b] if b.is_ascii_digit() => Parsed::Incomplete,
        _ => Parsed::Other,
    }
}

/// Whether the stream begins with the preface of HTTP/2.
#[must_use]
pub fn preface(stream: &[u8]) -> Parsed<()> {
    if stream.starts_with(PREFACE) {
        Parsed::Complete(())
    } else if PREFACE.starts_with(stream) {
        Parsed::Incomplete
    } else {
        Parsed::Other
    }
}

struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
}

impl RequestLine<'_> {
    fn is_connect(&self) -> bool {
        self.method == b"CONNECT"
    }

    /// The host of a target in absolute or authority form (RFC 9112, 3.2).
    fn names_host(&self) -> Option<&[u8]> {
        if self.is_connect() {
            return Some(self.target);
        }
        let (scheme, rest) = self.target.split_at_checked(self.target.windows(3).position(|three| three == b"://")?)?;
        let is_scheme = (1..=10).contains(&scheme.len()) && scheme.iter().all(u8::is_ascii_alphanumeric);
        let rest = rest.get(3..)?;
        is_scheme.then(|| rest.split(|b| matches!(b, b'/' | b'?' | b'#')).next()).flatten()
    }
}

/// The request line, and what comes after it.
fn read(stream: &[u8]) -> Option<(RequestLine<'_>, &[u8])> {
    let head = stream.get(..MAX_HEAD).unwrap_or(stream);
    let (line, fields) = next_line(head)?;
    let mut words = line.splitn(3, |b| *b == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let fits = is_method(method) && !target.is_empty() && target.iter().all(|b| b.is_ascii_graphic() || *b >= 0x80);
    (fits && matches!(version, b"HTTP/1.1" | b"HTTP/1.0")).then_some((RequestLine { method, target }, fields))
}

fn of(line: &RequestLine<'_>, mut fields: &[u8]) -> Parsed<Request> {
    let is_connect = line.is_connect();
    if let Some(host) = line.names_host() {
        return Parsed::Complete(Request { host: authority(host), is_connect });
    }
    let is_cut = fields.len() >= MAX_HEAD / 2;
    while let Some((field, rest)) = next_line(fields) {
        let host = field_named(field, b"host").map(authority);
        if host.is_some() || field.is_empty() {
            return Parsed::Complete(Request { host: host.flatten(), is_connect });
        }
        fields = rest;
    }
    // A head without a host for this long is not waited for.
    if is_cut { Parsed::Complete(Request { host: None, is_connect }) } else { Parsed::Incomplete }
}

/// A line without its end, and what is behind it.
fn next_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|b| *b == b'\n')?;
    let (line, rest) = bytes.split_at_checked(end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..)?))
}

fn field_named<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    let value = value.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// Methods are tokens; those in use are upper case (RFC 9110, 9.1).
fn is_method(word: &[u8]) -> bool {
    (3..=17).contains(&word.len()) && word.iter().all(|b| b.is_ascii_uppercase() || *b == b'-')
}

/// Whether the bytes could be the beginning of a request line.
fn could_begin(stream: &[u8]) -> bool {
    let mut words = stream.splitn(2, |b| *b == b' ');
    let method = words.next().unwrap_or_default();
    let is_whole =
        words.next().is_some_and(|rest| rest.iter().all(|b| b.is_ascii_graphic() || matches!(b, b' ' | b'\r')));
    let begins = method.len() <= 17 && method.iter().all(|b| b.is_ascii_uppercase() || *b == b'-');
    stream.len() < MAX_HEAD && if method.len() == stream.len() { begins } else { is_method(method) && is_whole }
}

#[cfg(test)]
mod tests;
