//! The table of flows: absolute counters in, deltas out.

use std::{
    collections::{VecDeque, hash_map},
    net::IpAddr,
    time::Duration,
};

use super::{
    FastMap, FastSet, Retention, shrink,
    sum::{Bytes, Sum},
};
use crate::{
    BootTime, CloseReason, Counters, Direction, FlowId, FlowRow, FlowSample, FlowState, RemoteId, Scope, SocketId,
    SocketInfo,
    names::{Directory, Known},
};

/// Folded flows whose counters are still remembered, so that a late sample of one adds only what is new. With some thousand
/// listed ones a table of 32,768 buckets holds them.
const MAX_REMEMBERED: usize = 24_576;

/// What one sample changed.
#[derive(Debug)]
pub(super) struct Change {
    pub delta: Bytes,
    pub scope: Scope,
    pub remote: RemoteId,
    /// What is known of it.
    pub known: Known,
    /// The remote before, where the flow has just changed it.
    pub moved_from: Option<RemoteId>,
    /// The scope before, where the open flow has just changed it.
    pub rescoped_from: Option<Scope>,
    /// The first sample of this flow.
    pub first: bool,
    /// The sample that ended it.
    pub ended: bool,
    /// Whether it was open before this sample.
    pub was_open: bool,
    /// Whether the life of the socket may have gone on.
    pub life: bool,
}

/// A flow that has just left the list.
#[derive(Debug)]
pub(super) struct Left {
    pub id: FlowId,
    pub remote: RemoteId,
}

#[derive(Debug)]
struct Flow {
    /// The newest state of every field that a sample has.
    sample: FlowSample,
    sum: Sum,
    known: Known,
}

#[derive(Debug)]
enum Entry {
    Listed(Box<Flow>),
    /// Ended and out of the list; its counters.
    Folded(Bytes),
}

#[derive(Debug, Default)]
pub(super) struct Flows {
    entries: FastMap<FlowId, Entry>,
    /// Ended and listed, in the order of ending.
    ended: VecDeque<FlowId>,
    /// Folded, in the order of folding.
    folded: VecDeque<FlowId>,
}

impl Flows {
    pub fn observe(&mut self, sample: &FlowSample, directory: &Directory) -> Change {
        let change = match self.entries.entry(sample.id) {
            hash_map::Entry::Vacant(slot) => {
                let flow = Flow::new(sample, directory);
                let change = flow.birth();
                slot.insert(Entry::Listed(Box::new(flow)));
                change
            }
            hash_map::Entry::Occupied(slot) => match slot.into_mut() {
                Entry::Listed(flow) => flow.observe(sample, directory),
                Entry::Folded(counted) => late(counted, sample, directory),
            },
        };
        if change.ended {
            self.ended.push_back(sample.id);
        }
        change
    }

    /// The ends of open flows whose sockets have ended unseen.
    pub fn ends_of(&self, vanished: &[SocketId], at: BootTime) -> Vec<FlowSample> {
        if vanished.is_empty() {
            return Vec::new();
        }
        let vanished: FastSet<SocketId> = vanished.iter().copied().collect();
        let mut ends: Vec<FlowSample> = Vec::new();
        for entry in self.entries.values() {
            if let Entry::Listed(flow) = entry
                && !flow.is_ended()
                && vanished.contains(&flow.sample.id.socket)
            {
                ends.push(FlowSample {
                    state: FlowState::Closed { reason: CloseReason::Released, at },
                    ..flow.sample.clone()
                });
            }
        }
        ends
    }

    /// Every listed flow.
    pub fn rows(&mut self, interval: Duration) -> Vec<FlowRow> {
        let mut rows: Vec<FlowRow> = Vec::with_capacity(self.entries.len() - self.folded.len());
        rows.extend(self.entries.values_mut().filter_map(|entry| match entry {
            Entry::Listed(flow) => Some(FlowRow {
                sample: flow.sample.clone(),
                traffic: flow.sum.report(interval),
                known: flow.known.clone(),
            }),
            Entry::Folded(_) => None,
        }));
        rows.sort_unstable_by_key(FlowRow::id);
        rows
    }

    /// Takes ended flows off the list: those that are too old, too many, or whose process `is_gone`.
    pub fn fold(&mut self, now: BootTime, keep: &Retention, is_gone: impl Fn(&FlowId) -> bool) -> Vec<Left> {
        let too_many = self.ended.len().saturating_sub(keep.max_ended_flows);
        let mut left = Vec::new();
        let (entries, folded) = (&mut self.entries, &mut self.folded);
        let mut index = 0;
        self.ended.retain(|id| {
            index += 1;
            let Some(entry) = entries.get_mut(id) else { return false };
            let Entry::Listed(flow) = entry else { return false };
            if index > too_many && now.since(flow.ended_at()) <= keep.ended_flow && !is_gone(id) {
                return true;
            }
            left.push(Left { id: *id, remote: flow.remote() });
            *entry = Entry::Folded(flow.sum.bytes());
            folded.push_back(*id);
            false
        });
        shrink::queue(&mut self.ended);
        left
    }

    /// Forgets the oldest folded flows and returns them.
    pub fn forget(&mut self) -> impl Iterator<Item = FlowId> {
        let surplus = self.folded.len().saturating_sub(MAX_REMEMBERED);
        let forgotten: Vec<FlowId> = self.folded.drain(..surplus).collect();
        for id in &forgotten {
            self.entries.remove(id);
        }
        shrink::queue(&mut self.folded);
        shrink::map(&mut self.entries);
        forgotten.into_iter()
    }
}

impl Flow {
    fn new(sample: &FlowSample, directory: &Directory) -> Self {
        let mut sum = Sum::default();
        sum.add(bytes(&sample.counters));
        Self { sample: sample.clone(), sum, known: directory.introduce(sample) }
    }

    fn birth(&self) -> Change {
        Change {
            delta: self.sum.bytes(),
            scope: self.sample.scope,
            remote: self.remote(),
            known: self.known.clone(),
            moved_from: None,
            rescoped_from: None,
            first: true,
            ended: self.is_ended(),
            was_open: false,
            life: true,
        }
    }

    fn observe(&mut self, new: &FlowSample, directory: &Directory) -> Change {
        let delta = bytes(&new.counters).beyond(self.sum.bytes());
        let was_ended = self.is_ended();
        let old_remote = self.remote();
        let (old_stage, old_scope) = (self.stage(), self.sample.scope);
        let is_stale = is_behind(&new.counters, &self.sample.counters);
        let closes = matches!(new.state, FlowState::Closed { .. });
        if !was_ended && (closes || !is_stale) {
            self.sample.state = new.state;
        }
        // A scope that changed after bytes were charged would tear sums apart.
        if self.sum.bytes().is_zero() && !was_ended && !is_stale {
            self.sample.scope = new.scope;
        }
        merge_socket(&mut self.sample.socket, &new.socket, is_stale);
        merge_counters(&mut self.sample.counters, &new.counters);
        self.sample.kernel = self.sample.kernel.or(new.kernel);
        if !is_stale {
            self.sample.wire.clone_from(&new.wire);
        }
        self.sum.add(delta);
        directory.tell(&self.sample, &mut self.known);
        let remote = self.remote();
        Change {
            delta,
            scope: self.sample.scope,
            moved_from: (remote != old_remote).then_some(old_remote),
            remote,
            known: self.known.clone(),
            rescoped_from: (self.sample.scope != old_scope).then_some(old_scope),
            first: false,
            ended: closes && !was_ended,
            was_open: !was_ended,
            life: new.kernel.is_some() || old_stage != self.stage(),
        }
    }

    /// Whatever the life of a connection is judged by.
    fn stage(&self) -> (FlowState, bool, bool) {
        (self.sample.state, self.sample.socket.opened.is_some(), self.sample.socket.established.is_some())
    }

    fn is_ended(&self) -> bool {
        matches!(self.sample.state, FlowState::Closed { .. })
    }

    fn ended_at(&self) -> BootTime {
        match self.sample.state {
            FlowState::Closed { at, .. } => at,
            FlowState::Open | FlowState::Tcp(_) => BootTime(u64::MAX),
        }
    }

    fn remote(&self) -> RemoteId {
        RemoteId { address: address(&self.sample), name: self.known.name.clone() }
    }
}

/// A sample of a flow that has left the list. It was reported as ended and stays so; bytes are bytes.
fn late(counted: &mut Bytes, sample: &FlowSample, directory: &Directory) -> Change {
    let known = directory.introduce(sample);
    let delta = bytes(&sample.counters).beyond(*counted);
    *counted += delta;
    Change {
        delta,
        scope: sample.scope,
        remote: RemoteId { address: address(sample), name: known.name.clone() },
        known,
        moved_from: None,
        rescoped_from: None,
        first: false,
        ended: false,
        was_open: false,
        life: true,
    }
}

fn address(sample: &FlowSample) -> Option<IpAddr> {
    sample.id.remote.or(sample.socket.remote).map(|address| address.ip().to_canonical())
}

fn bytes(counters: &Counters) -> Bytes {
    Bytes { rx: counters.rx_bytes, tx: counters.tx_bytes }
}

/// Whether `new` was taken before `old`: counters only grow.
fn is_behind(new: &Counters, old: &Counters) -> bool {
    new.rx_bytes < old.rx_bytes
        || new.tx_bytes < old.tx_bytes
        || new.rx_calls < old.rx_calls
        || new.tx_calls < old.tx_calls
}

fn merge_counters(known: &mut Counters, new: &Counters) {
    known.tx_bytes = known.tx_bytes.max(new.tx_bytes);
    known.rx_bytes = known.rx_bytes.max(new.rx_bytes);
    known.tx_calls = known.tx_calls.max(new.tx_calls);
    known.rx_calls = known.rx_calls.max(new.rx_calls);
    known.first = match (known.first, new.first) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    known.last = known.last.max(new.last);
}

/// What was known of a socket stays known: a later sample may come from a hook that sees less.
fn merge_socket(known: &mut SocketInfo, new: &SocketInfo, is_stale: bool) {
    let old = known.clone();
    if !is_stale {
        known.clone_from(new);
    }
    known.remote = known.remote.or(old.remote).or(new.remote);
    known.opened = old.opened.or(new.opened);
    known.established = old.established.or(new.established);
    if known.direction == Direction::Unknown {
        known.direction = if old.direction == Direction::Unknown { new.direction } else { old.direction };
    }
}
