//! A connection from its beginning to its end, wherever it is in between.

use std::{cmp::Reverse, collections::HashMap, sync::Arc, time::Duration};

use watcher_core::{BootTime, FlowId, FlowRow, FlowSample, FlowState, ProcessInfo, Snapshot, Traffic, names::Known};

use crate::{
    agent::{Ended, Opened},
    top::age,
};

/// A flow and its process.
#[derive(Debug, Clone, PartialEq)]
pub struct Lifecycle {
    /// The flow. Rates are those of nobody in particular.
    pub flow: FlowRow,
    /// Its process.
    pub process: ProcessInfo,
}

impl Lifecycle {
    fn of(sample: &FlowSample, known: &Known, process: &ProcessInfo) -> Self {
        let (rx_bytes, tx_bytes) = (sample.counters.rx_bytes, sample.counters.tx_bytes);
        let traffic = Traffic { rx_bytes, tx_bytes, ..Traffic::default() };
        Self { flow: FlowRow { sample: sample.clone(), traffic, known: known.clone() }, process: process.clone() }
    }

    /// When it began, as far as anybody saw it.
    pub fn began(&self) -> Option<BootTime> {
        let sample = &self.flow.sample;
        sample.socket.opened.or(sample.socket.established).or(sample.counters.first)
    }

    /// When it ended, if it has.
    pub fn ended(&self) -> Option<BootTime> {
        match self.flow.sample.state {
            FlowState::Closed { at, .. } => Some(at),
            FlowState::Open | FlowState::Tcp(_) => None,
        }
    }

    /// How long it has lasted, or did.
    pub fn lasted(&self, now: BootTime) -> Option<Duration> {
        age(&self.flow, now)
    }

    /// Whether it began or ended so long ago, or later.
    pub fn is_within(&self, time: Duration, now: BootTime) -> bool {
        [self.began(), self.ended()].into_iter().flatten().any(|at| now.since(at) <= time)
    }
}

impl From<&Ended> for Lifecycle {
    fn from(ended: &Ended) -> Self {
        Self::of(&ended.sample, &ended.known, &ended.process)
    }
}

impl From<&Opened> for Lifecycle {
    fn from(opened: &Opened) -> Self {
        Self::of(&opened.sample, &opened.known, &opened.process)
    }
}

/// What a snapshot lists and what ended before, each once, newest first; those that began before anybody looked, last.
pub fn merged(snapshot: &Snapshot, ended: &[Arc<Ended>]) -> Vec<Lifecycle> {
    let processes: HashMap<_, _> = snapshot.processes.iter().map(|row| (row.id, &row.info)).collect();
    let mut rows: HashMap<FlowId, Lifecycle> = HashMap::new();
    for ended in ended {
        rows.insert(ended.sample.id, Lifecycle::from(&**ended));
    }
    for flow in &snapshot.flows {
        // The snapshot knows all that was ever told of it.
        let process = processes.get(&flow.sample.id.process).copied().cloned();
        let process = process.or_else(|| rows.remove(&flow.id()).map(|row| row.process)).unwrap_or_default();
        rows.insert(flow.id(), Lifecycle { flow: flow.clone(), process });
    }
    let mut rows: Vec<Lifecycle> = rows.into_values().collect();
    rows.sort_by_key(|row| (Reverse(row.began()), row.flow.id()));
    rows
}
