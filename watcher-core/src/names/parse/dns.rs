//! DNS messages (RFC 1035, RFC 9460).

mod read;
mod tcp;

pub use read::{is_message, message};
pub use tcp::{TcpMessages, tcp_messages};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Answers of one message that are kept.
pub const MAX_ANSWERS: usize = 64;

/// A message, as far as names need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Set by who asks.
    pub id: u16,
    /// A response, not a query.
    pub response: bool,
    /// Cut short: the rest is asked for over TCP.
    pub truncated: bool,
    /// The response code, with the upper bits that EDNS adds; 0 is none, 3 NXDOMAIN.
    pub rcode: u16,
    /// What was asked; messages without exactly one question are of no use here.
    pub question: Question,
    /// Of the answer section, in order: at most [`MAX_ANSWERS`].
    pub answers: Vec<Answer>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// In lower case, without the last dot, with `\` escapes where a label holds other than letters, digits, `-` and `_`.
    pub name: Box<str>,
    /// The type by its number: 1 A, 28 AAAA, 65 HTTPS.
    pub kind: u16,
}

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whose record it is; as [`Question::name`].
    pub name: Box<str>,
    /// Seconds that it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A.
    V4(Ipv4Addr),
    /// AAAA.
    V6(Ipv6Addr),
    /// CNAME: the name goes by another.
    Alias(Box<str>),
    /// PTR.
    Pointer(Box<str>),
    /// HTTPS or SVCB: where a service is, and the addresses that come with it.
    Service {
        /// The name that serves it; empty for the owner's own.
        target: Box<str>,
        /// Its ipv4hint and ipv6hint.
        hints: Vec<IpAddr>,
        /// Whether it carries keys for encrypted hellos.
        ech: bool,
    },
    /// Anything else, by the number of its type.
    Other(u16),
}

#[cfg(test)]
mod tests;
