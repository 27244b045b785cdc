//! A socket as Linux lists it: with its inode, by which processes hold it.

use std::net::SocketAddr;

use watcher_core::Protocol;

/// States whose connection waits to be accepted if no file is there: TCP_ESTABLISHED and TCP_CLOSE_WAIT (include/net/tcp_states.h).
pub(super) const OPEN: [u8; 2] = [1, 8];

/// What sock_diag(7) or /proc/net tells of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Socket {
    pub protocol: Protocol,
    pub local: SocketAddr,
    pub remote: Option<SocketAddr>,
    pub is_v6_only: bool,
    /// In the file system of sockets, which all namespaces share; 0 where no file is: not accepted yet, or closed.
    pub inode: u64,
    /// A connection whose handshake is over and that has no file: it waits to be accepted.
    pub is_waiting: bool,
}
