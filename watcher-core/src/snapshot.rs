//! What a view sees: one moment, everything added up.

use std::{net::SocketAddr, time::Duration};

use crate::{BootTime, FlowId, FlowSample, Losses, ProcessId, ProcessInfo, Quality, Scope};

/// Bytes so far and bytes per second over the last interval.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
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
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PerScope<T> {
    /// To and from elsewhere.
    pub network: T,
    /// Within the host.
    pub loopback: T,
    /// AF_PACKET frames.
    pub packet: T,
}

impl<T> PerScope<T> {
    /// The value of one scope.
    pub fn get_mut(&mut self, scope: Scope) -> &mut T {
        match scope {
            Scope::Network => &mut self.network,
            Scope::Loopback => &mut self.loopback,
            Scope::Packet => &mut self.packet,
        }
    }
}

impl PerScope<Traffic> {
    /// IP payload as a view shows it: loopback only when asked for, frames never.
    #[must_use]
    pub fn shown(&self, include_loopback: bool) -> Traffic {
        if include_loopback { self.network + self.loopback } else { self.network }
    }
}

/// The truth equations so far: what the kernel counted against what calls explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

/// How many connections went through each stage since the aggregator began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

/// Sums over everything, listed or folded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
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
#[derive(Debug, Clone, PartialEq)]
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
}

/// One flow.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowRow {
    /// The newest sample; its counters are absolute.
    pub sample: FlowSample,
    /// Since the aggregator began, and rates.
    pub traffic: Traffic,
}

impl FlowRow {
    /// The remote of this flow.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.sample.id.remote.or(self.sample.socket.remote)
    }
    /// The key.
    #[must_use]
    pub fn id(&self) -> FlowId {
        self.sample.id
    }
}

/// One remote address, all ports and processes.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteRow {
    /// The address; `None` gathers flows whose remote is not known.
    pub address: Option<std::net::IpAddr>,
    /// By scope.
    pub traffic: PerScope<Traffic>,
    /// Open flows.
    pub connections: u32,
    /// Processes that have or had a flow with it and are still listed.
    pub processes: u32,
}

/// All processes of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct AppRow {
    /// The name they share.
    pub name: String,
    /// By scope.
    pub traffic: PerScope<Traffic>,
    /// Open flows, by scope.
    pub connections: PerScope<u32>,
    /// Live processes.
    pub processes: u32,
}

/// One moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When.
    pub at: BootTime,
    /// The time that rates are over.
    pub interval: Duration,
    /// The promise of the source at this moment.
    pub quality: Quality,
    /// Sums over everything.
    pub totals: Totals,
    /// Every process that moved a byte or has a flow, until it has ended and aged out.
    pub processes: Vec<ProcessRow>,
    /// Every flow, until it has ended and aged out.
    pub flows: Vec<FlowRow>,
    /// Every remote of those, and of folded flows as long as there is room.
    pub remotes: Vec<RemoteRow>,
    /// Every application name.
    pub apps: Vec<AppRow>,
}
