//! Bytes so far, and what they were at the snapshot before: all that a rate needs.

use std::{ops::AddAssign, time::Duration};

use crate::{PerScope, Traffic};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bytes {
    pub rx: u64,
    pub tx: u64,
}

impl Bytes {
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// What `self` has beyond `old`; a smaller counter is a stale one and adds nothing.
    pub fn beyond(self, old: Self) -> Self {
        Self { rx: self.rx.saturating_sub(old.rx), tx: self.tx.saturating_sub(old.tx) }
    }

    /// As traffic of the past.
    pub fn at_rest(self) -> Traffic {
        Traffic { rx_bytes: self.rx, tx_bytes: self.tx, ..Traffic::default() }
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, o: Self) {
        self.rx += o.rx;
        self.tx += o.tx;
    }
}

impl PerScope<Bytes> {
    pub(super) fn absorb(&mut self, o: Self) {
        self.network += o.network;
        self.loopback += o.loopback;
        self.packet += o.packet;
    }

    pub(super) fn is_zero(self) -> bool {
        self == Self::default()
    }
}

/// A running total with the mark of the snapshot before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    now: Bytes,
    before: Bytes,
}

impl Sum {
    pub fn add(&mut self, delta: Bytes) {
        self.now += delta;
    }

    /// Adds what was already reported elsewhere: it changes the total and not the rate.
    pub fn absorb(&mut self, reported: Bytes) {
        self.now += reported;
        self.before += reported;
    }

    pub fn bytes(self) -> Bytes {
        self.now
    }

    /// The total, the rate since the last call, and a new mark.
    pub fn report(&mut self, interval: Duration) -> Traffic {
        let delta = self.now.beyond(self.before);
        self.before = self.now;
        Traffic {
            rx_bytes: self.now.rx,
            tx_bytes: self.now.tx,
            rx_rate: rate(delta.rx, interval),
            tx_rate: rate(delta.tx, interval),
        }
    }
}

impl PerScope<Sum> {
    pub(super) fn report(&mut self, interval: Duration) -> PerScope<Traffic> {
        PerScope {
            network: self.network.report(interval),
            loopback: self.loopback.report(interval),
            packet: self.packet.report(interval),
        }
    }

    pub(super) fn bytes(&self) -> PerScope<Bytes> {
        self.map(Sum::bytes)
    }

    pub(super) fn absorb(&mut self, o: PerScope<Bytes>) {
        self.network.absorb(o.network);
        self.loopback.absorb(o.loopback);
        self.packet.absorb(o.packet);
    }
}

/// Without time there is no rate.
fn rate(bytes: u64, interval: Duration) -> f64 {
    if interval.is_zero() { 0.0 } else { bytes as f64 / interval.as_secs_f64() }
}
