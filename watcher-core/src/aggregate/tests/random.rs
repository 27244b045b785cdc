//! Any interleaving of samples, repeats, ends and folding adds up to the final counters.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    folding::assert_whole,
    make::{Rig, closed, exited, flow, in_scope, seen, to},
};
use crate::{FlowSample, Scope};

#[derive(Debug, Clone)]
pub enum Step {
    /// Flow (process, socket) moves bytes; the sample may come twice.
    Move {
        process: u32,
        socket: u64,
        rx: u64,
        tx: u64,
        twice: bool,
    },
    Close {
        process: u32,
        socket: u64,
        late_again: bool,
    },
    /// An older sample comes again.
    Stale {
        nth: usize,
    },
    Name {
        process: u32,
        name: u8,
    },
    Exit {
        process: u32,
    },
    Snapshot {
        seconds: u64,
    },
}

pub fn step() -> impl Strategy<Value = Step> {
    let (process, socket) = (1..6_u32, 0..12_u64);
    prop_oneof![
        6 => (process.clone(), socket.clone(), 0..1_000_u64, 0..1_000_u64, any::<bool>())
            .prop_map(|(process, socket, rx, tx, twice)| Step::Move { process, socket, rx, tx, twice }),
        2 => (process.clone(), socket, any::<bool>())
            .prop_map(|(process, socket, late_again)| Step::Close { process, socket, late_again }),
        2 => any::<prop::sample::Index>().prop_map(|nth| Step::Stale { nth: nth.index(1 << 20) }),
        1 => (process.clone(), 0..3_u8).prop_map(|(process, name)| Step::Name { process, name }),
        1 => process.prop_map(|process| Step::Exit { process }),
        2 => (0..20_u64).prop_map(|seconds| Step::Snapshot { seconds }),
    ]
}

fn sample(process: u32, socket: u64, rx: u64, tx: u64) -> FlowSample {
    let scope = [Scope::Network, Scope::Loopback, Scope::Packet][socket as usize % 3];
    in_scope(to(flow(process, socket, rx, tx), &format!("10.0.0.{}:1", socket % 4)), scope)
}

/// What a collector would hold: absolute counters, and which flows are closed.
#[derive(Default)]
pub struct Truth {
    counters: BTreeMap<(u32, u64), (u64, u64, bool)>,
    history: Vec<FlowSample>,
}

impl Truth {
    pub fn samples(&mut self, step: &Step, now: u64) -> Vec<FlowSample> {
        let new = match *step {
            Step::Move { process, socket, rx, tx, twice } => {
                let flow = self.counters.entry((process, socket)).or_default();
                if flow.2 {
                    return vec![];
                }
                (flow.0, flow.1) = (flow.0 + rx, flow.1 + tx);
                vec![sample(process, socket, flow.0, flow.1); 1 + usize::from(twice)]
            }
            Step::Close { process, socket, late_again } => {
                let flow = self.counters.entry((process, socket)).or_default();
                flow.2 = true;
                vec![closed(sample(process, socket, flow.0, flow.1), now); 1 + usize::from(late_again)]
            }
            Step::Stale { nth } if !self.history.is_empty() => vec![self.history[nth % self.history.len()].clone()],
            _ => vec![],
        };
        self.history.extend(new.iter().cloned());
        new
    }

    pub fn received(&self) -> u64 {
        self.counters.values().map(|flow| flow.0).sum()
    }

    pub fn sent(&self) -> u64 {
        self.counters.values().map(|flow| flow.1).sum()
    }
}

proptest! {
    #[test]
    fn every_sum_is_the_sum_of_the_final_counters(
        steps in prop::collection::vec(step(), 1..200),
        forgetful in any::<bool>(),
    ) {
        let mut rig = if forgetful { Rig::forgetful() } else { Rig::new() };
        let (mut truth, mut now) = (Truth::default(), 1);
        for step in &steps {
            let events = match *step {
                Step::Name { process, name } => vec![seen(process, &format!("app{name}"), Some(process - 1))],
                Step::Exit { process } => vec![exited(process, now)],
                _ => vec![],
            };
            let flows = truth.samples(step, now);
            rig.apply(now, events, flows);
            if let Step::Snapshot { seconds } = step {
                assert_whole(&rig.snapshot());
                now += seconds;
            }
        }
        let snapshot = rig.snapshot();
        prop_assert_eq!(assert_whole(&snapshot), truth.received());
        let sent = snapshot.totals.traffic;
        prop_assert_eq!(sent.network.tx_bytes + sent.loopback.tx_bytes + sent.packet.tx_bytes, truth.sent());
        // A socket closes with its first closed flow, and is one connection.
        let sockets = |closed: bool| {
            let flows = truth.counters.iter().filter(|(_, flow)| !closed || flow.2);
            flows.map(|((_, socket), _)| *socket).collect::<std::collections::BTreeSet<_>>().len() as u64
        };
        prop_assert_eq!(snapshot.totals.lifecycles.opened, sockets(false));
        prop_assert_eq!(snapshot.totals.lifecycles.closed, sockets(true));
        // Nothing is left of what has ended, but what was reported just now.
        if forgetful {
            let open = truth.counters.values().filter(|flow| !flow.2).count();
            let next = rig.step(now + 1, vec![], vec![]);
            prop_assert_eq!(next.flows.len(), open);
        }
    }
}
