//! Every line adds up to the aggregator's own sum.

use std::collections::HashMap;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::{
    Aggregator, Batch, Retention, Scope,
    aggregate::tests::make::{flow, in_scope, second, seen, to},
    history::{Entry, Kind, Ledger, Subject},
};

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

struct Rig {
    sums: Aggregator,
    ledger: Ledger,
    now: u64,
}

impl Rig {
    fn new() -> Self {
        Self { sums: Aggregator::new(Retention::default()), ledger: Ledger::new(false), now: 0 }
    }

    fn read(&mut self, mut batch: Batch) {
        self.now += 1;
        batch.at = second(self.now);
        self.sums.apply_with(&batch, &mut self.ledger);
        self.ledger.end_second(moment(self.now.cast_signed()), 1_000_000_000);
    }
}

fn sums(entries: &[Entry], of: Kind, scope: Scope) -> (u64, u64) {
    let rows = entries.iter().filter(|row| row.series.subject.kind() == of && row.series.scope == scope);
    rows.fold((0, 0), |(rx, tx), row| (rx + row.amount.rx_bytes, tx + row.amount.tx_bytes))
}

#[test]
fn a_peak_is_the_largest_second_of_all_together() {
    let mut rig = Rig::new();
    let flows = |a, b| Batch { flows: vec![flow(1, 1, a, 0), flow(2, 2, b, 0)], ..Batch::default() };
    rig.read(Batch { processes: vec![seen(1, "a", None), seen(2, "b", None)], ..flows(0, 0) });
    rig.read(flows(100, 10));
    rig.read(flows(100, 95));
    rig.read(flows(130, 125));
    let peaks: HashMap<String, u64> = rig
        .ledger
        .take()
        .iter()
        .filter_map(|row| match &row.series.subject {
            Subject::Application(app) => Some((app.name.to_string(), row.amount.rx_peak)),
            Subject::Total => Some(("total".to_owned(), row.amount.rx_peak)),
            _ => None,
        })
        .collect();
    // 110 in the first second, 85 and 60 after it.
    assert_eq!(peaks, HashMap::from([("a".into(), 100), ("b".into(), 85), ("total".into(), 110)]));
}

#[test]
fn what_is_written_in_the_middle_of_a_second_is_part_of_its_peak() {
    let mut ledger = Ledger::new(false);
    let name = "eth0".into();
    ledger.interface(&name, false, 10, 1);
    ledger.enter_now(moment(0));
    let first = ledger.take();
    ledger.interface(&name, false, 20, 2);
    ledger.end_second(moment(1), 1_000_000_000);
    let second = ledger.take();
    ledger.end_second(moment(2), 1_000_000_000);
    assert!(ledger.take().is_empty());
    let amounts = [first[0].amount, second[0].amount].map(|amount| (amount.rx_bytes, amount.rx_peak));
    assert_eq!(amounts, [(10, 0), (20, 30)]);
}

#[test]
fn a_late_reading_is_no_peak() {
    let mut ledger = Ledger::new(false);
    ledger.interface(&"eth0".into(), false, 3_000, 300);
    ledger.end_second(moment(0), 3_000_000_000);
    let rows = ledger.take();
    assert_eq!((rows[0].amount.rx_bytes, rows[0].amount.rx_peak, rows[0].amount.tx_peak), (3_000, 1_000, 100));
}

#[test]
fn a_process_that_executes_another_program_goes_on_under_its_name() {
    let mut rig = Rig::new();
    rig.read(Batch { processes: vec![seen(1, "sh", None)], flows: vec![flow(1, 1, 10, 0)], ..Batch::default() });
    rig.read(Batch { processes: vec![seen(1, "curl", None)], flows: vec![flow(1, 1, 30, 0)], ..Batch::default() });
    let mut names: Vec<(String, u64)> = rig
        .ledger
        .take()
        .iter()
        .filter_map(|row| match &row.series.subject {
            Subject::Process(program) => Some((program.name.to_string(), row.amount.rx_bytes)),
            _ => None,
        })
        .collect();
    names.sort();
    assert_eq!(names, [("curl".to_owned(), 20), ("sh".to_owned(), 10)]);
}

#[test]
fn what_could_not_be_written_waits_without_limit_of_time_and_within_one_of_room() {
    let mut rig = Rig::new();
    let flows = |round: u64| {
        let flows = (0..40_u64).map(|at| {
            let remote = format!("10.{}.{}.{at}:443", 1 + round / 250, round % 250);
            to(flow(1, 1_000 * (round + 1) + at, 5, 7), &remote)
        });
        Batch { flows: flows.collect(), ..Batch::default() }
    };
    rig.read(Batch { processes: vec![seen(1, "a", None)], ..Batch::default() });
    for round in 0..2_000 {
        rig.now += 59;
        rig.read(flows(round));
        if round % 500 == 0 {
            let waiting = rig.ledger.take();
            rig.ledger.give_back(waiting);
        }
    }
    let waiting = rig.ledger.take();
    assert!(waiting.len() < 66_000, "{}", waiting.len());
    for kind in [Kind::Total, Kind::Application, Kind::Process, Kind::Remote, Kind::User] {
        assert_eq!(sums(&waiting, kind, Scope::Network), (2_000 * 40 * 5, 2_000 * 40 * 7), "{kind:?}");
    }
}

proptest! {
    #[test]
    fn each_line_adds_up_to_the_total(
        readings in proptest::collection::vec(proptest::collection::vec((1_u32..6, 0_u64..12, 0_u64..1_000, 0_u64..1_000), 0..20), 1..30),
    ) {
        let mut rig = Rig::new();
        rig.read(Batch { processes: (1..6).map(|pid| seen(pid, ["sh", "curl", "web"][pid as usize % 3], None)).collect(), ..Batch::default() });
        let mut counters: HashMap<(u32, u64), (u64, u64)> = HashMap::new();
        for reading in readings {
            let mut flows = Vec::new();
            for (pid, cookie, rx, tx) in reading {
                let sum = counters.entry((pid, cookie)).or_default();
                *sum = (sum.0 + rx, sum.1 + tx);
                let scope = [Scope::Network, Scope::Loopback, Scope::Packet][cookie as usize % 3];
                let remote = format!("10.0.0.{}:443", cookie % 5);
                flows.push(in_scope(to(flow(pid, u64::from(pid) * 100 + cookie, sum.0, sum.1), &remote), scope));
            }
            rig.read(Batch { flows, ..Batch::default() });
        }
        let snapshot = rig.sums.snapshot(&crate::aggregate::tests::make::quality());
        let entries = rig.ledger.take();
        let of_seconds = |of: Kind, scope: Scope| {
            let rows = rig.ledger.seconds().iter().filter(|(_, series, ..)| series.subject.kind() == of && series.scope == scope);
            rows.fold((0, 0), |(a, b), (_, _, rx, tx)| (a + rx, b + tx))
        };
        for scope in [Scope::Network, Scope::Loopback, Scope::Packet] {
            let total = snapshot.totals.traffic.get(scope);
            for kind in [Kind::Total, Kind::Application, Kind::Process, Kind::Remote, Kind::User] {
                prop_assert_eq!(sums(&entries, kind, scope), (total.rx_bytes, total.tx_bytes), "{:?} {:?}", kind, scope);
                prop_assert_eq!(of_seconds(kind, scope), (total.rx_bytes, total.tx_bytes));
            }
        }
        let ip = snapshot.totals.traffic.ip(true);
        prop_assert_eq!(sums(&entries, Kind::Ip, Scope::Network), (ip.rx_bytes, ip.tx_bytes));
        prop_assert!(entries.iter().all(|row| row.amount.bytes() > 0 && row.minute.as_second() % 60 == 0));
    }
}
