//! Which rows of a snapshot are shown, and in which order. One place for tables and JSON.

use std::collections::HashSet;

use watcher_core::{AppRow, FlowRow, PerScope, ProcessId, ProcessRow, RemoteRow, Scope, Snapshot, Traffic};

use crate::{
    by::By,
    cli::Rows,
    sort::{self, Key, Sight},
    users::Users,
};

/// The rows to show. Processes are always chosen, the others only when asked for.
#[derive(Debug, Default)]
pub struct Selected<'a> {
    /// Processes.
    pub processes: Vec<&'a ProcessRow>,
    /// Connections, with the names of their processes.
    pub flows: Vec<(&'a FlowRow, &'a str)>,
    /// Remotes.
    pub remotes: Vec<&'a RemoteRow>,
    /// Applications.
    pub apps: Vec<&'a AppRow>,
}

/// Chooses, sorts, cuts off.
#[must_use]
pub fn select<'a>(snapshot: &'a Snapshot, rows: &Rows, users: &Users) -> Selected<'a> {
    let sight = Sight { include_loopback: rows.include_loopback, now: snapshot.at, users };
    let choice = Choice::new(snapshot, rows, users);
    let key = |by: By| if rows.by == by { rows.sort } else { Key::default() };
    let mut selected = Selected {
        processes: snapshot.processes.iter().filter(|row| choice.process(row)).collect(),
        ..Selected::default()
    };
    sort::sort(&mut selected.processes, key(By::Process), &sight);
    match rows.by {
        By::Process => {}
        By::App => {
            selected.apps = snapshot.apps.iter().filter(|row| choice.app(row, &selected.processes)).collect();
            sort::sort(&mut selected.apps, key(By::App), &sight);
        }
        By::Connection => {
            let named = snapshot.flows.iter().filter(|row| choice.flow(row)).map(|row| (row, name(snapshot, row)));
            selected.flows = named.collect();
            sort::sort(&mut selected.flows, key(By::Connection), &sight);
        }
        By::Remote => {
            selected.remotes = choice.remotes();
            sort::sort(&mut selected.remotes, key(By::Remote), &sight);
        }
    }
    let limit = rows.limit.unwrap_or(usize::MAX);
    selected.processes.truncate(limit);
    selected.flows.truncate(limit);
    selected.remotes.truncate(limit);
    selected.apps.truncate(limit);
    selected
}

fn name<'a>(snapshot: &'a Snapshot, row: &FlowRow) -> &'a str {
    snapshot.process(row.sample.id.process).map_or("", |process| &process.info.name)
}

/// The conditions on one snapshot.
struct Choice<'a, 'r> {
    snapshot: &'a Snapshot,
    rows: &'r Rows,
    /// Whether every process and remote passes.
    all: bool,
    /// Processes that pass by themselves.
    named: HashSet<ProcessId>,
    /// Processes that pass by themselves or by a connection.
    processes: HashSet<ProcessId>,
}

impl<'a, 'r> Choice<'a, 'r> {
    fn new(snapshot: &'a Snapshot, rows: &'r Rows, users: &Users) -> Self {
        let all = rows.filter.is_empty() && rows.pids.is_empty();
        let mut choice = Self { snapshot, rows, all, named: HashSet::new(), processes: HashSet::new() };
        if all {
            return choice;
        }
        let passes =
            |row: &&ProcessRow| choice.has_pid(row.id) && rows.filter.matches_process(row, &users.name(row.info.uid));
        choice.named = snapshot.processes.iter().filter(passes).map(|row| row.id).collect();
        let by_flow = snapshot.flows.iter().filter(|row| choice.flow(row)).map(|row| row.sample.id.process);
        choice.processes = by_flow.chain(choice.named.iter().copied()).collect();
        choice
    }

    fn has_pid(&self, id: ProcessId) -> bool {
        self.rows.pids.is_empty() || self.rows.pids.contains(&id.tgid)
    }

    fn process(&self, row: &ProcessRow) -> bool {
        let seen = self.is_seen(row.traffic, row.connections.loopback > 0, row.connections.ip(false) > 0);
        seen && (self.all || self.processes.contains(&row.id))
    }

    fn flow(&self, row: &FlowRow) -> bool {
        let id = row.sample.id.process;
        let seen = self.rows.include_loopback || row.sample.scope != Scope::Loopback;
        let passes = || self.named.contains(&id) || (self.has_pid(id) && self.rows.filter.matches_flow(row));
        seen && (self.all || passes())
    }

    /// An application passes when one of its processes does, or by its name.
    fn app(&self, row: &AppRow, processes: &[&ProcessRow]) -> bool {
        let seen = self.is_seen(row.traffic, row.connections.loopback > 0, row.connections.ip(false) > 0);
        let by_name = || self.rows.pids.is_empty() && self.rows.filter.matches(&row.name);
        seen && (self.all || by_name() || processes.iter().any(|process| process.info.name == row.name))
    }

    /// A remote passes when one of its connections does, or by its address.
    fn remotes(&self) -> Vec<&'a RemoteRow> {
        let by_flow: HashSet<_> = if self.all {
            HashSet::new()
        } else {
            let flows = self.snapshot.flows.iter().filter(|row| self.flow(row));
            flows.map(|row| row.remote().map(|remote| remote.ip().to_canonical())).collect()
        };
        let passes = |row: &&RemoteRow| {
            let is_local = row.address.is_some_and(|address| address.is_loopback());
            let by_address = || {
                self.rows.pids.is_empty()
                    && row.address.is_some_and(|address| self.rows.filter.matches_address(address))
            };
            self.is_seen(row.traffic, is_local, false) && (self.all || by_flow.contains(&row.address) || by_address())
        };
        self.snapshot.remotes.iter().filter(passes).collect()
    }

    /// What has only to do with loopback is seen only when loopback is.
    fn is_seen(&self, traffic: PerScope<Traffic>, has_loopback: bool, has_network: bool) -> bool {
        let moved = |t: Traffic| t.rx_bytes + t.tx_bytes > 0;
        let is_local = has_loopback || moved(traffic.loopback);
        self.rows.include_loopback || !is_local || has_network || moved(traffic.network) || moved(traffic.packet)
    }
}
