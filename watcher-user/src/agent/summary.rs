//! The short report: what `summary.json` holds, and what `watcher summary` shows of it.

use std::{cmp::Reverse, collections::HashMap, io, path::Path, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use watcher_core::{FlowRow, ProcessId, Scope, Snapshot, names::NameSource, rollup::Rollup};

use crate::whole;

/// Flows in a summary.
const FLOWS: usize = 20;

/// Everything since the daemon began, in short. Fields may be added, never renamed; lists are never null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The daemon's process.
    pub pid: u32,
    /// Whether it ran when this was written: false in the last one.
    pub running: bool,
    /// When it began to count.
    pub started_at: Timestamp,
    /// When this was written.
    pub updated_at: Timestamp,
    /// The machine, sums, and the heaviest processes, remotes and groups of connections since it began: a rollup of its
    /// whole life, of which nothing is withheld since it stays here.
    pub since_start: Rollup,
    /// The flows that moved most, of those that are open or ended a moment ago.
    pub flows: Vec<Flow>,
}

/// One flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Its process.
    pub pid: u32,
    /// The process's name.
    pub process_name: String,
    /// `tcp`, `udp` …
    pub protocol: String,
    /// Address and port, where they are known.
    pub remote: Option<String>,
    /// The remote's name, where one is known.
    #[serde(default)]
    pub remote_name: Option<String>,
    /// Where the name comes from.
    #[serde(default)]
    pub name_source: Option<NameSource>,
    /// `HTTPS`, `HTTP/3`, `SSH` …: what the flow showed, where it did.
    #[serde(default)]
    pub application_protocol: Option<String>,
    /// Received, bytes.
    pub rx_bytes: u64,
    /// Sent, bytes.
    pub tx_bytes: u64,
    /// How long it has lasted, or did; absent when its beginning was not seen.
    pub seconds: Option<f64>,
    /// It has not ended.
    pub open: bool,
}

/// The heaviest flows of a snapshot, those within the host too if so asked.
#[must_use]
pub fn heaviest(snapshot: &Snapshot, loopback: bool) -> Vec<Flow> {
    let names: HashMap<ProcessId, &str> =
        snapshot.processes.iter().map(|row| (row.id, row.info.name.as_str())).collect();
    let is_listed = |scope| scope == Scope::Network || (loopback && scope == Scope::Loopback);
    let mut rows: Vec<&FlowRow> = snapshot.flows.iter().filter(|row| is_listed(row.sample.scope)).collect();
    rows.sort_by_key(|row| Reverse((row.traffic.rx_bytes + row.traffic.tx_bytes, row.sample.id)));
    let flow = |row: &&FlowRow| Flow {
        pid: row.sample.id.process.tgid,
        process_name: names.get(&row.sample.id.process).copied().unwrap_or("").to_owned(),
        protocol: crate::wording::protocol(row.sample.socket.protocol).into(),
        remote: row.remote().map(|remote| remote.to_string()),
        remote_name: row.known.name.as_ref().map(|name| name.domain().to_owned()),
        name_source: row.known.name.as_ref().map(|name| name.source()),
        application_protocol: row.known.protocol_name().map(str::to_owned),
        rx_bytes: row.traffic.rx_bytes,
        tx_bytes: row.traffic.tx_bytes,
        seconds: crate::top::age(row, snapshot.at).map(|age| age.as_secs_f64()),
        open: !matches!(row.sample.state, watcher_core::FlowState::Closed { .. }),
    };
    rows.iter().take(FLOWS).map(flow).collect()
}

/// The file of a state directory.
pub const FILE: &str = "summary.json";

impl Summary {
    /// Reads the file of a state directory; `None` when there is none.
    ///
    /// # Errors
    /// It cannot be read, or is not a summary.
    pub fn read(state: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(state.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// The directory is full or may not be written.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        whole::write(&state.join(FILE), watcher_core::json::to_string_pretty(self)?.as_bytes())
    }

    /// How long the daemon has run, or did.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        Duration::try_from(self.updated_at.duration_since(self.started_at)).unwrap_or(Duration::ZERO)
    }
}
