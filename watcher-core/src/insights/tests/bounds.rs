//! Whatever comes: no panic, no more memory than was promised, and no order within a reading.

use proptest::prelude::*;

use super::make::{Conn, HOUR, MIB, at, readings, tls, to, told};
use crate::insights::{APPS, Insights, Key, PAIRS, apps::App, pair::Pair};

impl Insights {
    /// At most so many bytes: tables at their size of now, and names at their longest.
    fn at_most_bytes(&self) -> usize {
        // Tables hold 7 of 8 slots and a byte about each; they grow once when half of what they hold was forgotten.
        let slots = |capacity: usize| (capacity * 8 / 7).next_power_of_two();
        let allocation = 16;
        // A kept name is a registrable one, or has none: a public suffix (of at most 63) and a label before it.
        let name = 2 * allocation + 16 + size_of::<crate::names::Name>() + 128;
        let app = allocation + 16 + 64;
        slots(self.pairs.capacity()) * (size_of::<(Key, Box<Pair>)>() + 1)
            + self.pairs.len() * (allocation + size_of::<Pair>() + name)
            + slots(2 * APPS) * (size_of::<(u32, App)>() + size_of::<(std::sync::Arc<str>, u32)>() + 2)
            + self.apps.len() * app
    }
}

#[test]
fn memory_is_under_two_mebibytes_whatever_happens() {
    let name = |n: u32| format!("{}.{:a<63}.{:b<63}.com", "x".repeat(60), n, n);
    let mut conns: Vec<Conn> = Vec::new();
    for n in 0..9_000_u32 {
        let t = f64::from(n) * 0.1;
        conns.push(tls(&format!("{:c<200}", n % 890), &name(n), t).moves(t + 0.01, 9, 60 * MIB));
    }
    let insights = told(&readings(&conns));
    assert!(insights.pairs.len() <= PAIRS && insights.apps.len() <= APPS);
    assert!(insights.pairs.len() > PAIRS / 2, "{} pairs", insights.pairs.len());
    let bytes = insights.at_most_bytes();
    assert!(bytes <= 2 << 20, "{bytes} bytes, {} for a pair", size_of::<Pair>());
    let report = insights.report(at(HOUR));
    assert!((1..=100).contains(&report.len()));
    assert!(report.iter().all(|one| one.app.len() <= 64));
}

#[test]
fn a_full_table_makes_numbers_smaller_and_never_larger() {
    // A crawler with more names in an hour than there is room for, each of them twice.
    let conns: Vec<Conn> = (0..6_000_u32)
        .map(|n| {
            let t = f64::from(n) * 0.5;
            tls("crawler", &format!("x.site{}.com", n % 3_000), t).moves(t + 0.1, 900, 90)
        })
        .collect();
    let report = told(&readings(&conns)).report(at(HOUR));
    let crate::insights::Evidence::ManyDomains { domains, .. } = report[0].evidence else { panic!("{report:?}") };
    assert!((1_000..=3_000).contains(&domains), "{domains}");
}

#[test]
fn a_name_may_be_cut_anywhere() {
    let conns = [to(&"é".repeat(200), "192.0.2.3:22", 0.0).moves(1.0, 1, 60 * MIB), to("", "192.0.2.3:22", 0.0)];
    let report = told(&readings(&conns)).report(at(HOUR));
    assert_eq!(report[0].app, "é".repeat(32));
}

/// Anything a connection may do, at any time, in some of the odd ways.
fn conn() -> impl Strategy<Value = Conn> {
    let moves = prop::collection::vec((0..20_000_u32, 0..30_000_u64, 0..80_000_000_u64), 0..12);
    (0..4_u8, 0..5_u8, 0..20_000_u32, moves, any::<(bool, bool, bool)>(), prop::option::of(0..20_000_u32)).prop_map(
        |(app, remote, opened, moves, (named, incoming, older), closed)| {
            let (app, opened) = (format!("app{app}"), f64::from(opened));
            let address = format!("192.0.2.{remote}:{}", [443, 853, 22, 53, 0][usize::from(remote)]);
            let conn = if named { tls(&app, &format!("a.b{remote}.com"), opened) } else { to(&app, &address, opened) };
            let conn = if incoming { conn.incoming() } else { conn };
            let conn = if older { conn.older() } else { conn };
            let conn = moves.into_iter().fold(conn, |conn, (at, rx, tx)| conn.moves(f64::from(at) / 1.7, rx, tx));
            closed.into_iter().fold(conn, |conn, at| conn.closes(f64::from(at)))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_order_within_a_reading_does_not_matter(conns in prop::collection::vec(conn(), 0..40), seed: u64) {
        let mut readings = readings(&conns);
        let now = at(20.0 * HOUR);
        let before = told(&readings).report(now);
        let mut random = seed | 1;
        for reading in &mut readings {
            for n in (1..reading.len()).rev() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                reading.swap(n, (random >> 33) as usize % (n + 1));
            }
        }
        prop_assert_eq!(before, told(&readings).report(now));
    }

    #[test]
    fn readings_in_any_order_and_any_moment_do_no_harm(
        conns in prop::collection::vec(conn(), 0..40),
        now: u64,
        turned: bool,
    ) {
        let mut readings = readings(&conns);
        if turned {
            readings.reverse();
        }
        let report = told(&readings).report(crate::BootTime(now));
        prop_assert!(report.len() <= 100);
        prop_assert!(serde_json::to_string(&report).is_ok());
    }
}
