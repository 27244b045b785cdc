//! IP packets: who to whom, and how many bytes of payload, by what headers state and the wire carried.
//!
//! A capture keeps the beginning of a packet only, so payload is never what was captured. Where a length field is 0
//! because an interface was to cut the packet (segmentation offload), what the wire carried counts; a field that says
//! more than the wire carried is a lie, since a receiver drops such a packet, and so is what it says.
//!
//! The headers are read here and not by `etherparse`, which tests against these parsers: its slices end with the capture,
//! where a length must not, and it reads neither SCTP nor most link layers of [`crate::link`].

mod fragments;
mod ip;
#[cfg(test)]
mod tests;
mod transport;

use std::net::IpAddr;

pub use fragments::{Fragments, Rejoined};
pub use transport::{Flags, Ports, Segment, Transport};

use crate::link::{Frame, Network};

/// One IP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Which IP.
    pub network: Network,
    /// Who sent it.
    pub source: IpAddr,
    /// Whom to.
    pub destination: IpAddr,
    /// The transport's header, or that of a fragment.
    pub transport: Transport,
    /// The fragment of a datagram that it is, if it is one.
    pub fragment: Option<Fragment>,
    /// Bytes that an application sent, as the transport knows them: of TCP and UDP what follows their header, of SCTP the
    /// user data of captured chunks, of everything else what follows the IP headers.
    pub payload_len: u64,
    /// IP headers and what they enclose: no link header, no padding.
    pub wire_len: u64,
    /// As much of the payload as was captured.
    pub first_bytes: &'a [u8],
}

/// Which part of which datagram a fragment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// The sender's number of the datagram: 16 bits in IPv4.
    pub id: u32,
    /// The protocol that all parts state; in IPv6 it can be that of an extension header.
    pub protocol: u8,
    /// Bytes of the datagram before this part; 0 in the one that has the transport's header.
    pub offset: u32,
}

/// Why there is no packet in these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// The capture, or the packet, ends within the header.
    #[error("the {0} header is cut off")]
    Short(&'static str),
    /// A field of that header contradicts another.
    #[error("the {0} header contradicts itself")]
    Malformed(&'static str),
    /// It claims to be longer than what was on the wire.
    #[error("the {0} header claims {1} bytes, the wire carried {2}")]
    Longer(&'static str, u64, u64),
    /// More IPv6 extension headers than anybody uses.
    #[error("more than {} extension headers", ip::MOST_EXTENSIONS)]
    Extensions,
}

/// What follows the IP headers.
struct Enclosed<'a> {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    fragment: Option<Fragment>,
    /// More parts of this datagram follow.
    more: bool,
    /// All of the packet.
    wire_len: u64,
    /// Of that, behind the IP headers.
    len: u64,
    /// The captured part of it, `len` bytes at most.
    bytes: &'a [u8],
}

/// Parses the packet of a frame.
///
/// # Errors
/// When headers are cut off, contradict themselves or claim more than the wire carried.
#[inline]
pub fn parse<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, PacketError> {
    let enclosed = match frame.network {
        Network::V4 => ip::v4(frame.bytes, frame.wire_len)?,
        Network::V6 => ip::v6(frame.bytes, frame.wire_len)?,
    };
    let read = transport::read(&enclosed)?;
    Ok(Packet {
        network: frame.network,
        source: enclosed.source,
        destination: enclosed.destination,
        transport: read.transport,
        fragment: enclosed.fragment,
        payload_len: read.payload_len,
        wire_len: enclosed.wire_len,
        first_bytes: read.first_bytes,
    })
}
