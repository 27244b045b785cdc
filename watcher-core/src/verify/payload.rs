//! What calls moved, added up.

use std::net::SocketAddr;

use serde::Serialize;

use crate::{Truth, interfaces::Bytes};

/// Calls that moved bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Calls {
    /// Received.
    pub rx: u64,
    /// Sent.
    pub tx: u64,
}

/// What processes moved in one network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Payload {
    /// By TCP.
    pub tcp: Bytes,
    /// By UDP and UDP-Lite.
    pub udp: Bytes,
    /// By those, in this many calls.
    pub udp_calls: Calls,
    /// By raw, ICMP, SCTP and MPTCP sockets, and what had no room by socket.
    pub other: Bytes,
    /// `tcp_sock.bytes_sent` of the checked TCP sockets that ended, and what calls sent on those that cannot be checked.
    pub ended_sent: u64,
    /// `tcp_sock.bytes_retrans` of the same.
    pub ended_retrans: u64,
    /// `tcp_sock.bytes_received`, each FIN counted as one.
    pub ended_received: u64,
    /// TCP sockets that ended and could be checked.
    pub ended: u64,
    /// TCP sockets that ended and could not be: the kernel's figures of these are not known.
    pub unchecked: u64,
}

impl Payload {
    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        let mut sum = self.tcp;
        sum.add(self.udp);
        sum.add(self.other);
        sum
    }
}

/// What processes of one name moved in one network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Program {
    /// The namespace's inode number.
    pub netns: u32,
    /// The name.
    pub name: String,
    /// IP payload.
    #[serde(flatten)]
    pub bytes: Bytes,
}

/// TCP sockets that ended in the time.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Ended {
    /// What the truth equations say of those that could be checked.
    pub truth: Truth,
    /// By the kernel, over all checked: what sending and receiving calls must add up to.
    pub kernel: Bytes,
    /// What they do add up to.
    pub calls: Bytes,
    /// Sockets older than the counting: their first byte went unseen.
    pub older: u64,
    /// What calls moved on those.
    pub older_bytes: Bytes,
    /// Sockets that the kernel reads or writes itself (kTLS).
    pub ulp: u64,
    /// What calls moved on those.
    pub ulp_bytes: Bytes,
    /// Those that did not balance, the first ones.
    pub unbalanced: Vec<Culprit>,
}

/// A TCP socket that did not balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Culprit {
    /// Its owner.
    pub pid: u32,
    /// The owner's name.
    pub name: String,
    /// Here.
    pub local: SocketAddr,
    /// There.
    pub remote: Option<SocketAddr>,
    /// The kernel's figure.
    pub kernel: Bytes,
    /// The calls'.
    pub calls: Bytes,
}
