//! DNS over TCP (RFC 1035, 4.2.2; RFC 7766): each message after two bytes that hold its length.

use crate::names::parse::reader::Reader;

/// The messages in a stream that are whole, in order.
#[derive(Debug, Clone)]
pub struct TcpMessages<'a>(Reader<'a>);

/// Takes a stream apart, from the beginning of a message on.
#[must_use]
pub fn tcp_messages(stream: &[u8]) -> TcpMessages<'_> {
    TcpMessages(Reader::new(stream))
}

impl<'a> TcpMessages<'a> {
    /// What is left: the beginning of a message, its length included.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.0.rest()
    }
}

impl<'a> Iterator for TcpMessages<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut after = self.0;
        let message = after.vec16()?;
        self.0 = after;
        Some(message)
    }
}
