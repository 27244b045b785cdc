//! The side of the calls: sums per network namespace, and per TCP socket.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
};

use super::{Calls, Culprit, Ended, Payload, Program};
use crate::{
    Counters, Delta, Direction, FlowId, FlowState, KernelCounters, Losses, Observer, ProcessId, Protocol, SocketId,
    Truth, interfaces::Bytes,
};

/// Sockets that did not balance and are named.
const NAMED: usize = 20;
/// Names of programs, over all namespaces; what goes by further ones goes by none.
const PROGRAMS: usize = 1_000;

/// A TCP socket that has not ended.
#[derive(Debug, Clone)]
pub struct Open {
    /// Of the flow that told of it.
    pub process: ProcessId,
    /// Its name.
    pub name: String,
    /// Here.
    pub local: SocketAddr,
    /// There.
    pub remote: Option<SocketAddr>,
    /// Inode number of its network namespace.
    pub netns: u32,
    /// This side connected.
    pub active: bool,
    /// Older than the counting.
    pub seeded: bool,
    /// Which connection of the socket.
    pub epoch: u32,
    /// Older than the time, though not than the counting.
    pub early: bool,
    /// Since the collector has known the socket, all processes.
    pub total: Bytes,
    /// As much of it as was there when the time began.
    pub before: Bytes,
    ended: Option<Option<KernelCounters>>,
}

/// Listens to an aggregator.
#[derive(Debug, Default)]
pub struct Counted {
    begun: bool,
    namespaces: BTreeMap<u32, Payload>,
    programs: BTreeMap<(u32, String), Bytes>,
    open: HashMap<SocketId, Open>,
    datagrams: HashMap<FlowId, Counters>,
    ended: Ended,
    losses: Losses,
}

impl Counted {
    /// The time begins: what was told before is the baseline.
    pub fn begin(&mut self) {
        self.begun = true;
        self.namespaces.clear();
        self.programs.clear();
        for open in self.open.values_mut() {
            (open.before, open.early) = (open.total, true);
        }
        (self.ended, self.losses) = (Ended::default(), Losses::default());
    }

    /// What was counted in one namespace so far; from here on that begins again, whether its number goes on to be the same
    /// namespace's or becomes another's.
    pub fn take(&mut self, netns: u32) -> Payload {
        for open in self.open.values_mut().filter(|open| open.netns == netns) {
            (open.before, open.early) = (open.total, true);
        }
        self.namespaces.remove(&netns).unwrap_or_default()
    }

    /// By the inode number of the network namespace.
    #[must_use]
    pub fn namespaces(&self) -> &BTreeMap<u32, Payload> {
        &self.namespaces
    }

    /// By name.
    #[must_use]
    pub fn programs(&self) -> Vec<Program> {
        let one = |((netns, name), bytes): (&(u32, String), &Bytes)| Program {
            netns: *netns,
            name: name.clone(),
            bytes: *bytes,
        };
        self.programs.iter().map(one).collect()
    }

    fn program(&mut self, delta: &Delta<'_>, moved: Bytes) {
        if moved == Bytes::default() {
            return;
        }
        let mut key = (delta.sample.socket.netns, delta.info.name.clone());
        if self.programs.len() >= PROGRAMS && !self.programs.contains_key(&key) {
            key = (0, String::new());
        }
        self.programs.entry(key).or_default().add(moved);
    }

    /// TCP sockets that have not ended.
    #[must_use]
    pub fn open(&self) -> &HashMap<SocketId, Open> {
        &self.open
    }

    /// TCP sockets that have.
    #[must_use]
    pub fn ended(&self) -> &Ended {
        &self.ended
    }

    /// What got lost in the time.
    #[must_use]
    pub fn losses(&self) -> Losses {
        self.losses
    }

    fn tcp(&mut self, delta: &Delta<'_>, moved: Bytes) {
        let sample = delta.sample;
        let open = self.open.entry(sample.id.socket).or_insert_with(|| Open {
            process: sample.id.process,
            name: delta.info.name.clone(),
            local: sample.socket.local,
            remote: sample.socket.remote,
            netns: sample.socket.netns,
            active: false,
            seeded: false,
            epoch: sample.id.socket.epoch,
            early: false,
            total: Bytes::default(),
            before: Bytes::default(),
            ended: None,
        });
        open.total.add(moved);
        open.active |= sample.socket.direction == Direction::Outgoing;
        open.seeded |= sample.socket.seeded;
        open.remote = open.remote.or(sample.socket.remote);
        if let FlowState::Closed { .. } = sample.state {
            let kernel = open.ended.flatten().or(sample.kernel);
            open.ended = Some(kernel);
        }
    }

    /// How many calls more than this flow's last sample told.
    fn calls(&mut self, delta: &Delta<'_>) -> Calls {
        let id = delta.sample.id;
        let now = delta.sample.counters;
        let before = self.datagrams.get(&id).copied().unwrap_or_default();
        if delta.ended {
            self.datagrams.remove(&id);
        } else if now.rx_calls >= before.rx_calls && now.tx_calls >= before.tx_calls {
            self.datagrams.insert(id, now);
        }
        let since = |now: u64, before: u64| now.saturating_sub(before);
        Calls { rx: since(now.rx_calls, before.rx_calls), tx: since(now.tx_calls, before.tx_calls) }
    }

    fn end(&mut self, open: &Open, kernel: Option<KernelCounters>) {
        let payload = self.namespaces.entry(open.netns).or_default();
        let moved = open.total.since(open.before);
        let Some(kernel) = kernel else {
            payload.unchecked += 1;
            payload.ended_sent += moved.tx;
            payload.ended_received += moved.rx;
            let (count, bytes) = if open.seeded {
                (&mut self.ended.older, &mut self.ended.older_bytes)
            } else {
                (&mut self.ended.ulp, &mut self.ended.ulp_bytes)
            };
            *count += 1;
            bytes.add(moved);
            return;
        };
        if open.early {
            // The kernel's figures are of more than the time.
            payload.unchecked += 1;
            payload.ended_sent += moved.tx;
            payload.ended_received += moved.rx;
        } else {
            payload.ended += 1;
            payload.ended_sent += kernel.bytes_sent;
            payload.ended_retrans += kernel.bytes_retrans;
            payload.ended_received += kernel.bytes_received;
        }
        let expected = Bytes { rx: kernel.expected_rx, tx: kernel.expected_tx };
        let calls = Bytes { rx: kernel.counted_rx, tx: kernel.counted_tx };
        self.ended.kernel.add(expected);
        self.ended.calls.add(calls);
        if expected != calls && self.ended.unbalanced.len() < NAMED {
            let Open { process, name, local, remote, .. } = open;
            let (pid, name) = (process.tgid, name.clone());
            let culprit = Culprit { pid, name, local: *local, remote: *remote, kernel: expected, calls };
            self.ended.unbalanced.push(culprit);
        }
    }
}

impl Observer for Counted {
    fn flow(&mut self, delta: &Delta<'_>) {
        let moved = Bytes { rx: delta.rx_bytes, tx: delta.tx_bytes };
        let protocol = delta.sample.socket.protocol;
        if protocol == Protocol::Tcp {
            self.tcp(delta, moved);
        }
        let calls = if protocol == Protocol::Udp { self.calls(delta) } else { Calls::default() };
        if !self.begun {
            return;
        }
        if protocol != Protocol::Packet {
            self.program(delta, moved);
        }
        let payload = self.namespaces.entry(delta.sample.socket.netns).or_default();
        match protocol {
            Protocol::Tcp => payload.tcp.add(moved),
            Protocol::Udp => {
                payload.udp.add(moved);
                payload.udp_calls.rx += calls.rx;
                payload.udp_calls.tx += calls.tx;
            }
            // Frames are below IP.
            Protocol::Packet => {}
            _ => payload.other.add(moved),
        }
    }

    fn losses(&mut self, losses: &Losses, truth: &Truth) {
        let over: Vec<_> = self.open.iter().filter(|(_, open)| open.ended.is_some()).map(|(id, _)| *id).collect();
        for id in over {
            let Some(open) = self.open.remove(&id) else { continue };
            if self.begun {
                self.end(&open, open.ended.flatten());
            }
        }
        if self.begun {
            self.ended.truth += *truth;
            self.losses += *losses;
        }
    }
}
