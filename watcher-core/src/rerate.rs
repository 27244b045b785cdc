//! Rates for one of several readers.
//!
//! An aggregator measures rates from its last snapshot, whoever that was for. Who reads beside others compares its own
//! two snapshots instead.

use std::{collections::HashMap, time::Duration};

use crate::{PerScope, RemoteId, Snapshot, Traffic};

impl Snapshot {
    /// Rates and interval since `earlier`, an earlier snapshot of the same aggregator; none at all without one.
    pub fn rerate(&mut self, earlier: Option<&Self>) {
        self.interval = earlier.map_or(Duration::ZERO, |earlier| self.at.since(earlier.at));
        let time = self.interval;
        let nothing = PerScope::default();
        let before = |find: &dyn Fn(&Self) -> Option<PerScope<Traffic>>| earlier.and_then(find).unwrap_or(nothing);
        let all = &mut self.totals.traffic;
        *all = per_scope(*all, before(&|s| Some(s.totals.traffic)), time);
        for row in &mut self.processes {
            let id = row.id;
            row.traffic = per_scope(row.traffic, before(&|s| s.process(id).map(|row| row.traffic)), time);
        }
        for row in &mut self.flows {
            let id = row.id();
            let known = earlier
                .and_then(|s| Some(&s.flows[s.flows.binary_search_by_key(&id, super::snapshot::FlowRow::id).ok()?]));
            row.traffic = rated(row.traffic, known.map(|row| row.traffic).unwrap_or_default(), time);
        }
        self.rerate_apps();
        self.rerate_remotes(earlier);
    }

    /// An application moves what its processes move; folded ones move nothing.
    fn rerate_apps(&mut self) {
        let mut sums: HashMap<&str, PerScope<Traffic>> = HashMap::new();
        for process in &self.processes {
            let sum = sums.entry(process.info.application_name()).or_default();
            *sum = *sum + process.traffic;
        }
        for app in &mut self.apps {
            let moved = sums.get(&*app.name).copied().unwrap_or_default();
            app.traffic = with_rates_of(app.traffic, moved);
        }
    }

    /// Remotes that have been gathered under no address have taken their bytes there: those did not move just now.
    fn rerate_remotes(&mut self, earlier: Option<&Self>) {
        let time = self.interval;
        let mut known: HashMap<_, PerScope<Traffic>> = HashMap::new();
        for row in earlier.into_iter().flat_map(|earlier| &earlier.remotes) {
            known.insert(row.id(), row.traffic);
        }
        let mut others = known.remove(&RemoteId::default()).unwrap_or_default();
        for row in self.remotes.iter_mut().filter(|row| row.address.is_some()) {
            // One that came back after it had been gathered began from nothing.
            let key = row.id();
            let before = known.get(&key).copied().filter(|before| !is_less(row.traffic, *before));
            if before.is_some() {
                known.remove(&key);
            }
            row.traffic = per_scope(row.traffic, before.unwrap_or_default(), time);
        }
        for gathered in known.into_values() {
            others = others + gathered;
        }
        for row in self.remotes.iter_mut().filter(|row| row.address.is_none()) {
            row.traffic = per_scope(row.traffic, others, time);
        }
    }
}

fn per_scope(now: PerScope<Traffic>, before: PerScope<Traffic>, time: Duration) -> PerScope<Traffic> {
    PerScope {
        network: rated(now.network, before.network, time),
        loopback: rated(now.loopback, before.loopback, time),
        packet: rated(now.packet, before.packet, time),
    }
}

fn rated(now: Traffic, before: Traffic, time: Duration) -> Traffic {
    let rate = |now: u64, before: u64| {
        if time.is_zero() { 0.0 } else { now.saturating_sub(before) as f64 / time.as_secs_f64() }
    };
    Traffic { rx_rate: rate(now.rx_bytes, before.rx_bytes), tx_rate: rate(now.tx_bytes, before.tx_bytes), ..now }
}

fn with_rates_of(bytes: PerScope<Traffic>, rates: PerScope<Traffic>) -> PerScope<Traffic> {
    let both = |bytes: Traffic, rates: Traffic| Traffic { rx_rate: rates.rx_rate, tx_rate: rates.tx_rate, ..bytes };
    PerScope {
        network: both(bytes.network, rates.network),
        loopback: both(bytes.loopback, rates.loopback),
        packet: both(bytes.packet, rates.packet),
    }
}

fn is_less(now: PerScope<Traffic>, before: PerScope<Traffic>) -> bool {
    let less = |now: Traffic, before: Traffic| now.rx_bytes < before.rx_bytes || now.tx_bytes < before.tx_bytes;
    less(now.network, before.network) || less(now.loopback, before.loopback) || less(now.packet, before.packet)
}
