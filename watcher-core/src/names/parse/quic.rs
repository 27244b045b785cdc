//! QUIC Initial packets of versions 1 and 2 (RFC 9000, RFC 9001, RFC 9369): the hello that is in them.
//!
//! Initial packets are encrypted with keys that follow from a connection ID in the open, so that anybody on the way may read
//! them. What comes later may not be read, and is not.

mod frames;
mod header;
mod keys;

use crate::names::TlsVersion;

use super::tls::{ClientHello, hello_message, hello_message_partial, server_hello_message};
use super::{Assembler, Parsed};
use header::{ConnectionId, Packet, packets};
use keys::{Keys, Side};

/// Packets of one datagram that are looked at.
const MAX_PACKETS: usize = 8;

/// Initial packets of one connection that are tried. A hello takes two or three; retransmissions and acknowledgements follow.
const MAX_OPENED: u32 = 64;

/// The Initial packets of one connection, both ways.
#[derive(Debug, Clone, Default)]
pub struct Initials {
    /// The first that the client chose, and the one it took over after a Retry (RFC 9001, 5.2).
    destinations: Vec<ConnectionId>,
    client: Assembler,
    server: Assembler,
    tried: u32,
}

/// Whether a datagram belongs to QUIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datagram {
    /// It holds an Initial packet that was opened: nobody else can have made it.
    Opened,
    /// It has the header of one. Random bytes have it with odds of about 2^-35.
    Initial,
    /// Anything else, of QUIC or not.
    Other,
}

impl Initials {
    /// Destination connection IDs that are remembered.
    const MAX_DESTINATIONS: usize = 2;

    /// Nothing has come yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a datagram, of whichever side. Packets that are no Initials are skipped, and so is what is cut.
    pub fn read(&mut self, datagram: &[u8]) -> Datagram {
        let mut found = Datagram::Other;
        for packet in packets(datagram).take(MAX_PACKETS) {
            if self.tried >= MAX_OPENED {
                break;
            }
            self.tried += 1;
            if self.open(&packet) {
                found = Datagram::Opened;
            } else if found == Datagram::Other {
                found = Datagram::Initial;
            }
        }
        found
    }

    /// What the client's hello says.
    #[must_use]
    pub fn client_hello(&self) -> Parsed<ClientHello> {
        hello_message(self.client.prefix())
    }

    /// What the extensions said that are there, when no more will come.
    #[must_use]
    pub fn client_hello_partial(&self) -> Option<ClientHello> {
        hello_message_partial(self.client.prefix())
    }

    /// The version of TLS that the server chose.
    #[must_use]
    pub fn chosen(&self) -> Option<TlsVersion> {
        match server_hello_message(self.server.prefix()) {
            Parsed::Complete(flight) => flight.chosen,
            Parsed::Incomplete | Parsed::Other => None,
        }
    }

    /// Whether no more packets are tried.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.tried >= MAX_OPENED
    }

    /// Tries the keys that the packet can have been sealed with, the likely ones first.
    fn open(&mut self, packet: &Packet<'_>) -> bool {
        for index in 0..self.destinations.len() {
            for side in [Side::Client, Side::Server] {
                let Some(destination) = self.destinations.get(index) else { break };
                if let Some(payload) = Keys::new(packet.version, destination, side).open(packet) {
                    self.take(side, &payload);
                    return true;
                }
            }
        }
        let Some(payload) = Keys::new(packet.version, &packet.destination, Side::Client).open(packet) else {
            return false;
        };
        // The client's first packet, or its first after a Retry: before it was known, the server said nothing more.
        if self.destinations.len() < Self::MAX_DESTINATIONS {
            self.destinations.push(packet.destination);
        }
        self.take(Side::Client, &payload);
        true
    }

    fn take(&mut self, side: Side, payload: &[u8]) {
        let assembler = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        for (offset, data) in frames::crypto(payload) {
            assembler.insert(offset, data);
        }
    }
}

#[cfg(test)]
mod tests;
