//! Who reads beside others sees the rates that it would see alone.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use super::{
    make::{Rig, exited, seen},
    random::{Step, Truth, step},
};
use crate::{Aggregator, Retention, Snapshot, Traffic};

/// Rates of what both snapshots list, by name, and bytes with them.
fn rates(snapshot: &Snapshot) -> BTreeMap<String, [Traffic; 3]> {
    let processes = snapshot.processes.iter().map(|row| (format!("process {:?}", row.id), row.traffic));
    let remotes = snapshot.remotes.iter().map(|row| (format!("remote {:?}", row.address), row.traffic));
    let flows = snapshot.flows.iter().map(|row| (format!("flow {:?}", row.id()), [row.traffic; 3]));
    let total = ("total".to_owned(), snapshot.totals.traffic);
    let scoped = processes.chain(remotes).chain([total]);
    scoped.map(|(name, t)| (name, [t.network, t.loopback, t.packet])).chain(flows).collect()
}

fn moved(traffic: [Traffic; 3], seconds: f64) -> u64 {
    traffic.iter().map(|t| ((t.rx_rate + t.tx_rate) * seconds).round() as u64).sum()
}

/// Forgets nothing.
fn remembering() -> Rig {
    Rig(Aggregator::new(Retention {
        ended_flow: Duration::MAX,
        max_ended_flows: usize::MAX,
        ended_process: Duration::MAX,
        max_ended_processes: usize::MAX,
        max_remotes: usize::MAX,
    }))
}

proptest! {
    /// One aggregator has a reader who comes now and then; another one has a second reader in between.
    #[test]
    fn a_reader_beside_others_sees_the_rates_of_one_alone(
        steps in prop::collection::vec((step(), any::<bool>()), 1..150),
        forgetful in any::<bool>(),
    ) {
        let rig = || if forgetful { Rig::forgetful() } else { remembering() };
        let (mut alone, mut beside) = (rig(), rig());
        let (mut truth, mut now, mut earlier) = (Truth::default(), 1, None::<Snapshot>);
        for (step, is_ours) in &steps {
            let events = match *step {
                Step::Name { process, name } => vec![seen(process, &format!("app{name}"), Some(process - 1))],
                Step::Exit { process } => vec![exited(process, now)],
                _ => vec![],
            };
            let flows = truth.samples(step, now);
            alone.apply(now, events.clone(), flows.clone());
            beside.apply(now, events, flows);
            let Step::Snapshot { seconds } = step else { continue };
            let mut snapshot = beside.snapshot();
            if *is_ours {
                let expected = alone.snapshot();
                snapshot.rerate(earlier.as_ref());
                prop_assert_eq!(snapshot.interval, expected.interval);
                let (ours, theirs) = (rates(&snapshot), rates(&expected));
                // Who forgets earlier than the other one may count a row anew; sums stay.
                let both = |name: &String| !forgetful || name == "total";
                for (name, traffic) in ours.iter().filter(|(name, _)| both(name)) {
                    if let Some(expected) = theirs.get(name) {
                        prop_assert_eq!(traffic, expected, "{}", name);
                    }
                }
                // Whatever was gathered meanwhile: remotes together move what everything moves.
                let time = snapshot.interval.as_secs_f64();
                let remotes = ours.iter().filter(|(name, _)| name.starts_with("remote"));
                prop_assert_eq!(remotes.map(|(_, t)| moved(*t, time)).sum::<u64>(), moved(ours["total"], time));
                let ids = |s: &Snapshot| {
                    s.processes.iter().map(|row| (row.id, row.info.name.clone())).collect::<Vec<_>>()
                };
                if ids(&snapshot) == ids(&expected) && !forgetful {
                    let apps = |s: &Snapshot| s.apps.iter().map(|row| (row.name.clone(), row.traffic)).collect::<Vec<_>>();
                    prop_assert_eq!(apps(&snapshot), apps(&expected));
                }
                earlier = Some(snapshot);
            }
            now += seconds;
        }
    }
}
