//! Totals from zero: what is subtracted from what is shown. Counting never knows of it.

use std::{collections::HashMap, net::IpAddr};

use watcher_core::{AppRow, BootTime, FlowId, FlowRow, PerScope, ProcessId, ProcessRow, RemoteRow, Snapshot, Traffic};

/// The totals of one moment, or of the beginning, where all are zero.
#[derive(Debug, Clone, Default)]
pub struct Zero {
    /// When; `None` for the beginning.
    pub at: Option<BootTime>,
    totals: PerScope<Traffic>,
    processes: HashMap<ProcessId, PerScope<Traffic>>,
    flows: HashMap<FlowId, Traffic>,
    remotes: HashMap<Option<IpAddr>, PerScope<Traffic>>,
    apps: HashMap<String, PerScope<Traffic>>,
}

impl Zero {
    /// From now on only what comes after `snapshot` shows.
    #[must_use]
    pub fn at(snapshot: &Snapshot) -> Self {
        Self {
            at: Some(snapshot.at),
            totals: snapshot.totals.traffic,
            processes: snapshot.processes.iter().map(|row| (row.id, row.traffic)).collect(),
            flows: snapshot.flows.iter().map(|row| (row.id(), row.traffic)).collect(),
            remotes: snapshot.remotes.iter().map(|row| (row.address, row.traffic)).collect(),
            apps: snapshot.apps.iter().map(|row| (row.name.clone(), row.traffic)).collect(),
        }
    }
    /// Everything.
    #[must_use]
    pub fn totals(&self, snapshot: &Snapshot) -> PerScope<Traffic> {
        since(snapshot.totals.traffic, Some(&self.totals))
    }
    /// A process.
    #[must_use]
    pub fn process(&self, row: &ProcessRow) -> PerScope<Traffic> {
        since(row.traffic, self.processes.get(&row.id))
    }
    /// A flow.
    #[must_use]
    pub fn flow(&self, row: &FlowRow) -> Traffic {
        self.flows.get(&row.id()).map_or(row.traffic, |before| less(row.traffic, before))
    }
    /// A remote.
    #[must_use]
    pub fn remote(&self, row: &RemoteRow) -> PerScope<Traffic> {
        since(row.traffic, self.remotes.get(&row.address))
    }
    /// An application.
    #[must_use]
    pub fn app(&self, row: &AppRow) -> PerScope<Traffic> {
        since(row.traffic, self.apps.get(&row.name))
    }
}

fn since(now: PerScope<Traffic>, before: Option<&PerScope<Traffic>>) -> PerScope<Traffic> {
    let Some(before) = before else { return now };
    PerScope {
        network: less(now.network, &before.network),
        loopback: less(now.loopback, &before.loopback),
        packet: less(now.packet, &before.packet),
    }
}

/// Bytes since; rates stay as they are.
fn less(now: Traffic, before: &Traffic) -> Traffic {
    Traffic {
        rx_bytes: now.rx_bytes.saturating_sub(before.rx_bytes),
        tx_bytes: now.tx_bytes.saturating_sub(before.tx_bytes),
        ..now
    }
}
