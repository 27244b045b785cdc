//! What a view sees: one moment, everything added up.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    Application, BootTime, FlowId, FlowSample, Losses, ProcessId, ProcessInfo, Quality, Scope,
    names::{Known, Name, NameSource},
};

/// Bytes so far and bytes per second over the last interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// Received since the aggregator began, bytes.
    pub rx_bytes: u64,
    /// Sent since the aggregator began, bytes.
    pub tx_bytes: u64,
    /// Received per second over the last interval.
    pub rx_rate: f64,
    /// Sent per second over the last interval.
    pub tx_rate: f64,
}

impl std::ops::Add for Traffic {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self {
            rx_bytes: self.rx_bytes + o.rx_bytes,
            tx_bytes: self.tx_bytes + o.tx_bytes,
            rx_rate: self.rx_rate + o.rx_rate,
            tx_rate: self.tx_rate + o.tx_rate,
        }
    }
}

/// One value for each [`Scope`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PerScope<T> {
    /// To and from elsewhere.
    pub network: T,
    /// Within the host.
    pub loopback: T,
    /// AF_PACKET frames.
    pub packet: T,
}

impl<T> PerScope<T> {
    /// Each value, changed by `f`.
    #[must_use]
    pub fn map<U>(self, f: impl Fn(T) -> U) -> PerScope<U> {
        PerScope { network: f(self.network), loopback: f(self.loopback), packet: f(self.packet) }
    }

    /// The value of one scope.
    #[must_use]
    pub fn get(&self, scope: Scope) -> &T {
        match scope {
            Scope::Network => &self.network,
            Scope::Loopback => &self.loopback,
            Scope::Packet => &self.packet,
        }
    }

    /// The value of one scope, to change.
    pub fn get_mut(&mut self, scope: Scope) -> &mut T {
        match scope {
            Scope::Network => &mut self.network,
            Scope::Loopback => &mut self.loopback,
            Scope::Packet => &mut self.packet,
        }
    }
}

impl<T: std::ops::Add<Output = T>> std::ops::Add for PerScope<T> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self { network: self.network + o.network, loopback: self.loopback + o.loopback, packet: self.packet + o.packet }
    }
}

impl<T: std::ops::Add<Output = T> + Copy> PerScope<T> {
    /// IP as a view shows it: loopback only when asked for, frames never.
    #[must_use]
    pub fn ip(&self, include_loopback: bool) -> T {
        if include_loopback { self.network + self.loopback } else { self.network }
    }
}

impl PerScope<Traffic> {
    /// IP payload as a view shows it: loopback only when asked for, frames never.
    #[must_use]
    pub fn shown(&self, include_loopback: bool) -> Traffic {
        self.ip(include_loopback)
    }
}

/// The truth equations so far: what the kernel counted against what calls explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Truth {
    /// TCP sockets whose end was checked.
    pub checked: u64,
    /// Of those, sockets with any difference.
    pub unbalanced: u64,
    /// Bytes that the kernel counted as sent and no call explains, plus what no map had room for.
    pub unattributed_tx: u64,
    /// The same for received bytes.
    pub unattributed_rx: u64,
    /// Bytes that calls claim and the kernel does not know: always 0 unless watcher has a fault.
    pub excess_tx: u64,
    /// The same for received bytes.
    pub excess_rx: u64,
}

impl Truth {
    /// What was checked after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            checked: self.checked.saturating_sub(earlier.checked),
            unbalanced: self.unbalanced.saturating_sub(earlier.unbalanced),
            unattributed_tx: self.unattributed_tx.saturating_sub(earlier.unattributed_tx),
            unattributed_rx: self.unattributed_rx.saturating_sub(earlier.unattributed_rx),
            excess_tx: self.excess_tx.saturating_sub(earlier.excess_tx),
            excess_rx: self.excess_rx.saturating_sub(earlier.excess_rx),
        }
    }
}

impl std::ops::AddAssign for Truth {
    fn add_assign(&mut self, o: Self) {
        self.checked += o.checked;
        self.unbalanced += o.unbalanced;
        self.unattributed_tx += o.unattributed_tx;
        self.unattributed_rx += o.unattributed_rx;
        self.excess_tx += o.excess_tx;
        self.excess_rx += o.excess_rx;
    }
}

/// How many connections went through each stage since the aggregator began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lifecycles {
    /// connect() called or SYN received, TCP only.
    pub opened: u64,
    /// Handshake completed.
    pub established: u64,
    /// Ended after being established.
    pub closed: u64,
    /// Ended without having been established.
    pub failed: u64,
}

impl Lifecycles {
    /// What went through after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            opened: self.opened.saturating_sub(earlier.opened),
            established: self.established.saturating_sub(earlier.established),
            closed: self.closed.saturating_sub(earlier.closed),
            failed: self.failed.saturating_sub(earlier.failed),
        }
    }
}

/// Sums over everything, listed or folded.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// By scope.
    pub traffic: PerScope<Traffic>,
    /// The accounting line.
    pub truth: Truth,
    /// What got lost.
    pub losses: Losses,
    /// Connections.
    pub lifecycles: Lifecycles,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessRow {
    /// Which.
    pub id: ProcessId,
    /// What is known of it.
    pub info: ProcessInfo,
    /// By scope.
    pub traffic: PerScope<Traffic>,
    /// Open flows, by scope.
    pub connections: PerScope<u32>,
    /// When it ended.
    pub exited: Option<BootTime>,
    /// Bytes of ended descendants that have aged out of the list, for a tree that rolls bytes up. Not in `traffic`.
    pub ended_descendants: PerScope<Traffic>,
}

impl ProcessRow {
    /// A process that has moved nothing.
    #[must_use]
    pub fn new(id: ProcessId, info: ProcessInfo) -> Self {
        Self {
            id,
            info,
            traffic: PerScope::default(),
            connections: PerScope::default(),
            exited: None,
            ended_descendants: PerScope::default(),
        }
    }
}

/// One flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowRow {
    /// The newest sample; its counters are absolute.
    pub sample: FlowSample,
    /// Since the aggregator began, and rates.
    pub traffic: Traffic,
    /// What is known of who is at the other end.
    #[serde(default)]
    pub known: Known,
}

impl FlowRow {
    /// The remote of this flow.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.sample.id.remote.or(self.sample.socket.remote)
    }
    /// The row of remotes that its bytes are in.
    #[must_use]
    pub fn remote_id(&self) -> RemoteId {
        let address = self.remote().map(|remote| remote.ip().to_canonical());
        RemoteId { address, name: asked_for(self.known.name.as_ref()) }
    }
    /// The key.
    #[must_use]
    pub fn id(&self) -> FlowId {
        self.sample.id
    }
}

/// Whom bytes went to: an address, by the name that those who talk to it asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RemoteId {
    /// The address; `None` gathers flows whose remote is not known.
    pub address: Option<IpAddr>,
    /// The name, where one is known. One that was not asked for, but found in the reverse zone, tells nothing apart and is not
    /// part of this.
    pub name: Option<Arc<Name>>,
}

/// One remote address by one name, all ports and processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteRow {
    /// The address; `None` gathers flows whose remote is not known.
    pub address: Option<IpAddr>,
    /// The name that the processes asked for. An address that goes by several has a row for each.
    #[serde(default)]
    pub name: Option<Arc<Name>>,
    /// By scope.
    pub traffic: PerScope<Traffic>,
    /// Open flows.
    pub connections: u32,
    /// Processes that have a listed flow with it.
    pub processes: u32,
}

/// All processes of one application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppRow {
    /// The name they share; empty where it is not known.
    pub name: String,
    /// By scope.
    pub traffic: PerScope<Traffic>,
    /// Open flows, by scope.
    pub connections: PerScope<u32>,
    /// Live processes.
    pub processes: u32,
    /// How it got its name, by the process of it for which most can be said; `None` where they were not named by any rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Arc<Application>>,
}

impl RemoteRow {
    /// The key.
    #[must_use]
    pub fn id(&self) -> RemoteId {
        RemoteId { address: self.address, name: asked_for(self.name.as_ref()) }
    }
}

fn asked_for(name: Option<&Arc<Name>>) -> Option<Arc<Name>> {
    name.filter(|name| name.source() < NameSource::Ptr).cloned()
}

/// One moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When.
    pub at: BootTime,
    /// The time that rates are over.
    pub interval: Duration,
    /// The promise of the source at this moment.
    pub quality: Quality,
    /// Sums over everything.
    pub totals: Totals,
    /// Every process that moved a byte or has a flow, until it has ended and aged out. By id.
    pub processes: Vec<ProcessRow>,
    /// What a tree of `processes` needs beside them: those above them that moved nothing themselves. By id.
    pub ancestors: Vec<ProcessRow>,
    /// Bytes of processes that have aged out and have no ancestor in this snapshot. The traffic of `processes`, the
    /// `ended_descendants` of `processes` and `ancestors`, and this add up to `totals.traffic`.
    pub unlisted: PerScope<Traffic>,
    /// Every flow, until it or its process has ended and aged out. By id.
    pub flows: Vec<FlowRow>,
    /// Every remote of those, and of folded flows as long as there is room.
    pub remotes: Vec<RemoteRow>,
    /// Every application name.
    pub apps: Vec<AppRow>,
}

impl Snapshot {
    /// A process by its id: one that is listed, or an ancestor of one.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> Option<&ProcessRow> {
        let find = |rows: &'_ [ProcessRow]| rows.binary_search_by_key(&id, |row| row.id).ok();
        if let Some(index) = find(&self.processes) {
            return self.processes.get(index);
        }
        find(&self.ancestors).and_then(|index| self.ancestors.get(index))
    }
}
