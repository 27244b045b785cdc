//! What an actor says about itself, one JSON line each on its standard output.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One line of an actor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// Something that the test waits for: an address, a descriptor, "ready".
    Announcement {
        /// What.
        announce: String,
    },
    /// The count of one process, said once, at its end.
    Report(Report),
}

/// What one process counted of its own calls.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// In the initial pid namespace.
    pub pid: u32,
    /// Bytes that sending calls returned.
    pub tx: u64,
    /// Bytes taken out of receive queues.
    pub rx: u64,
    /// The same for AF_PACKET frames.
    #[serde(default)]
    pub packet_tx: u64,
    /// The same for AF_PACKET frames.
    #[serde(default)]
    pub packet_rx: u64,
    /// Per conversation, where the actor knows them. Every one of them must be a row of watcher's.
    #[serde(default)]
    pub flows: Vec<Flow>,
    /// What only one test cares about.
    #[serde(default)]
    pub extra: Map<String, Value>,
}

impl Report {
    /// A number that the actor noted, 0 if it did not.
    pub fn number(&self, key: &str) -> u64 {
        self.extra.get(key).and_then(Value::as_u64).unwrap_or(0)
    }

    /// What was counted since the pause of an actor that has one conversation and paused in it.
    pub fn since_pause(&self) -> Self {
        self.without(self.number("tx_before"), self.number("rx_before"))
    }

    /// The same without what the only conversation had moved at some moment.
    pub fn without(&self, tx: u64, rx: u64) -> Self {
        let (tx, rx) = (self.tx - tx, self.rx - rx);
        let mut flows = self.flows.clone();
        for f in &mut flows {
            (f.tx, f.rx) = (tx, rx);
        }
        Self { tx, rx, flows, ..self.clone() }
    }
}

/// What one process counted of one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// `tcp`, `udp`, …
    pub protocol: String,
    /// This end, IPv4-mapped addresses as IPv4.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// Bytes that sending calls returned.
    pub tx: u64,
    /// Bytes taken out of the receive queue.
    pub rx: u64,
}

/// IPv4-mapped addresses as IPv4: that is how watcher shows them.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
