//! What `watcher top --json` has said so far: the parts of its objects that these tests look at (docs/json.md), and the
//! newest state of every process and connection ever mentioned.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
};

use serde::Deserialize;

/// One line.
#[derive(Debug, Clone, Deserialize)]
pub struct Object {
    /// `ebpf`
    pub backend: String,
    /// The promise.
    pub exact: bool,
    /// Sums over everything.
    pub totals: Totals,
    /// Always there.
    pub processes: Vec<Process>,
    /// With `--by connection`.
    #[serde(default)]
    pub connections: Vec<Connection>,
}

/// Sums since watcher started.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Totals {
    pub unattributed_rx_bytes: u64,
    pub unattributed_tx_bytes: u64,
    pub dropped_events: u64,
    pub connections: Lifecycles,
    pub truth: Truth,
    /// For the message when something is wrong.
    pub losses: serde_json::Value,
}

/// Connections that went through each stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Lifecycles {
    pub opened: u64,
    pub established: u64,
    pub closed: u64,
    pub failed: u64,
}

/// The truth equations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Truth {
    pub sockets_checked: u64,
    pub sockets_unbalanced: u64,
    pub excess_rx_bytes: u64,
    pub excess_tx_bytes: u64,
}

/// One process.
#[derive(Debug, Clone, Deserialize)]
pub struct Process {
    pub pid: u32,
    pub start_time: String,
    pub name: String,
    #[serde(default)]
    pub application: Option<String>,
    #[serde(default)]
    pub application_rule: Option<String>,
    #[serde(default)]
    pub application_evidence: Option<String>,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    #[serde(default)]
    pub packet_rx_bytes: u64,
    #[serde(default)]
    pub packet_tx_bytes: u64,
    pub exited: bool,
}

/// One flow.
#[derive(Debug, Clone, Deserialize)]
pub struct Connection {
    pub pid: u32,
    pub protocol: String,
    pub local: String,
    #[serde(default)]
    pub remote: Option<String>,
    #[serde(default)]
    pub remote_name: Option<String>,
    #[serde(default)]
    pub name_source: Option<String>,
    #[serde(default)]
    pub direction: Option<String>,
    #[serde(default)]
    pub loopback: bool,
    #[serde(default)]
    pub seeded: bool,
    #[serde(default)]
    pub established: Option<serde_json::Value>,
    #[serde(default)]
    pub closed: Option<serde_json::Value>,
    #[serde(default)]
    pub reason: Option<String>,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub cookie: u64,
    pub epoch: u32,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub bytes_retrans: Option<u64>,
    #[serde(default)]
    pub expected_rx_bytes: Option<u64>,
    #[serde(default)]
    pub expected_tx_bytes: Option<u64>,
    #[serde(default)]
    pub counted_rx_bytes: Option<u64>,
    #[serde(default)]
    pub counted_tx_bytes: Option<u64>,
    /// Which object mentioned it first.
    #[serde(skip)]
    pub since: u64,
}

impl Connection {
    /// Whether the kernel's counters of this socket and the calls on it agree, where both are known.
    pub fn balances(&self) -> bool {
        self.expected_rx_bytes == self.counted_rx_bytes && self.expected_tx_bytes == self.counted_tx_bytes
    }

    /// This end, if it is an address and port.
    pub fn local(&self) -> Option<SocketAddr> {
        self.local.parse().ok()
    }

    /// The other end.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.remote.as_ref()?.parse().ok()
    }
}

/// Everything said so far.
#[derive(Debug, Default)]
pub struct State {
    /// How many objects were read.
    pub objects: u64,
    /// The newest totals.
    pub totals: Totals,
    /// Newest row of each pid, of the process that had it last.
    pub processes: HashMap<u32, Process>,
    /// What became of each process that has ended: pid, start, and bytes sent and received.
    pub ended_processes: BTreeSet<(u32, String, u64, u64)>,
    /// Newest row of each flow, listed still or not.
    pub connections: HashMap<(u32, u64, u32, Option<String>), Connection>,
    /// Whether every object so far said `exact`.
    pub inexact_objects: u64,
    /// Why nothing more comes.
    pub ended: Option<String>,
}

impl State {
    /// Takes in one object.
    pub fn apply(&mut self, object: Object) {
        self.objects += 1;
        self.inexact_objects += u64::from(!object.exact || object.backend != "ebpf");
        self.totals = object.totals;
        for p in object.processes {
            if p.exited {
                self.ended_processes.insert((p.pid, p.start_time.clone(), p.tx_bytes, p.rx_bytes));
            }
            let known = self.processes.get(&p.pid);
            // RFC 3339 in UTC sorts as text.
            if known.is_none_or(|known| known.start_time <= p.start_time) {
                self.processes.insert(p.pid, p);
            }
        }
        for mut c in object.connections {
            let key = (c.pid, c.cookie, c.epoch, c.remote.clone());
            c.since = self.connections.get(&key).map_or(self.objects, |c| c.since);
            self.connections.insert(key, c);
        }
    }

    /// Every flow of one process.
    pub fn connections_of(&self, pid: u32) -> impl Iterator<Item = &Connection> {
        self.connections.values().filter(move |c| c.pid == pid)
    }
}
