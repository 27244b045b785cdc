//! The seam for whatever else adds up: what a batch brought, after repeats and stale readings are taken off.
//!
//! Counters become deltas in one place, [`super::Aggregator::apply_with`]. A window, or a history, listens there instead
//! of comparing counters a second time: so the sum of what observers were told is the aggregator's own total, to the byte.

use std::net::IpAddr;

use crate::{FlowSample, Lifecycles, Losses, PerScope, ProcessEvent, ProcessInfo, Scope, Truth, names::Known};

/// What one sample added.
#[derive(Debug, Clone, Copy)]
pub struct Delta<'a> {
    /// As the collector gave it: its counters are absolute, its socket may lack what an earlier sample told.
    pub sample: &'a FlowSample,
    /// What is known of the process by now.
    pub info: &'a ProcessInfo,
    /// Bytes received since the last sample of this flow.
    pub rx_bytes: u64,
    /// Bytes sent since then.
    pub tx_bytes: u64,
    /// The sum that they belong to. It can differ from the sample's: a flow keeps its first.
    pub scope: Scope,
    /// The address that they are charged to.
    pub remote: Option<IpAddr>,
    /// What is known of who is there.
    pub known: &'a Known,
    /// The first sample of this flow.
    pub first: bool,
    /// The sample that ended it.
    pub ended: bool,
    /// Connections that went through a stage with this sample. A socket is counted once, however many processes use it.
    pub lifecycles: Lifecycles,
    /// Open flows of the process, this sample taken in.
    pub open: PerScope<u32>,
}

/// Listens to an aggregator. Events of a batch come before its flows, in the batch's order; then [`Observer::losses`].
pub trait Observer {
    /// Something happened to a process.
    fn process(&mut self, event: &ProcessEvent) {
        let _ = event;
    }

    /// A flow was read. Without news the delta is zero.
    fn flow(&mut self, delta: &Delta<'_>);

    /// What got lost since the batch before, and what the sockets that ended since then did not balance by. `truth`
    /// does not repeat the unattributed bytes of `losses`.
    fn losses(&mut self, losses: &Losses, truth: &Truth) {
        let _ = (losses, truth);
    }
}

/// Somebody listens, or nobody.
impl<T: Observer> Observer for Option<T> {
    fn process(&mut self, event: &ProcessEvent) {
        if let Some(listener) = self {
            listener.process(event);
        }
    }

    fn flow(&mut self, delta: &Delta<'_>) {
        if let Some(listener) = self {
            listener.flow(delta);
        }
    }

    fn losses(&mut self, losses: &Losses, truth: &Truth) {
        if let Some(listener) = self {
            listener.losses(losses, truth);
        }
    }
}

/// Nobody listens.
impl Observer for () {
    fn flow(&mut self, _: &Delta<'_>) {}
}
