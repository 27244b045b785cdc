//! Counters outside the socket storage: other processes on a socket, remotes of an unconnected one, sockets without storage.

use crate::COMM_LEN;

/// Which process, on which socket, with which remote.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Socket cookie.
    pub cookie: u64,
    /// `start_boottime` of the process.
    pub start: u64,
    /// The process; 0 is the kernel.
    pub tgid: u32,
    /// [`crate::SocketRecord::epoch`], or [`BARE_EPOCH`].
    pub epoch: u32,
    /// IPv6 or IPv4-mapped; zero where the socket determines the remote or none is known.
    pub remote: [u8; 16],
    /// Host byte order.
    pub remote_port: u16,
    /// Always 0.
    pub pad: [u16; 3],
}

/// The epoch of what was counted without the socket's record ([`crate::flag::BARE`]), which alone knows the real one.
pub const BARE_EPOCH: u32 = u32::MAX;

/// Counters of one flow in the flow map, with what is needed to show it without its socket.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowCounters {
    /// Sent, bytes.
    pub tx_bytes: u64,
    /// Received, bytes.
    pub rx_bytes: u64,
    /// Sending calls that moved bytes.
    pub tx_calls: u64,
    /// Receiving calls that moved bytes.
    pub rx_calls: u64,
    /// First byte.
    pub first: u64,
    /// Last byte, in ticks (jiffies64).
    pub last_jiffies: u64,
    /// Owner of the socket, where it is known: its start.
    pub owner_start: u64,
    /// Owner of the socket, where it is known.
    pub owner_tgid: u32,
    /// Bits of [`crate::flag`].
    pub flags: u32,
    /// User id of the caller.
    pub uid: u32,
    /// Inode number of the network namespace.
    pub netns: u32,
    /// `comm` of the caller.
    pub comm: [u8; COMM_LEN],
    /// AF_INET, AF_INET6 or AF_PACKET.
    pub family: u16,
    /// IPPROTO_*.
    pub protocol: u16,
    /// Host byte order.
    pub local_port: u16,
    /// Host byte order.
    pub remote_port: u16,
    /// IPv6 or IPv4-mapped.
    pub local: [u8; 16],
    /// IPv6 or IPv4-mapped; zero when unknown.
    pub remote: [u8; 16],
}

/// Key of the per-process overflow entries.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OverflowKey {
    /// `start_boottime` of the process.
    pub start: u64,
    /// The process.
    pub tgid: u32,
    /// Always 0.
    pub pad: u32,
}

const _: () = assert!(size_of::<FlowKey>() == 48);
const _: () = assert!(size_of::<FlowCounters>() == 128);
const _: () = assert!(size_of::<OverflowKey>() == 16);
crate::pod!(FlowKey, FlowCounters, OverflowKey);
