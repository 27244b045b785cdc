//! Which rows of a snapshot are shown. One place for the screen, tables and JSON.

use std::collections::{HashMap, HashSet};

use watcher_core::{AppRow, FlowRow, PerScope, ProcessId, ProcessRow, RemoteId, RemoteRow, Scope, Snapshot, Traffic};

use crate::{cli::Rows, filter::Filter, services::Services, users::Users};

/// What a row has to meet.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'r> {
    /// On everything that it shows.
    pub filter: &'r Filter,
    /// Only these processes; empty for all.
    pub pids: &'r [u32],
    /// Only processes of this user.
    pub user: Option<u32>,
    /// Whether loopback is shown.
    pub include_loopback: bool,
    /// Names of users, as they are shown.
    pub users: &'r Users,
    /// Names of ports, where they are shown.
    pub services: Option<&'r Services>,
}

impl<'r> Conditions<'r> {
    /// Those of the command line.
    #[must_use]
    pub fn of(rows: &'r Rows, users: &'r Users) -> Self {
        let (filter, pids) = (&rows.filter, rows.pids.as_slice());
        Self { filter, pids, user: None, include_loopback: rows.include_loopback, users, services: None }
    }

    /// Whether rows are left out for other reasons than loopback.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filter.is_empty() && !self.is_about_processes()
    }

    fn is_about_processes(&self) -> bool {
        !self.pids.is_empty() || self.user.is_some()
    }

    fn allow(&self, row: &ProcessRow) -> bool {
        (self.pids.is_empty() || self.pids.contains(&row.id.tgid)) && self.user.is_none_or(|uid| row.info.uid == uid)
    }

    fn match_flow(&self, row: &FlowRow) -> bool {
        let ends = [row.remote(), Some(row.sample.socket.local)];
        let mut names = ends.into_iter().flatten().filter_map(|end| self.services?.name(end.port()));
        self.filter.matches_flow(row) || names.any(|name| self.filter.matches(name))
    }

    /// What has only to do with loopback is seen only when loopback is.
    fn is_seen(&self, traffic: PerScope<Traffic>, has_loopback: bool, has_network: bool) -> bool {
        let moved = |t: Traffic| t.rx_bytes + t.tx_bytes > 0;
        let is_local = has_loopback || moved(traffic.loopback);
        self.include_loopback || !is_local || has_network || moved(traffic.network) || moved(traffic.packet)
    }

    /// Whether a process would be shown, were loopback the only reason to leave it out.
    #[must_use]
    pub fn see_process(&self, row: &ProcessRow) -> bool {
        self.is_seen(row.traffic, row.connections.loopback > 0, row.connections.ip(false) > 0)
    }

    /// The same for a connection.
    #[must_use]
    pub fn see_flow(&self, row: &FlowRow) -> bool {
        self.include_loopback || row.sample.scope != Scope::Loopback
    }

    /// The same for an application.
    #[must_use]
    pub fn see_app(&self, row: &AppRow) -> bool {
        self.is_seen(row.traffic, row.connections.loopback > 0, row.connections.ip(false) > 0)
    }

    /// The same for a remote.
    #[must_use]
    pub fn see_remote(&self, row: &RemoteRow) -> bool {
        self.is_seen(row.traffic, row.address.is_some_and(|address| address.is_loopback()), false)
    }
}

/// The conditions on one snapshot, worked out.
#[derive(Debug)]
pub struct Choice<'a> {
    conditions: Conditions<'a>,
    /// Whether every row passes that loopback does not hide.
    all: bool,
    /// Processes that connections may pass with, and whether they pass by themselves.
    allowed: HashMap<ProcessId, bool>,
    /// Processes that pass by themselves or by a connection.
    processes: HashSet<ProcessId>,
    /// Remotes that pass by a connection.
    remotes: HashSet<RemoteId>,
    /// Applications that pass by a process.
    apps: HashSet<&'a str>,
}

impl<'a> Choice<'a> {
    /// Works out the conditions.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, conditions: Conditions<'a>) -> Self {
        let mut choice = Self {
            conditions,
            all: conditions.is_empty(),
            allowed: HashMap::new(),
            processes: HashSet::new(),
            remotes: HashSet::new(),
            apps: HashSet::new(),
        };
        if choice.all {
            return choice;
        }
        let passes = |row: &ProcessRow| conditions.filter.matches_process(row, &conditions.users.name(row.info.uid));
        let allowed = snapshot.processes.iter().filter(|row| conditions.allow(row));
        choice.allowed = allowed.map(|row| (row.id, passes(row))).collect();
        choice.processes = choice.allowed.iter().filter(|(_, passes)| **passes).map(|(id, _)| *id).collect();
        let flows: Vec<&FlowRow> = snapshot.flows.iter().filter(|row| choice.flow(row)).collect();
        choice.processes.extend(flows.iter().map(|row| row.sample.id.process));
        choice.remotes.extend(flows.iter().map(|row| row.remote_id()));
        choice.apps = snapshot
            .processes
            .iter()
            .filter(|row| choice.process(row))
            .map(|row| row.info.application_name())
            .collect();
        choice
    }

    /// Whether a process is shown: it passes, or one of its connections does.
    #[must_use]
    pub fn process(&self, row: &ProcessRow) -> bool {
        self.conditions.see_process(row) && (self.all || self.processes.contains(&row.id))
    }

    /// Whether a connection is shown: it passes, or its process does.
    #[must_use]
    pub fn flow(&self, row: &FlowRow) -> bool {
        let passes = || {
            let process = self.allowed.get(&row.sample.id.process);
            process.is_some_and(|passes| *passes || self.conditions.match_flow(row))
        };
        self.conditions.see_flow(row) && (self.all || passes())
    }

    /// Whether an application is shown: one of its processes is, or its name passes.
    #[must_use]
    pub fn app(&self, row: &AppRow) -> bool {
        let by_name = || !self.conditions.is_about_processes() && self.conditions.filter.matches(&row.name);
        self.conditions.see_app(row) && (self.all || self.apps.contains(&*row.name) || by_name())
    }

    /// Whether a remote is shown: one of its connections is, or its address or name passes.
    #[must_use]
    pub fn remote(&self, row: &RemoteRow) -> bool {
        let matches = |address| self.conditions.filter.matches_address(address);
        let by_name = || row.name.as_ref().is_some_and(|name| self.conditions.filter.matches(name.domain()));
        let by_itself = || !self.conditions.is_about_processes() && (row.address.is_some_and(matches) || by_name());
        self.conditions.see_remote(row) && (self.all || self.remotes.contains(&row.id()) || by_itself())
    }
}
