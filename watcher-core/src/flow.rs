//! What: flows, their counters, their life.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::{BootTime, ProcessId};

/// One conversation of one kernel socket: the socket cookie, and the epoch that counts `connect(AF_UNSPEC)` reuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SocketId {
    /// `sock_gen_cookie()`: unique for the uptime of the machine, unordered.
    pub cookie: u64,
    /// Which connection of that socket, from 0.
    pub epoch: u32,
}

/// The key of every counter: which process, on which socket, with which remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FlowId {
    /// The socket.
    pub socket: SocketId,
    /// The process that made the calls.
    pub process: ProcessId,
    /// `None` where the socket itself determines the remote (TCP, connected datagrams) or where none is known.
    /// An unconnected datagram socket has one flow per remote.
    pub remote: Option<SocketAddr>,
}

/// The protocol of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// IPPROTO_TCP.
    Tcp,
    /// IPPROTO_UDP (and UDP-Lite).
    Udp,
    /// ICMP or ICMPv6, through a raw or a ping socket.
    Icmp,
    /// IPPROTO_SCTP.
    Sctp,
    /// IPPROTO_MPTCP: the stream that the application sees; its subflows are not flows.
    Mptcp,
    /// A raw IP socket of another protocol number.
    Raw(u8),
    /// AF_PACKET: link-layer frames.
    Packet,
    /// Another transport by its number.
    Other(u16),
}

/// Who began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Direction {
    /// Not known: the socket is older than the collector, or has no such notion.
    #[default]
    Unknown,
    /// This side connected, or sent first.
    Outgoing,
    /// This side accepted, or received first.
    Incoming,
}

/// Which sum a byte belongs to. Views hide loopback unless asked; link-layer bytes never mix with IP payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// To or from another host or network namespace.
    Network,
    /// Both ends on this host.
    Loopback,
    /// AF_PACKET frames.
    Packet,
}

/// The TCP states that a live flow can be in (include/net/tcp_states.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are RFC 9293's")]
pub enum TcpState {
    Established,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
}

/// Why a flow ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CloseReason {
    /// Both sides sent FIN, or the local side closed and the kernel finished alone.
    Fin,
    /// The peer sent RST.
    ResetByPeer,
    /// This side sent RST (close with unread data, SO_LINGER 0, abort).
    ResetLocally,
    /// The connect was answered with RST.
    Refused,
    /// No answer in time, to the connect or to data.
    TimedOut,
    /// An ICMP or routing error ended it (the errno says which).
    Unreachable,
    /// `connect(AF_UNSPEC)` or another local disconnect.
    Disconnected,
    /// Another errno from sk_err.
    Error(u16),
    /// A socket without connections was closed by its last owner.
    Released,
}

/// Where a flow is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowState {
    /// A connection in this TCP state.
    Tcp(TcpState),
    /// A socket without connections, in use.
    Open,
    /// Over: nothing will be added to its counters.
    Closed {
        /// Why.
        reason: CloseReason,
        /// When.
        at: BootTime,
    },
}

/// Absolute counters of one flow. They only grow; reading one twice does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Payload bytes that sending calls reported as accepted.
    pub tx_bytes: u64,
    /// Payload bytes that the process took out of the receive queue.
    pub rx_bytes: u64,
    /// Sending calls that moved bytes.
    pub tx_calls: u64,
    /// Receiving calls that moved bytes.
    pub rx_calls: u64,
    /// First byte; `None` before it.
    pub first: Option<BootTime>,
    /// Last byte.
    pub last: Option<BootTime>,
}

/// What every flow of a socket shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketInfo {
    /// The protocol.
    pub protocol: Protocol,
    /// Local address and port; port 0 where the protocol has none.
    pub local: SocketAddr,
    /// Remote address and port; `None` where none is known. IPv4-mapped addresses appear as IPv4.
    pub remote: Option<SocketAddr>,
    /// Who began.
    pub direction: Direction,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// Older than the collector: its counters began when it was first seen.
    pub seeded: bool,
    /// The process that created the socket, or inherited it from the listener.
    pub owner: ProcessId,
    /// connect() called or SYN received.
    pub opened: Option<BootTime>,
    /// Handshake complete.
    pub established: Option<BootTime>,
}

impl SocketInfo {
    /// Whether both ends are this host, judged by the addresses alone.
    #[must_use]
    pub fn is_loopback(&self, remote: Option<SocketAddr>) -> bool {
        let Some(remote) = remote.or(self.remote) else { return self.local.ip().to_canonical().is_loopback() };
        let remote = remote.ip().to_canonical();
        remote.is_loopback() || (remote == self.local.ip().to_canonical() && !is_unspecified(remote))
    }
}

fn is_unspecified(ip: IpAddr) -> bool {
    ip.is_unspecified()
}

/// The kernel's own counters of a TCP socket at its end, relative to when the collector began with it, and what the
/// calls of all processes on that socket add up to. The truth equations of ARCHITECTURE.md compare the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KernelCounters {
    /// `tcp_sock.bytes_sent`.
    pub bytes_sent: u64,
    /// `tcp_sock.bytes_retrans`.
    pub bytes_retrans: u64,
    /// `tcp_sock.bytes_received` (counts the FIN as one).
    pub bytes_received: u64,
    /// Smoothed round-trip time, microseconds; 0 when never measured.
    pub srtt_us: u32,
    /// `tcp_sock.segs_in`.
    pub segs_in: u32,
    /// `tcp_sock.segs_out`.
    pub segs_out: u32,
    /// Bytes accepted from the application and never sent.
    pub unsent_bytes: u64,
    /// Bytes received in order and never read.
    pub unread_bytes: u64,
    /// What sending calls must add up to.
    pub expected_tx: u64,
    /// What receiving calls must add up to.
    pub expected_rx: u64,
    /// What they do add up to, over all processes.
    pub counted_tx: u64,
    /// What they do add up to, over all processes.
    pub counted_rx: u64,
}

/// Bytes and packets of a flow at the IP layer: headers, retransmissions and bare acknowledgements included. Absolute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wire {
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets sent: those that an interface is to cut count once.
    pub tx_packets: u64,
    /// Packets received.
    pub rx_packets: u64,
}

/// One observation of one flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowSample {
    /// Whose, on what, with whom.
    pub id: FlowId,
    /// The socket.
    pub socket: SocketInfo,
    /// Which sum it belongs to. The collector decides: it knows the host's addresses.
    pub scope: Scope,
    /// Absolute counters.
    pub counters: Counters,
    /// Where it is in its life.
    pub state: FlowState,
    /// Only on the record that ends a TCP connection, and once per [`SocketId`].
    pub kernel: Option<KernelCounters>,
    /// What its payload took on the wire: of collectors that see packets.
    pub wire: Option<Box<Wire>>,
}
