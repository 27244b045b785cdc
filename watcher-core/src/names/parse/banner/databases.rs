//! Postgres, MySQL and Redis.

use crate::names::parse::{Parsed, reader::Reader};

/// The longest startup message that a Postgres server takes.
const MAX_STARTUP: u32 = 10_000;

/// What a Postgres client begins with (PostgreSQL, Message Formats): a startup of version 3, a request for TLS or GSS, a
/// cancellation. A length that fits a code of four bytes: 2^-50.
pub(super) fn postgres(stream: &[u8]) -> Parsed<()> {
    let mut reader = Reader::new(stream);
    let Some(length) = reader.u32() else {
        // Three bytes of a length below 10,000.
        return if stream.iter().zip([0, 0]).all(|(a, b)| *a == b) { Parsed::Incomplete } else { Parsed::Other };
    };
    if !(8..=MAX_STARTUP).contains(&length) {
        return Parsed::Other;
    }
    let Some(code) = reader.u32() else { return Parsed::Incomplete };
    let fits = match code {
        // 3.0 and 3.2, which begin with the name of a parameter.
        196_608 | 196_610 => length > 8 && reader.rest().first().is_none_or(u8::is_ascii_alphabetic),
        // SSLRequest, GSSENCRequest.
        80_877_103 | 80_877_104 => length == 8,
        // CancelRequest: a process and a key of 4 to 256 bytes.
        80_877_102 => (16..=268).contains(&length),
        _ => false,
    };
    if fits { Parsed::Complete(()) } else { Parsed::Other }
}

/// The greeting of a MySQL or MariaDB server (MySQL internals, Protocol::HandshakeV10): lengths, sequence number and protocol
/// version, the server's version as text, a filler: 2^-50.
pub(super) fn mysql(stream: &[u8]) -> Parsed<()> {
    fn read(reader: &mut Reader<'_>) -> Option<bool> {
        let length = u32::from(reader.u8()?) | u32::from(reader.u8()?) << 8 | u32::from(reader.u8()?) << 16;
        if !(32..=512).contains(&length) || reader.u8()? != 0 || reader.u8()? != 10 {
            return Some(false);
        }
        let version = reader.rest().iter().take(65);
        let text = version.clone().take_while(|b| **b != 0).count();
        let is_version =
            |index: usize, byte: u8| if index == 0 { byte.is_ascii_digit() } else { matches!(byte, 0x20..=0x7e) };
        if !version.clone().take(text).enumerate().all(|(index, byte)| is_version(index, *byte)) || text > 64 {
            return Some(false);
        }
        let version = reader.take(text)?;
        reader.u8()?;
        // The thread, eight bytes of salt, the filler.
        reader.take(4 + 8)?;
        Some(version.len() >= 3 && version.contains(&b'.') && reader.u8()? == 0)
    }
    match read(&mut Reader::new(stream)) {
        Some(true) => Parsed::Complete(()),
        Some(false) => Parsed::Other,
        None => Parsed::Incomplete,
    }
}

/// A command of a Redis client (RESP): an array of bulk strings, the first of which is a word of as many letters as it says:
/// 2^-60. Replies and inline commands look like other protocols' and are left alone, but for the refusals that only Redis
/// knows.
pub(super) fn redis(stream: &[u8]) -> Parsed<()> {
    const REFUSALS: [&[u8]; 3] = [b"-NOAUTH Authentication", b"-WRONGPASS ", b"-DENIED Redis"];
    if stream.first() == Some(&b'-') {
        let verdicts = REFUSALS.iter().map(|text| super::tcp::begins_with(stream, text));
        return verdicts.fold(Parsed::Other, Parsed::or);
    }
    let mut rest = stream;
    let mut numbers = [0_usize; 2];
    for (number, mark) in numbers.iter_mut().zip(*b"*$") {
        match counted(&mut rest, mark) {
            Parsed::Complete(count) => *number = count,
            Parsed::Incomplete => return Parsed::Incomplete,
            Parsed::Other => return Parsed::Other,
        }
    }
    let [_, length] = numbers;
    if !(2..=20).contains(&length) {
        return Parsed::Other;
    }
    let word = rest.get(..length).unwrap_or(rest);
    let is_word = word.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'.' | b'_' | b'-'));
    match rest.get(length..).map(|end| super::tcp::begins_with(end, b"\r\n")) {
        _ if !is_word => Parsed::Other,
        Some(verdict) => verdict,
        None => Parsed::Incomplete,
    }
}

/// `*3\r\n` or `$3\r\n`: the mark, one to six digits that make no zero, the end of the line.
fn counted(rest: &mut &[u8], mark: u8) -> Parsed<usize> {
    let Some((first, after)) = rest.split_first() else { return Parsed::Incomplete };
    let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
    let Some((number, end)) = after.split_at_checked(digits) else { return Parsed::Other };
    if *first != mark || digits > 6 || number.first() == Some(&b'0') {
        return Parsed::Other;
    }
    match (digits, end) {
        (0, []) | (_, [] | [b'\r']) => Parsed::Incomplete,
        (1.., [b'\r', b'\n', after @ ..]) => {
            *rest = after;
            Parsed::Complete(number.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
        }
        _ => Parsed::Other,
    }
}
