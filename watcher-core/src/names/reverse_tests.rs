use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use proptest::prelude::*;

use super::{BURST, Failed, MAX_KNOWN, MAX_QUEUE, Reverse};
use crate::{BootTime, names::NameSource};

const HOUR: u64 = 3_600;

fn at(millis: u64) -> BootTime {
    BootTime(millis * 1_000_000)
}

fn public(n: u32) -> IpAddr {
    Ipv4Addr::from(0x0800_0000 + n).into()
}

fn name(reverse: &Reverse, ip: IpAddr, seconds: u64) -> Option<String> {
    let name = reverse.name_of(ip, at(seconds * 1_000))?;
    assert_eq!(name.source(), NameSource::Ptr);
    Some(name.domain().to_owned())
}

/// One that has asked for `public(1)` at second 0 and got this.
fn answered(answer: Result<Option<&str>, Failed>, ttl: u64) -> Reverse {
    let mut reverse = Reverse::new();
    assert!(reverse.wants(public(1), at(0)));
    assert_eq!(reverse.next(at(0)), [public(1)]);
    reverse.learnt(public(1), answer, Duration::from_secs(ttl), at(0));
    reverse
}

#[test]
fn only_public_addresses_are_asked_for_and_once() {
    let mut reverse = Reverse::new();
    for ip in ["10.0.0.1", "127.0.0.1", "fe80::1", "fd00::1", "100.64.0.1", "192.0.2.1", "2002:a00:1::1"] {
        assert!(!reverse.wants(ip.parse().unwrap(), at(0)), "{ip}");
    }
    assert!(reverse.wants("8.8.8.8".parse().unwrap(), at(0)));
    assert!(!reverse.wants("::ffff:8.8.8.8".parse().unwrap(), at(0)));
    assert_eq!(reverse.next(at(0)), ["8.8.8.8".parse::<IpAddr>().unwrap()]);
    assert!(!reverse.wants("8.8.8.8".parse().unwrap(), at(1)));
    assert!(reverse.next(at(1_000)).is_empty());
}

#[test]
fn a_question_that_is_lost_may_be_asked_again() {
    let mut reverse = Reverse::new();
    reverse.wants(public(1), at(0));
    assert_eq!(reverse.next(at(0)).len(), 1);
    assert!(!reverse.wants(public(1), at(59_000)));
    assert!(reverse.wants(public(1), at(60_000)));
}

#[test]
fn twenty_at_once_then_five_a_second() {
    let mut reverse = Reverse::new();
    (0..100).for_each(|n| assert!(reverse.wants(public(n), at(0))));
    assert_eq!(reverse.next(at(0)).len(), 20);
    assert_eq!(reverse.next(at(199)).len(), 0);
    assert_eq!(reverse.next(at(200)).len(), 1);
    assert_eq!(reverse.next(at(1_200)).len(), 5);
    // Time that goes backwards gives nothing.
    assert_eq!(reverse.next(at(0)).len(), 0);
    assert_eq!(reverse.next(at(1_200)).len(), 0);
    assert_eq!(reverse.next(at(3_600_000)).len(), 20);
}

#[test]
fn a_name_holds_from_an_hour_to_a_day() {
    for (ttl, life) in [(0, HOUR), (2 * HOUR, 2 * HOUR), (u64::from(u32::MAX), 24 * HOUR)] {
        let mut reverse = answered(Ok(Some("Host.Example.")), ttl);
        assert_eq!(name(&reverse, public(1), life - 1), Some("host.example".to_owned()), "{ttl}");
        assert!(!reverse.wants(public(1), at((life - 1) * 1_000)));
        assert_eq!(name(&reverse, public(1), life), None, "{ttl}");
        assert!(reverse.wants(public(1), at(life * 1_000)));
    }
}

#[test]
fn no_name_no_host_name_and_no_answer_hold_for_minutes() {
    let cases = [
        (Ok(None), 0, 600),
        (Ok(None), 1_800, 1_800),
        (Ok(None), 86_400, HOUR),
        (Ok(Some("not a name")), 86_400, HOUR),
        (Err(Failed), 86_400, 600),
    ];
    for (answer, ttl, life) in cases {
        let mut reverse = answered(answer, ttl);
        assert_eq!(name(&reverse, public(1), 1), None);
        assert!(!reverse.wants(public(1), at((life - 1) * 1_000)), "{answer:?}");
        assert!(reverse.wants(public(1), at(life * 1_000)), "{answer:?}");
    }
}

#[test]
fn what_nobody_asked_is_not_believed() {
    let mut reverse = Reverse::new();
    reverse.learnt(public(1), Ok(Some("a.example")), Duration::from_secs(HOUR), at(0));
    assert_eq!(name(&reverse, public(1), 1), None);
}

#[test]
fn the_queue_and_what_is_known_are_bounded() {
    let mut reverse = Reverse::new();
    let taken = (0..5_000).filter(|n| reverse.wants(public(*n), at(0))).count();
    assert_eq!(taken, MAX_QUEUE);
    let mut millis = 0;
    for n in 0..20_000 {
        reverse.wants(public(n), at(millis));
        for ip in reverse.next(at(millis)) {
            reverse.learnt(ip, Ok(Some("a.example")), Duration::from_secs(24 * HOUR), at(millis));
        }
        millis += 200;
    }
    assert_eq!((reverse.known.len(), reverse.queue.len() <= MAX_QUEUE), (MAX_KNOWN, true));
}

proptest! {
    #[test]
    fn never_faster_than_the_limit(steps in prop::collection::vec((0..400_u32, 0..3_000_u64), 1..60)) {
        let mut reverse = Reverse::new();
        let (mut millis, mut asked) = (0, 0);
        for (wanted, pause) in steps {
            (0..wanted).for_each(|n| { reverse.wants(public(n * 7), at(millis)); });
            asked += reverse.next(at(millis)).len() as u64;
            prop_assert!(asked <= u64::from(BURST) + millis / 200);
            prop_assert!(reverse.queue.len() <= MAX_QUEUE);
            millis += pause;
        }
    }
}
