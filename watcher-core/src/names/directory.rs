//! All that is known of names, at one moment.

use std::{collections::VecDeque, net::IpAddr, sync::Arc, time::Duration};

use super::{
    Answers, Failed, Known, Name, Observed, Queries, Reverse, Shown,
    reader::{Heard, Key, canonical},
};
use crate::{BootTime, Direction, FlowSample, ProcessId, aggregate::FastMap, rollup::Names};

/// Flows whose showing is remembered at once. Beyond it the oldest is forgotten: what its flow was told stays.
const MAX_SHOWN: usize = 16_384;

/// Remembers what was heard, and tells each flow what is known of its other end.
#[derive(Debug, Default)]
pub struct Directory {
    shown: FastMap<Key, Arc<Shown>>,
    /// In the order they showed something first, those that ended meanwhile too.
    order: VecDeque<Key>,
    /// Of flows that have ended.
    over: Vec<Key>,
    answers: Answers,
    queries: Queries,
    reverse: Reverse,
    /// Whether somebody asks for reverse names.
    asks: bool,
    /// Of the newest batch.
    at: BootTime,
}

impl Directory {
    /// Takes in what was heard, in the order it passed.
    pub(crate) fn learn(&mut self, heard: &[Heard], at: BootTime) {
        for one in heard {
            match one {
                Heard::Shown { socket, remote, shown } => {
                    if self.shown.insert((*socket, *remote), Arc::clone(shown)).is_none() {
                        self.order.push_back((*socket, *remote));
                    }
                }
                // Names are learnt only from answers to questions that were asked.
                Heard::Dns(carried, message) => {
                    if self.queries.observe(carried, message) {
                        self.answers.learn(carried.process, message, carried.at);
                    }
                }
            }
        }
        self.at = self.at.max(at);
        self.queries.expire(self.at);
    }

    /// What is known of a flow that has just begun: what it showed, else the name that its process asked for.
    pub(crate) fn introduce(&self, sample: &FlowSample) -> Known {
        let mut known = Known::default();
        self.tell(sample, &mut known);
        let remote = sample.id.remote.or(sample.socket.remote).filter(|_| known.name.is_none());
        // Who connects to this side was not asked for by anybody here, and resolvers are known by their addresses.
        let is_asked_for = sample.socket.direction != Direction::Incoming && !is_dns(sample, &known);
        if let Some(remote) = remote.filter(|_| is_asked_for) {
            known.name = self.answers.name_of(sample.id.process, remote.ip(), self.at);
        }
        known
    }

    /// What a flow has shown since.
    pub(crate) fn tell(&self, sample: &FlowSample, known: &mut Known) {
        if let Some(shown) = key(sample).and_then(|key| self.shown.get(&key)) {
            known.show(shown, sample.socket.direction);
        }
    }

    /// A flow has ended: what is known of it may go once the other processes on its socket have been told.
    pub(crate) fn end(&mut self, sample: &FlowSample) {
        self.over.extend(key(sample));
    }

    /// A process has ended.
    pub(crate) fn process_ended(&mut self, process: ProcessId) {
        self.answers.ended(process);
    }

    /// Forgets what is over, and the oldest.
    pub(crate) fn forget(&mut self) {
        for key in self.over.drain(..) {
            self.shown.remove(&key);
        }
        while self.order.len() > MAX_SHOWN {
            if let Some(key) = self.order.pop_front() {
                self.shown.remove(&key);
            }
        }
    }

    /// The log of DNS queries.
    #[must_use]
    pub fn queries(&self) -> &Queries {
        &self.queries
    }

    /// From now on addresses that go by no name are to be asked for, with [`Directory::questions`].
    pub fn ask_reverse(&mut self, asks: bool) {
        self.asks = asks;
    }

    /// Addresses whose reverse names are to be asked for now.
    #[must_use = "they count as asked"]
    pub fn questions(&mut self, at: BootTime) -> Vec<IpAddr> {
        if self.asks { self.reverse.next(at) } else { Vec::new() }
    }

    /// What came back: see [`Reverse::learnt`].
    pub fn learnt(&mut self, ip: IpAddr, answer: Result<Option<&str>, Failed>, ttl: Duration, at: BootTime) {
        self.reverse.learnt(ip, answer, ttl, at);
    }

    /// The last resort: the name in the reverse zone. If none is known, it will be asked for.
    pub(crate) fn reverse(&mut self, ip: IpAddr) -> Option<Arc<Name>> {
        let known = self.of_address(ip);
        if known.is_none() && self.asks {
            self.reverse.wants(ip, self.at);
        }
        known
    }
}

impl Names for Directory {
    fn of_address(&self, remote: IpAddr) -> Option<Arc<Name>> {
        self.answers.reverse_of(remote, self.at).or_else(|| self.reverse.name_of(remote, self.at))
    }
}

fn is_dns(sample: &FlowSample, known: &Known) -> bool {
    let port = sample.id.remote.or(sample.socket.remote).map_or(0, |remote| remote.port());
    port == 53 || matches!(known.protocol, Some(Observed::Dns | Observed::Mdns))
}

fn key(sample: &FlowSample) -> Option<Key> {
    let remote = sample.id.remote.or(sample.socket.remote)?;
    Some((sample.id.socket, canonical(remote)))
}
