//! Which rows a filter, a user and a set of pids leave.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
};

use watcher_core::{FlowRow, ProcessId, ProcessRow, Snapshot};

use crate::{filter::Filter, names::Names};

/// What rows have to meet.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Text typed after `/`.
    pub filter: Filter,
    /// Only processes of this user.
    pub user: Option<u32>,
    /// Only these processes; empty for all.
    pub pids: Vec<u32>,
}

impl Conditions {
    /// Whether everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filter.is_empty() && self.user.is_none() && self.pids.is_empty()
    }

    fn allows(&self, row: &ProcessRow) -> bool {
        self.user.is_none_or(|uid| row.info.uid == uid) && (self.pids.is_empty() || self.pids.contains(&row.id.tgid))
    }

    fn names_process(&self, row: &ProcessRow, names: &Names) -> bool {
        let filter = &self.filter;
        filter.matches(&row.info.name)
            || filter.matches(&row.id.tgid.to_string())
            || names.user(row.info.uid).is_some_and(|user| filter.matches(user))
            || filter.matches(&row.info.uid.to_string())
    }

    fn names_flow(&self, row: &FlowRow, names: &Names) -> bool {
        let ends = [row.remote(), Some(row.sample.socket.local)];
        let remote = row.remote().is_some_and(|remote| self.filter.matches(&remote.to_string()));
        remote || ends.into_iter().flatten().any(|end| self.names_port(end, names))
    }

    fn names_port(&self, end: SocketAddr, names: &Names) -> bool {
        self.filter.matches(&end.port().to_string())
            || names.service(end.port()).is_some_and(|service| self.filter.matches(service))
    }
}

/// The rows that are left. A process is left when it or one of its connections meets the conditions, a remote or an
/// application when one of its connections or processes does.
#[derive(Debug, Default)]
pub struct Matches<'a> {
    /// Processes.
    pub processes: HashSet<ProcessId>,
    /// By place in the snapshot.
    pub flows: Vec<bool>,
    /// Addresses.
    pub remotes: HashSet<Option<IpAddr>>,
    /// Names.
    pub apps: HashSet<&'a str>,
}

/// `None` when there are no conditions.
#[must_use]
pub fn matches<'a>(conditions: &Conditions, snapshot: &'a Snapshot, names: &Names) -> Option<Matches<'a>> {
    if conditions.is_empty() {
        return None;
    }
    let mut found = Matches::default();
    // Allowed processes, and whether they are named themselves.
    let mut allowed: HashMap<ProcessId, bool> = HashMap::new();
    for row in snapshot.processes.iter().filter(|row| conditions.allows(row)) {
        let named = conditions.names_process(row, names);
        allowed.insert(row.id, named);
        if named {
            found.processes.insert(row.id);
        }
    }
    for row in &snapshot.flows {
        let id = row.sample.id.process;
        let fits = allowed.get(&id).is_some_and(|named| *named || conditions.names_flow(row, names));
        if fits {
            found.processes.insert(id);
            found.remotes.insert(row.remote().map(|remote| remote.ip()));
        }
        found.flows.push(fits);
    }
    if conditions.user.is_none() && conditions.pids.is_empty() {
        let named = |address: &IpAddr| conditions.filter.matches(&address.to_string());
        found.remotes.extend(snapshot.remotes.iter().map(|row| row.address).filter(|a| a.as_ref().is_some_and(named)));
        found.apps.extend(snapshot.apps.iter().map(|row| &*row.name).filter(|name| conditions.filter.matches(name)));
    }
    let left = snapshot.processes.iter().filter(|row| found.processes.contains(&row.id));
    found.apps.extend(left.map(|row| &*row.info.name));
    Some(found)
}
