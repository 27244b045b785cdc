//! The first bytes of a flow.

use std::net::SocketAddr;

use crate::{BootTime, ProcessId, SocketId};

/// Which way a packet went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// To the remote.
    Sent,
    /// From the remote.
    Received,
}

/// What carried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// A piece of a stream.
    Tcp {
        /// Sequence number of its first byte (RFC 9293). Pieces come in any order, and more than once.
        seq: u32,
    },
    /// A datagram.
    Udp,
}

/// What a collector copied of one packet, or of several that the kernel keeps as one: the payload above TCP or UDP. Only the
/// beginnings of flows are copied; see the collector for how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// When it passed.
    pub at: BootTime,
    /// The socket it left from or was for.
    pub socket: SocketId,
    /// The owner of that socket.
    pub owner: ProcessId,
    /// Which way.
    pub way: Way,
    /// On what.
    pub transport: Transport,
    /// This end.
    pub local: SocketAddr,
    /// The other end; IPv4-mapped addresses appear as IPv4.
    pub remote: SocketAddr,
    /// The first bytes of the payload.
    pub bytes: Box<[u8]>,
    /// How long the payload was, bytes: more than `bytes` when it was cut.
    pub length: u32,
}
