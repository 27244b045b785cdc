//! One socket: who owns it, where it leads, what went through it.

use crate::{COMM_LEN, Copied};

/// Bits of [`SocketRecord::flags`].
pub mod flag {
    /// The socket existed when the collector began: counters are relative to that moment.
    pub const SEEDED: u32 = 1 << 0;
    /// Created by the kernel for itself (`sk_kern_sock`): every byte belongs to the kernel.
    pub const KERNEL: u32 = 1 << 1;
    /// This side called connect(), or sent the first datagram.
    pub const OUTGOING: u32 = 1 << 2;
    /// This side accepted, or received the first datagram.
    pub const INCOMING: u32 = 1 << 3;
    /// In state LISTEN, or was.
    pub const LISTENER: u32 = 1 << 4;
    /// A connection reached state CLOSE; `kernel` holds the counters of that moment.
    pub const CLOSED: u32 = 1 << 5;
    /// The socket is gone and its last record was handed over: nothing changes any more. In a record that is handed over
    /// without it, the connection ended and its socket begins another.
    pub const FINAL: u32 = 1 << 6;
    /// A RST came in (tracepoint tcp_receive_reset).
    pub const RESET_RECEIVED: u32 = 1 << 7;
    /// A RST went out (tracepoint tcp_send_reset).
    pub const RESET_SENT: u32 = 1 << 8;
    /// An upper-layer protocol (kTLS, MPTCP subflow, SMC) reads this TCP socket, so the truth equations do not apply.
    pub const ULP: u32 = 1 << 9;
    /// `remote` is set.
    pub const REMOTE: u32 = 1 << 10;
    /// The record stands for everything of a process that found no room in the maps.
    pub const OVERFLOW: u32 = 1 << 11;
    /// The kernel counters in `kernel` are from a `tcp_sock`.
    pub const TCP: u32 = 1 << 13;
    /// The socket is a SOCK_RAW.
    pub const RAW: u32 = 1 << 14;
    /// Left by `connect(AF_UNSPEC)`: no error, neither direction shut down.
    pub const DISCONNECTED: u32 = 1 << 15;
    /// Counted by a program that knew the socket's address and not its type: the socket's own record does not include it.
    pub const BARE: u32 = 1 << 16;
    /// No process holds the TCP socket any more: its bytes are final, its life goes on in the kernel.
    pub const RELEASED: u32 = 1 << 17;
}

/// States of [`SocketRecord::claim`]. The first datagram decides, for good.
pub mod claim {
    /// Nobody has moved a byte.
    pub const NONE: u64 = 0;
    /// `remote` is being written.
    pub const WRITING: u64 = 1;
    /// `remote` is what the counters are about.
    pub const REMOTE: u64 = 2;
    /// The counters are about datagrams whose remote is not known.
    pub const UNKNOWN: u64 = 3;
}

/// Counters of `struct tcp_sock` (include/linux/tcp.h), absolute.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpCounters {
    /// Payload bytes transmitted, retransmissions included.
    pub bytes_sent: u64,
    /// Payload bytes transmitted again.
    pub bytes_retrans: u64,
    /// Bytes received in order, the FIN counted as one.
    pub bytes_received: u64,
    /// Bytes taken out of the receive queue, the FIN not counted.
    pub consumed: u64,
    /// `bytes_acked + (write_seq - snd_una)` without a queued FIN: what was accepted from the application, plus one for the
    /// SYN of an active open.
    pub accepted: u64,
    /// `write_seq - snd_nxt` without a queued FIN: accepted, never sent.
    pub unsent: u32,
    /// Smoothed round-trip time in microseconds.
    pub srtt_us: u32,
    /// Segments received.
    pub segs_in: u32,
    /// Segments sent.
    pub segs_out: u32,
    /// Bytes in the receive queue, the FIN not counted.
    pub unread: u32,
    /// Always 0.
    pub pad: u32,
}

/// The value of the socket storage, the record that ends a socket, and what the storage iterator writes: one type.
///
/// What every call touches stands first. The kernel puts the value eight bytes into a cache line (bpf_local_storage_data,
/// include/linux/bpf_local_storage.h), so 56 bytes and then 64 are one line each.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketRecord {
    /// Always [`crate::kind::SOCKET`].
    pub kind: u32,
    /// Bits of [`flag`].
    pub flags: u32,
    /// Address of the `struct sock` these counters stand for: differs from the socket's own in a fresh clone.
    pub sk: u64,
    /// Address of the `task_struct` of a thread of the owner that made a call, and when that thread began: together they
    /// name one thread for ever, and save the next call the way over its group leader.
    pub thread: u64,
    /// `start_boottime` of that thread.
    pub thread_start: u64,
    /// SOCK_STREAM, SOCK_DGRAM, SOCK_RAW ...
    pub socket_type: u8,
    /// `sk_state`, the last one seen.
    pub state: u8,
    /// The state before CLOSE.
    pub last_state: u8,
    /// Bits of [`crate::looked`]: every packet asks here whether it is to be looked at.
    pub heads: u8,
    /// AF_INET, AF_INET6 or AF_PACKET.
    pub family: u16,
    /// Host byte order.
    pub remote_port: u16,
    /// IPv6 or IPv4-mapped, network byte order; zero when unknown.
    pub remote: [u8; 16],
    /// Sent by the owner, bytes.
    pub tx_bytes: u64,
    /// Received by the owner, bytes.
    pub rx_bytes: u64,
    /// Calls of the owner that sent bytes.
    pub tx_calls: u64,
    /// Calls of the owner that received bytes (TCP: queue entries read).
    pub rx_calls: u64,
    /// First byte moved by the owner; 0 before.
    pub first: u64,
    /// Last byte moved by the owner, in ticks (jiffies64).
    pub last_jiffies: u64,
    /// TCP payload consumed so far, as of the last look; relative counters start at `base_consumed`.
    pub consumed: u64,
    /// A state of [`crate::claim`]: which remote of an unconnected datagram socket the counters here are about.
    pub claim: u64,
    /// Start of the owner, `start_boottime`.
    pub owner_start: u64,
    /// Owner; 0 is the kernel.
    pub owner_tgid: u32,
    /// Which connection of this socket.
    pub epoch: u32,
    /// Socket cookie; 0 until it can be asked for.
    pub cookie: u64,
    /// Last change of state, in ticks.
    pub changed_jiffies: u64,
    /// Sent on this socket by other processes; their shares are in the flow map.
    pub other_tx_bytes: u64,
    /// Received on this socket by other processes.
    pub other_rx_bytes: u64,
    /// IPv6 or IPv4-mapped, network byte order.
    pub local: [u8; 16],
    /// Host byte order; 0 when there is none.
    pub local_port: u16,
    /// IPPROTO_*.
    pub protocol: u16,
    /// `sk_err` on the way to CLOSE, else 0.
    pub error: u32,
    /// Effective user id of the owner when it created the socket.
    pub uid: u32,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// The owner's `comm` when it created the socket.
    pub comm: [u8; COMM_LEN],
    /// connect() or SYN; 0 when not seen.
    pub opened: u64,
    /// Handshake complete; 0 when not seen.
    pub established: u64,
    /// Reached CLOSE, or released; 0 before.
    pub closed: u64,
    /// What user space had read of `tx_bytes` when the iterator last wrote this record.
    pub reported_tx: u64,
    /// The same of `rx_bytes`.
    pub reported_rx: u64,
    /// `consumed` when counting began.
    pub base_consumed: u64,
    /// [`TcpCounters::accepted`] when counting began; 1 for an active open, whose SYN it counts.
    pub base_accepted: u64,
    /// The kernel's own counters at CLOSE or destruction.
    pub kernel: TcpCounters,
    /// What was copied of its first bytes.
    pub copied: Copied,
}

/// Key of a final record that waits because the ring buffer was full.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketKey {
    /// Socket cookie.
    pub cookie: u64,
    /// [`SocketRecord::epoch`].
    pub epoch: u32,
    /// Always 0.
    pub pad: u32,
}

const _: () = assert!(size_of::<TcpCounters>() == 64);
const _: () = assert!(core::mem::offset_of!(SocketRecord, tx_bytes) == 56);
const _: () = assert!(core::mem::offset_of!(SocketRecord, owner_start) == 120);
const _: () = assert!(size_of::<SocketRecord>() == 352);
const _: () = assert!(size_of::<SocketKey>() == 16);
crate::pod!(TcpCounters, SocketRecord, SocketKey);
