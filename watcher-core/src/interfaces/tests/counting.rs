//! Absolute counters become what moved, never twice, never negative.

use proptest::prelude::*;

use super::make::{bytes, link, reading, survey};
use crate::interfaces::{Bytes, Counters, Kind, Reading, Since, Survey, standing};

fn moved(counters: &mut Counters, readings: Vec<Reading>) -> Vec<Bytes> {
    counters.take(&survey(readings)).into_iter().map(|moved| moved.bytes).collect()
}

fn seen(nth: u64, rx: u64, tx: u64, reading: Reading) -> Reading {
    Reading { since: Since::Seen { nth, bytes: bytes(rx, tx) }, ..reading }
}

#[test]
fn the_first_survey_is_the_baseline() {
    let mut counters = Counters::default();
    assert_eq!(moved(&mut counters, vec![reading(2, 900, 90), seen(1, 0, 0, reading(3, 5, 5))]), [bytes(0, 0); 2]);
    assert_eq!(moved(&mut counters, vec![reading(2, 950, 91)]), [bytes(50, 1)]);
}

#[test]
fn what_was_seen_to_appear_counts_from_there() {
    let mut counters = Counters::default();
    moved(&mut counters, vec![]);
    // Made here; moved here from another namespace; not seen.
    let readings = vec![seen(1, 0, 0, reading(2, 70, 7)), seen(2, 500, 50, reading(3, 510, 51)), reading(4, 99, 99)];
    assert_eq!(moved(&mut counters, readings), [bytes(70, 7), bytes(10, 1), bytes(0, 0)]);
}

#[test]
fn another_appearance_under_the_same_index_is_another_interface() {
    let mut counters = Counters::default();
    moved(&mut counters, vec![reading(2, 100, 100)]);
    assert_eq!(moved(&mut counters, vec![seen(1, 0, 0, reading(2, 150, 3))]), [bytes(150, 3)]);
    assert_eq!(moved(&mut counters, vec![seen(2, 0, 0, reading(2, 200, 5))]), [bytes(200, 5)]);
    assert_eq!(moved(&mut counters, vec![seen(2, 0, 0, reading(2, 201, 5))]), [bytes(1, 0)]);
}

#[test]
fn what_went_leaves_its_last_bytes() {
    let mut counters = Counters::default();
    moved(&mut counters, vec![reading(2, 100, 100)]);
    let ended = vec![reading(2, 130, 101), seen(1, 0, 0, reading(9, 4, 5))];
    let survey = Survey { ended, ..survey(vec![seen(2, 0, 0, reading(2, 8, 9))]) };
    let moved: Vec<_> = counters.take(&survey).into_iter().map(|moved| moved.bytes).collect();
    assert_eq!(moved, [bytes(30, 1), bytes(4, 5), bytes(8, 9)]);
}

#[test]
fn a_rename_goes_on_and_another_kind_starts_again() {
    let mut counters = Counters::default();
    moved(&mut counters, vec![reading(2, 100, 100)]);
    let renamed = Reading { name: "lan0".into(), ..reading(2, 110, 100) };
    assert_eq!(moved(&mut counters, vec![renamed.clone()]), [bytes(10, 0)]);
    let other = Reading { name: "wg0".into(), kind: Kind::Wireguard, ..reading(2, 500, 500) };
    assert_eq!(moved(&mut counters, vec![other]), [bytes(0, 0)]);
    // Another name and less than before: another interface, of which nothing is known.
    assert_eq!(moved(&mut counters, vec![reading(2, 3, 3)]), [bytes(0, 0)]);
    assert_eq!(moved(&mut counters, vec![Reading { bytes: bytes(2, 9), ..renamed }]), [bytes(0, 0)]);
}

#[test]
fn an_entry_says_where_the_interface_belongs() {
    let mut counters = Counters::default();
    let moved = counters.take(&survey(standing(vec![link(1, "lo", "lo"), link(2, "eth0", "card")])));
    assert_eq!(moved.iter().map(|m| m.apart.is_some()).collect::<Vec<_>>(), [true, false]);
}

fn sum(of: impl Iterator<Item = Bytes>) -> Bytes {
    of.fold(Bytes::default(), |mut sum, more| {
        sum.add(more);
        sum
    })
}

proptest! {
    #[test]
    fn growing_counters_add_up_to_last_less_first(steps in prop::collection::vec((0..1_u64 << 50, 0..1_u64 << 50), 1..60)) {
        let mut counters = Counters::default();
        let mut now = bytes(1 << 40, 7);
        let first = now;
        let mut total = sum(moved(&mut counters, vec![reading(2, now.rx, now.tx)]).into_iter());
        for (rx, tx) in steps {
            now.add(bytes(rx, tx));
            total = sum([total].into_iter().chain(moved(&mut counters, vec![reading(2, now.rx, now.tx)])));
        }
        prop_assert_eq!(total, now.since(first));
    }

    #[test]
    fn a_counter_that_drops_counts_what_it_says_then(values in prop::collection::vec(any::<(u32, u32)>(), 2..60)) {
        let mut counters = Counters::default();
        let mut before: Option<(u32, u32)> = None;
        for (rx, tx) in values {
            let is = moved(&mut counters, vec![reading(2, rx.into(), tx.into())]);
            let one = |now: u32, before: u32| u64::from(if now >= before { now - before } else { now });
            let should = before.map_or(bytes(0, 0), |before| bytes(one(rx, before.0), one(tx, before.1)));
            prop_assert_eq!(is, [should]);
            before = Some((rx, tx));
        }
    }
}
