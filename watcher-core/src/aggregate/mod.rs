//! Running totals and rates from batches of absolute counters.
//!
//! [`Aggregator::apply`] turns counters into deltas, once, and charges each delta to its scope, process and remote.
//! Only [`Aggregator::snapshot`] forgets anything, and only after it has reported it: what has ended leaves the list
//! and folds into sums. No sum ever changes by that.

mod apps;
mod flows;
mod observer;
mod processes;
mod remotes;
mod retention;
mod shrink;
mod sockets;
mod sum;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{HashMap, HashSet};

pub use observer::{Delta, Observer};
pub use retention::Retention;

use self::{apps::Apps, flows::Flows, processes::Processes, remotes::Remotes, sockets::Sockets, sum::Sum};
use crate::{
    Batch, BootTime, FlowRow, FlowSample, Losses, PerScope, ProcessEvent, ProcessId, ProcessInfo, Quality, RemoteRow,
    Scope, Snapshot, Totals, Traffic, names::Directory, rollup::Names,
};

/// Seeded at random: remote addresses are chosen by others.
pub(crate) type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
pub(crate) type FastSet<K> = HashSet<K, foldhash::fast::RandomState>;

/// Adds up.
#[derive(Debug)]
pub struct Aggregator {
    retention: Retention,
    flows: Flows,
    sockets: Sockets,
    processes: Processes,
    remotes: Remotes,
    apps: Apps,
    totals: PerScope<Sum>,
    directory: Directory,
    losses: Losses,
    /// Of the newest batch.
    at: BootTime,
    /// Of the newest batch at the last snapshot.
    reported: Option<BootTime>,
}

impl Aggregator {
    /// An empty one.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self {
            retention,
            flows: Flows::default(),
            sockets: Sockets::default(),
            processes: Processes::default(),
            remotes: Remotes::default(),
            apps: Apps::default(),
            totals: PerScope::default(),
            directory: Directory::default(),
            losses: Losses::default(),
            at: BootTime::default(),
            reported: None,
        }
    }

    /// Takes in a batch.
    pub fn apply(&mut self, batch: &Batch) {
        self.apply_with(batch, &mut ());
    }

    /// Takes in a batch, and tells `observer` what it added.
    pub fn apply_with<O: Observer + ?Sized>(&mut self, batch: &Batch, observer: &mut O) {
        self.at = self.at.max(batch.at);
        let (losses, truth) = (batch.losses.since(&self.losses), self.sockets.checked());
        self.losses = batch.losses;
        for event in &batch.processes {
            self.processes.observe(event);
            observer.process(event);
        }
        self.directory.learn(&batch.heard, batch.at);
        for sample in &batch.flows {
            self.observe(sample, observer);
        }
        for end in self.flows.ends_of(&batch.vanished, batch.at) {
            self.observe(&end, observer);
        }
        for event in &batch.processes {
            if let ProcessEvent::Exited { id, .. } = event {
                self.directory.process_ended(*id);
            }
        }
        self.directory.forget();
        observer.losses(&losses, &self.sockets.checked().since(&truth));
    }

    /// The state as of the last batch. Rates are over the time between that batch and the last one before the snapshot
    /// before; the first snapshot, and one without a new batch, has none.
    pub fn snapshot(&mut self, quality: &Quality) -> Snapshot {
        let interval = self.at.since(self.reported.unwrap_or(self.at));
        self.reported = Some(self.at);
        let processes = self.processes.rows(interval);
        let (mut flows, mut remotes) = (self.flows.rows(interval), self.remotes.rows(interval));
        self.name_by_reverse(&mut flows, &mut remotes);
        let snapshot = Snapshot {
            at: self.at,
            interval,
            quality: quality.clone(),
            totals: Totals {
                traffic: self.totals.report(interval),
                truth: self.sockets.truth(&self.losses),
                losses: self.losses,
                lifecycles: self.sockets.lifecycles(),
            },
            apps: self.apps.rows(&processes),
            processes,
            ancestors: self.processes.ancestors(),
            unlisted: self.processes.unlisted(),
            flows,
            remotes,
        };
        self.fold();
        snapshot
    }

    fn observe<O: Observer + ?Sized>(&mut self, sample: &FlowSample, observer: &mut O) {
        let change = self.flows.observe(sample, &self.directory);
        let before = self.sockets.lifecycles();
        if change.life {
            self.sockets.observe(sample, change.first);
        }
        if let Some(from) = change.rescoped_from {
            self.processes.rescope(sample.id.process, from, change.scope);
        }
        self.remotes.observe(sample.id.process, &change);
        self.totals.get_mut(change.scope).add(change.delta);
        let (info, open) = self.processes.charge(sample.id.process, &change, self.at);
        if change.ended {
            self.directory.end(sample);
        }
        observer.flow(&Delta {
            sample,
            info,
            rx_bytes: change.delta.rx,
            tx_bytes: change.delta.tx,
            scope: change.scope,
            remote: change.remote.address,
            known: &change.known,
            first: change.first,
            ended: change.ended,
            lifecycles: self.sockets.lifecycles().since(&before),
            open,
        });
    }

    /// What goes by its address gets the name in the reverse zone, to show beside it.
    fn name_by_reverse(&mut self, flows: &mut [FlowRow], remotes: &mut [RemoteRow]) {
        let reached = |traffic: &PerScope<Traffic>| traffic.network.rx_bytes + traffic.network.tx_bytes > 0;
        for row in remotes.iter_mut().filter(|row| row.name.is_none() && reached(&row.traffic)) {
            row.name = row.address.and_then(|address| self.directory.reverse(address));
        }
        for row in flows.iter_mut().filter(|row| row.known.name.is_none() && row.sample.scope == Scope::Network) {
            row.known.name = row.remote().and_then(|remote| self.directory.of_address(remote.ip()));
        }
    }

    /// What is known of a process that runs, or ended not long ago.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> Option<&ProcessInfo> {
        self.processes.info(id)
    }

    /// What is known of names.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The same, to ask and to tell.
    pub fn directory_mut(&mut self) -> &mut Directory {
        &mut self.directory
    }

    /// Everything that a snapshot has just reported as ended may go.
    fn fold(&mut self) {
        let gone = self.processes.fold(self.at, &self.retention, &mut self.apps);
        let left = self.flows.fold(self.at, &self.retention, |flow| gone.contains(&flow.process));
        self.remotes.release(&left);
        for flow in self.flows.forget() {
            self.sockets.release(flow.socket);
        }
        self.sockets.shrink();
        self.remotes.fold(self.retention.max_remotes);
    }
}
