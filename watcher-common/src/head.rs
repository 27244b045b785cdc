//! Copies of the first bytes of flows, and how much of a flow is ever copied.

/// Header of a record in the ring of heads; [`HeadHeader::copied`] bytes of payload follow.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadHeader {
    /// When it passed, nanoseconds since boot.
    pub at: u64,
    /// Socket cookie.
    pub cookie: u64,
    /// Start of the socket's owner.
    pub owner_start: u64,
    /// Owner of the socket; 0 is the kernel.
    pub owner_tgid: u32,
    /// [`crate::SocketRecord::epoch`].
    pub epoch: u32,
    /// This end: IPv6 or IPv4-mapped, network byte order.
    pub local: [u8; 16],
    /// The other end.
    pub remote: [u8; 16],
    /// Sequence number of the first byte, for TCP.
    pub seq: u32,
    /// Payload of the packet, bytes.
    pub length: u32,
    /// Bytes of it that follow.
    pub copied: u32,
    /// Host byte order.
    pub local_port: u16,
    /// Host byte order.
    pub remote_port: u16,
    /// IPPROTO_TCP or IPPROTO_UDP.
    pub protocol: u8,
    /// Not 0 for a packet that was received.
    pub received: u8,
    /// Always 0.
    pub pad: [u8; 6],
}

/// What has been copied of a flow, in each direction: sent, received.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Payload bytes.
    pub bytes: [u16; 2],
    /// Payload bytes after which it is enough; 0 while that is not known.
    pub enough: [u16; 2],
    /// Packets with payload.
    pub packets: [u8; 2],
    /// Packets without, up to [`bound::BARE`].
    pub bare: [u8; 2],
    /// Of a datagram socket that is looked at for ever: which second, about, `in_second` is of.
    pub second: u16,
    /// Packets copied in it.
    pub in_second: u16,
}

/// Bits of [`crate::SocketRecord::heads`].
pub mod looked {
    /// Nothing more of what is sent is looked at.
    pub const SENT: u8 = 1 << 0;
    /// Nothing more of what is received is looked at.
    pub const RECEIVED: u8 = 1 << 1;
    /// A TLS handshake was seen.
    pub const TLS: u8 = 1 << 2;
}

/// How much of a flow is copied, at most, in each direction.
pub mod bound {
    /// Of one packet, or of what the kernel keeps as one.
    pub const PACKET: u32 = 4096;
    /// Of a TLS handshake, and of DNS over TCP: bytes.
    pub const HANDSHAKE: u16 = 8192;
    /// Of the server's part of a TLS handshake.
    pub const SERVER: u16 = 4096;
    /// Of any other TCP connection: bytes.
    pub const STREAM: u16 = 1536;
    /// Of any other TCP connection: packets.
    pub const STREAM_PACKETS: u8 = 4;
    /// Of a TLS handshake: packets.
    pub const HANDSHAKE_PACKETS: u8 = 16;
    /// Of a datagram socket: packets, not counting DNS messages and, where the socket has more than one remote, QUIC Initials.
    pub const DATAGRAMS: u8 = 8;
    /// Packets without payload that are looked at in a direction.
    pub const BARE: u8 = 32;
    /// DNS messages and QUIC Initials of one datagram socket: packets in about a second.
    pub const A_SECOND: u16 = 2048;
}

const _: () = assert!(size_of::<HeadHeader>() == 88);
const _: () = assert!(size_of::<Copied>() == 16);
crate::pod!(HeadHeader, Copied);
