//! One window: takes in what an aggregator adds and what polls see, and becomes one rollup.

use std::{net::IpAddr, sync::Arc, time::Duration};

use super::{
    Commands, Policy, ProcessSample,
    processes::{ProcessKey, Processes},
    tally::Tally,
};
use crate::{
    Delta, FlowState, Losses, Observer, PerScope, ProcessEvent, Protocol, Scope, Truth,
    names::{Label, Name, label},
};

/// How much a window keeps by name. What is beyond folds: its bytes stay in the totals, and what that means for the
/// lists is bounded, see `tally.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Processes.
    pub processes: usize,
    /// Remotes.
    pub domains: usize,
    /// Groups of process, protocol and remote.
    pub connections: usize,
}

impl Default for Limits {
    /// 14,000 of each: the table of as many stays within 2¹⁴ slots. A list lacks at most 1/7,000 of the window's
    /// bytes, and only on machines with more keys than that.
    fn default() -> Self {
        Self { processes: 14_000, domains: 14_000, connections: 14_000 }
    }
}

/// How a window is to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WindowOptions {
    /// What may leave the machine by name.
    pub policy: Policy,
    /// Whether traffic within the host is listed too. In the totals it always is.
    pub list_loopback: bool,
    /// Bounds.
    pub limits: Limits,
}

/// Accumulates one window. Deterministic: no clock, no IO.
///
/// Feed it through [`Aggregator::apply_with`](crate::Aggregator::apply_with) and [`Window::listen`], so that it sees
/// each byte once, and with [`Window::poll`]. Windows that follow each other on one aggregator share nothing and lose
/// nothing: the sum of their totals is the aggregator's own.
///
/// Totals are of all IP payload, within the host too, since nothing may be hidden; what stayed within the host is told
/// beside them. Lists are of traffic with others only, unless asked otherwise: what a fleet wants to know is who talks to
/// whom, and local databases and proxies would fill every list. Frames of packet sockets are copies of traffic: in no sum
/// of payload, told apart.
#[derive(Debug, Clone)]
pub struct Window {
    pub(super) policy: Policy,
    list_loopback: bool,
    pub(super) totals: PerScope<Bytes>,
    pub(super) losses: Losses,
    pub(super) truth: Truth,
    pub(super) processes: Processes,
    pub(super) domains: Tally<Peer, Exchange>,
    pub(super) connections: Tally<Group, Lives>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bytes {
    pub rx: u64,
    pub tx: u64,
}

/// Whom the bytes went to or came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    Address(IpAddr),
    Name(Arc<Name>),
}

/// What connections are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub process: ProcessKey,
    pub protocol: Label,
    pub peer: Peer,
}

/// Bytes, and the polls in whose interval something happened.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Exchange {
    pub rx: u64,
    pub tx: u64,
    pub polls_seen: u32,
    /// The interval that was last counted, from 1.
    interval: u32,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lives {
    pub exchange: Exchange,
    pub opened: u64,
    pub closed: u64,
    pub failed: u64,
    /// Of those closed whose opening was seen.
    timed: u64,
    duration: Duration,
    /// The protocol is what a flow showed, not what its port is for.
    pub seen: bool,
}

impl Window {
    /// An empty one.
    #[must_use]
    pub fn new(options: WindowOptions) -> Self {
        let WindowOptions { policy, list_loopback, limits } = options;
        let keep_commands = policy.commands == Commands::Full;
        Self {
            policy,
            list_loopback,
            totals: PerScope::default(),
            losses: Losses::default(),
            truth: Truth::default(),
            processes: Processes::new(limits.processes, keep_commands),
            domains: Tally::new(limits.domains),
            connections: Tally::new(limits.connections),
        }
    }

    /// Listens to an aggregator.
    pub fn listen(&mut self) -> Listener<'_> {
        Listener { window: self }
    }

    /// One poll: every process that runs, once.
    pub fn poll<'a>(&mut self, samples: impl IntoIterator<Item = ProcessSample<'a>>) {
        self.processes.poll(samples);
    }

    /// Process samples taken so far.
    #[must_use]
    pub fn polls(&self) -> u32 {
        self.processes.polls()
    }

    /// Each listed sum of bytes lacks at most so many: 0 until there were more keys than [`Limits`] has room for.
    #[must_use]
    pub fn missing_at_most(&self) -> u64 {
        let lists = [self.domains.missing_at_most(), self.connections.missing_at_most()];
        lists.into_iter().fold(self.processes.missing_at_most(), u64::max)
    }

    fn is_listed(&self, scope: Scope) -> bool {
        match scope {
            Scope::Network => true,
            Scope::Loopback => self.list_loopback,
            Scope::Packet => false,
        }
    }

    fn flow(&mut self, delta: &Delta<'_>) {
        let life = Life::of(delta);
        if delta.rx_bytes == 0 && delta.tx_bytes == 0 && life == Life::default() {
            return;
        }
        let total = self.totals.get_mut(delta.scope);
        total.rx = total.rx.saturating_add(delta.rx_bytes);
        total.tx = total.tx.saturating_add(delta.tx_bytes);
        let listed = self.is_listed(delta.scope);
        self.processes.charge(delta, listed, delta.open.ip(self.list_loopback));
        let process = ProcessKey::from(delta.sample.id.process);
        let unnamed = self.processes.get(&process).is_some_and(|process| self.policy.hides_process(&process.name));
        let Some(remote) = delta.remote.filter(|_| listed && !unnamed) else { return };
        let name = delta.known.name.clone();
        if self.policy.hides_remote(remote, name.as_deref()) {
            return;
        }
        let peer = name.map_or(Peer::Address(remote), Peer::Name);
        let interval = self.polls().saturating_add(1);
        let bytes = delta.rx_bytes.saturating_add(delta.tx_bytes);
        self.domains.add(peer.clone(), bytes).add(delta, interval);
        let protocol = label(delta.known.protocol, delta.sample);
        self.connections.add(Group { process, protocol, peer }, bytes).add(delta, &life, interval);
    }
}

/// A window that listens to an aggregator.
#[derive(Debug)]
pub struct Listener<'a> {
    window: &'a mut Window,
}

impl Observer for Listener<'_> {
    fn process(&mut self, event: &ProcessEvent) {
        self.window.processes.observe(event);
    }

    fn flow(&mut self, delta: &Delta<'_>) {
        self.window.flow(delta);
    }

    fn losses(&mut self, losses: &Losses, truth: &Truth) {
        self.window.losses += *losses;
        self.window.truth += *truth;
    }
}

impl Exchange {
    pub fn bytes(&self) -> u64 {
        self.rx.saturating_add(self.tx)
    }

    fn add(&mut self, delta: &Delta<'_>, interval: u32) {
        self.rx = self.rx.saturating_add(delta.rx_bytes);
        self.tx = self.tx.saturating_add(delta.tx_bytes);
        self.polls_seen += u32::from(self.interval != interval);
        self.interval = interval;
    }
}

impl Lives {
    fn add(&mut self, delta: &Delta<'_>, life: &Life, interval: u32) {
        self.exchange.add(delta, interval);
        self.seen |= delta.known.protocol.is_some();
        self.opened += life.opened;
        self.closed += life.closed;
        self.failed += life.failed;
        if let Some(duration) = life.duration {
            self.timed += 1;
            self.duration = self.duration.saturating_add(duration);
        }
    }

    /// From opening to end, over those closed whose opening was seen.
    pub fn mean_duration(&self) -> Option<Duration> {
        let nanoseconds = self.duration.as_nanos().checked_div(u128::from(self.timed))?;
        Some(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)))
    }
}

/// What happened to connections with one sample.
#[derive(Debug, Default, PartialEq)]
struct Life {
    opened: u64,
    closed: u64,
    failed: u64,
    duration: Option<Duration>,
}

impl Life {
    /// The aggregator judges TCP, by sockets. Where there are no connections, a flow is one.
    fn of(delta: &Delta<'_>) -> Self {
        let info = &delta.sample.socket;
        let (opened, closed, failed) = if info.protocol == Protocol::Tcp {
            (delta.lifecycles.opened, delta.lifecycles.closed, delta.lifecycles.failed)
        } else {
            (u64::from(delta.first && !info.seeded), u64::from(delta.ended), 0)
        };
        let began = info.opened.or(info.established).or(delta.sample.counters.first).filter(|_| !info.seeded);
        let ended = match delta.sample.state {
            FlowState::Closed { at, .. } if closed > 0 => Some(at),
            _ => None,
        };
        let duration = began.zip(ended).map(|(began, ended)| ended.since(began));
        Self { opened, closed, failed, duration }
    }
}
