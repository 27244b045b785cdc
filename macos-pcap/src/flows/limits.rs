//! How much a table may hold, and how long silence may last.

use std::time::Duration;

/// What a table may hold, and for how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Flows, ended ones that linger among them.
    pub flows: usize,
    /// How long a datagram flow may be silent before it is over.
    pub datagrams_idle: Duration,
    /// How long a connect may go unanswered. Linux gives up after 127 s, macOS after 75 s.
    pub handshake: Duration,
    /// How long an open connection may be silent. Keep-alives of most systems come every two hours.
    pub connection_idle: Duration,
    /// How long after both FINs the last acknowledgement may be missing.
    pub closing: Duration,
    /// How long an ended connection is remembered, so that late segments are not taken for a new one.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 65_536,
            datagrams_idle: Duration::from_secs(120),
            handshake: Duration::from_secs(130),
            connection_idle: Duration::from_secs(2 * 3600 + 600),
            closing: Duration::from_secs(60),
            linger: Duration::from_secs(10),
        }
    }
}
