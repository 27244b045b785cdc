//! Totals from zero: what is subtracted from what is shown. Counting never knows of it.

use std::collections::HashMap;

use watcher_core::{
    AppRow, BootTime, FlowId, FlowRow, PerScope, ProcessId, ProcessRow, RemoteId, RemoteRow, Snapshot, Traffic,
};

/// The totals of one moment, or of the beginning, where all are zero.
#[derive(Debug, Clone, Default)]
pub struct Zero {
    /// When; `None` for the beginning.
    pub at: Option<BootTime>,
    totals: PerScope<Traffic>,
    processes: HashMap<ProcessId, Before>,
    flows: HashMap<FlowId, Traffic>,
    remotes: HashMap<RemoteId, PerScope<Traffic>>,
    apps: HashMap<String, PerScope<Traffic>>,
}

/// What a process moved before, and under whom it was.
#[derive(Debug, Clone, Copy)]
struct Before {
    own: PerScope<Traffic>,
    ended_descendants: PerScope<Traffic>,
    parent: Option<ProcessId>,
}

/// Bytes of ended descendants that have aged out, for a tree.
#[derive(Debug)]
pub struct Ended(HashMap<ProcessId, PerScope<Traffic>>);

impl Ended {
    /// Those below `row`.
    #[must_use]
    pub fn of(&self, row: &ProcessRow) -> PerScope<Traffic> {
        since(row.ended_descendants, self.0.get(&row.id))
    }
}

impl Zero {
    /// From now on only what comes after `snapshot` shows.
    #[must_use]
    pub fn at(snapshot: &Snapshot) -> Self {
        Self {
            at: Some(snapshot.at),
            totals: snapshot.totals.traffic,
            processes: snapshot.processes.iter().chain(&snapshot.ancestors).map(|row| (row.id, before(row))).collect(),
            flows: snapshot.flows.iter().map(|row| (row.id(), row.traffic)).collect(),
            remotes: snapshot.remotes.iter().map(|row| (row.id(), row.traffic)).collect(),
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
        since(row.traffic, self.processes.get(&row.id).map(|before| &before.own))
    }
    /// Ended descendants. What a process had moved before goes up the tree with it when it ages out.
    #[must_use]
    pub fn ended(&self, snapshot: &Snapshot) -> Ended {
        let mut ended = HashMap::new();
        for (id, before) in &self.processes {
            let (mut at, mut sum) = (*id, before.ended_descendants);
            // Bounded, should parents ever form a cycle.
            for _ in 0..self.processes.len() {
                if snapshot.process(at).is_some() {
                    let all = ended.entry(at).or_insert_with(PerScope::default);
                    *all = *all + sum;
                    break;
                }
                if at == *id {
                    sum = sum + before.own;
                }
                let Some(parent) = self.processes.get(&at).and_then(|before| before.parent) else { break };
                at = parent;
            }
        }
        Ended(ended)
    }
    /// A flow.
    #[must_use]
    pub fn flow(&self, row: &FlowRow) -> Traffic {
        self.flows.get(&row.id()).map_or(row.traffic, |before| less(row.traffic, before))
    }
    /// A remote.
    #[must_use]
    pub fn remote(&self, row: &RemoteRow) -> PerScope<Traffic> {
        since(row.traffic, self.remotes.get(&row.id()))
    }
    /// An application.
    #[must_use]
    pub fn app(&self, row: &AppRow) -> PerScope<Traffic> {
        since(row.traffic, self.apps.get(&row.name))
    }
}

fn before(row: &ProcessRow) -> Before {
    Before { own: row.traffic, ended_descendants: row.ended_descendants, parent: row.info.parent }
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
