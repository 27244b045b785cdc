//! Sums by remote address.

use std::time::Duration;

use super::{
    FastMap,
    flows::{Change, Left},
    shrink,
    sum::{Bytes, Sum},
};
use crate::{PerScope, ProcessId, RemoteId, RemoteRow};

#[derive(Debug, Default)]
struct Entry {
    sums: PerScope<Sum>,
    /// Listed flows.
    flows: u32,
    /// Of those, open ones.
    open: u32,
    /// Processes with a listed flow.
    processes: u32,
}

#[derive(Debug, Default)]
pub(super) struct Remotes {
    entries: FastMap<RemoteId, Entry>,
    /// Listed flows of a process with a remote.
    pairs: FastMap<(RemoteId, ProcessId), u32>,
}

impl Remotes {
    pub fn observe(&mut self, process: ProcessId, change: &Change) {
        if let Some(old) = &change.moved_from {
            let was_open = u32::from(change.was_open);
            self.leave(old, process);
            self.entry(old).open -= was_open;
            self.join(&change.remote, process);
            self.entry(&change.remote).open += was_open;
        }
        if change.first {
            self.join(&change.remote, process);
        }
        let entry = self.entry(&change.remote);
        entry.open += u32::from(change.first);
        entry.open -= u32::from(change.ended);
        entry.sums.get_mut(change.scope).add(change.delta);
    }

    /// Flows that are no longer listed.
    pub fn release(&mut self, left: &[Left]) {
        for flow in left {
            self.leave(&flow.remote, flow.id.process);
        }
    }

    pub fn rows(&mut self, interval: Duration) -> Vec<RemoteRow> {
        let rows = self.entries.iter_mut().map(|(remote, entry)| RemoteRow {
            address: remote.address,
            name: remote.name.clone(),
            traffic: entry.sums.report(interval),
            connections: entry.open,
            processes: entry.processes,
        });
        let mut rows: Vec<RemoteRow> = rows.collect();
        rows.sort_unstable_by(|a, b| (a.address, &a.name).cmp(&(b.address, &b.name)));
        rows
    }

    /// Gathers remotes without a listed flow under `None` until at most `max` are left, those that moved least first.
    pub fn fold(&mut self, max: usize) {
        let surplus = self.entries.len().saturating_sub(max);
        if surplus == 0 {
            return;
        }
        let idle = self.entries.iter().filter(|(remote, entry)| remote.address.is_some() && entry.flows == 0);
        let mut idle: Vec<(u64, RemoteId)> = idle.map(|(remote, entry)| (entry.volume(), remote.clone())).collect();
        idle.sort_unstable();
        let mut gathered = PerScope::<Bytes>::default();
        for (_, remote) in idle.into_iter().take(surplus) {
            if let Some(entry) = self.entries.remove(&remote) {
                gathered.absorb(entry.sums.bytes());
            }
        }
        if !gathered.is_zero() {
            self.entry(&RemoteId::default()).sums.absorb(gathered);
        }
        shrink::map(&mut self.entries);
        shrink::map(&mut self.pairs);
    }

    /// The key is copied only for what is new.
    fn entry(&mut self, remote: &RemoteId) -> &mut Entry {
        if !self.entries.contains_key(remote) {
            self.entries.insert(remote.clone(), Entry::default());
        }
        self.entries.get_mut(remote).expect("inserted above")
    }

    fn join(&mut self, remote: &RemoteId, process: ProcessId) {
        let entry = self.entries.entry(remote.clone()).or_default();
        let flows = self.pairs.entry((remote.clone(), process)).or_default();
        entry.processes += u32::from(*flows == 0);
        entry.flows += 1;
        *flows += 1;
    }

    fn leave(&mut self, remote: &RemoteId, process: ProcessId) {
        let pair = (remote.clone(), process);
        let entry = self.entries.entry(remote.clone()).or_default();
        entry.flows -= 1;
        if let Some(flows) = self.pairs.get_mut(&pair) {
            *flows -= 1;
            if *flows == 0 {
                self.pairs.remove(&pair);
                entry.processes -= 1;
            }
        }
    }
}

impl Entry {
    fn volume(&self) -> u64 {
        let bytes = self.sums.bytes();
        let sum = |b: Bytes| b.rx + b.tx;
        sum(bytes.network) + sum(bytes.loopback) + sum(bytes.packet)
    }
}
