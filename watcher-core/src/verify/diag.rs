//! One TCP socket as the kernel lists it (sock_diag(7), `struct tcp_info`).

/// TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSING (include/net/tcp_states.h).
const CONNECTED: [u8; 6] = [1, 4, 5, 8, 9, 11];
/// This side has queued its FIN.
const FIN_QUEUED: [u8; 4] = [4, 5, 9, 11];
/// The other side's FIN has come.
const FIN_CAME: [u8; 3] = [8, 9, 11];

/// Absolute counters of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Diag {
    /// `sk_state`.
    pub state: u8,
    /// Inode of its file; 0 when no process has it any more.
    pub inode: u64,
    /// An upper-layer protocol (kTLS, MPTCP) uses it.
    pub has_ulp: bool,
    /// `tcpi_bytes_acked`: with the SYN of an active open, and the FIN.
    pub bytes_acked: u64,
    /// `tcpi_bytes_received`: in order, with the FIN.
    pub bytes_received: u64,
    /// `tcpi_bytes_sent`: payload, with what was sent again.
    pub bytes_sent: u64,
    /// `tcpi_bytes_retrans`.
    pub bytes_retrans: u64,
    /// `write_seq - snd_nxt`.
    pub unsent: u32,
    /// `write_seq - snd_una`.
    pub unacked: u32,
    /// `rcv_nxt - copied_seq`, with a FIN that was not eaten.
    pub unread: u32,
}

impl Diag {
    /// Whether its counters are about a connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        CONNECTED.contains(&self.state)
    }

    /// Bytes that the kernel took from sending calls. `active`: this side connected, and its SYN is among the acknowledged.
    #[must_use]
    pub fn accepted(&self, active: bool) -> u64 {
        let fin = u64::from(FIN_QUEUED.contains(&self.state));
        (self.bytes_acked + u64::from(self.unacked)).saturating_sub(u64::from(active) + fin)
    }

    /// Bytes that were taken out of the receive queue. A FIN is the last in the queue: an empty one has it eaten.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        let eaten = u64::from(FIN_CAME.contains(&self.state) && self.unread == 0);
        self.bytes_received.saturating_sub(u64::from(self.unread) + eaten)
    }

    /// Payload that came in, in order.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.bytes_received.saturating_sub(u64::from(FIN_CAME.contains(&self.state)))
    }
}
