//! Bars: of days that are longer than others, more than fit, and none that lose a byte.

use jiff::Zoned;
use proptest::prelude::*;
use watcher_core::history::{Bin, Report, Span, Step};

use super::{NOW, apps, asked, asked_at, users, words};
use crate::{
    stats::{Asked, Page, csv, graph, json, parts::Parts},
    text::width,
    units::Units,
};

/// Parts of a graph that the history has something in.
fn with_bins(asked: &Asked, of: &[(&str, u64, u64)]) -> Report {
    let mut report = apps(asked);
    let bin = |(from, rx, tx): &(&str, u64, u64)| {
        let from = from.parse::<Zoned>().expect("a time").timestamp();
        let until = from + jiff::SignedDuration::from_mins(1);
        Bin { from, until, rx_bytes: *rx, tx_bytes: *tx }
    };
    report.bins = of.iter().map(bin).collect();
    report
}

fn drawn(now: &str, args: &str, bins: &[(&str, u64, u64)], room: usize, unicode: bool) -> String {
    let asked = asked_at(now, args);
    let text = words(&asked, &with_bins(&asked, bins), Some(room), unicode);
    let (from, to) = (text.find("Downloaded by").expect("a graph"), text.find("APPLICATION").expect("a table"));
    text[from..to].to_owned()
}

#[test]
fn a_day_whose_clock_is_put_back_has_25_bars() {
    let now = "2026-10-25T23:59:59[Europe/Berlin]";
    let bins = [
        ("2026-10-25T00:00[Europe/Berlin]", 1_000_000, 10),
        ("2026-10-25T02:00+02:00[Europe/Berlin]", 500_000, 20_000),
        ("2026-10-25T02:00+01:00[Europe/Berlin]", 250_000, 40_000),
        ("2026-10-25T23:00[Europe/Berlin]", 1, 1),
    ];
    insta::assert_snapshot!("graph_25_hours", drawn(now, "--graph today", &bins, 80, true));
    insta::assert_snapshot!("graph_25_hours_ascii", drawn(now, "--graph", &bins, 50, false));
    let asked = asked_at(now, "--graph --csv");
    let text = csv::write(&asked, &with_bins(&asked, &bins), &users()).unwrap();
    assert_eq!(text.lines().count(), 26);
    assert!(text.contains("2026-10-25T02:00:00+01:00,2026-10-25T03:00:00+01:00,250000,40000\r\n"), "{text}");
}

#[test]
fn what_does_not_fit_is_drawn_together() {
    let bins = [("2026-11-16T00:00[Europe/Berlin]", 7_000, 1), ("2026-11-20T12:00[Europe/Berlin]", 1_000, 9)];
    insta::assert_snapshot!("graph_week_by_hour", drawn(NOW, "week --graph hour", &bins, 80, true));
    let days = [("2026-01-31T00:00[Europe/Berlin]", 7_000, 1), ("2026-11-20T00:00[Europe/Berlin]", 1_000, 9)];
    insta::assert_snapshot!("graph_year", drawn(NOW, "--period year --graph", &days, 80, true));
    insta::assert_snapshot!("graph_month", drawn(NOW, "month --graph", &days[1..], 120, true));
}

#[test]
fn a_graph_begins_where_its_parts_are_kept_and_ends_now() {
    let asked = asked("month --graph minute --json");
    let text = json::write(&asked, &with_bins(&asked, &[("2026-11-20T12:00[Europe/Berlin]", 5, 6)]), &users()).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let bins = parsed["bins"].as_array().unwrap();
    assert_eq!(bins[0]["from"], "2026-11-14T15:00:00+01:00");
    assert_eq!(bins.last().unwrap()["until"], "2026-11-21T14:06:00+01:00");
    let sum: u64 = bins.iter().map(|bin| bin["rx_bytes"].as_u64().unwrap()).sum();
    assert_eq!(sum, 5);
    let cut = drawn(NOW, "--period year --graph hour", &[], 80, true);
    assert!(cut.contains("What was before the first bar is no longer kept by the hour."), "{cut}");
    let far = drawn(NOW, "month --graph day", &[], 80, true);
    assert!(!far.contains("no longer kept"), "{far}");
}

#[test]
fn nobody_draws_more_than_20000_bars() {
    let asked = asked("--from 1900-01-01 --graph day");
    let text = words(&asked, &apps(&asked), Some(80), true);
    assert!(text.contains("No graph: a graph by the day of so long a time has more than 20000 parts"), "{text}");
}

proptest! {
    #[test]
    fn a_graph_has_every_byte_and_fits(
        zone in prop::sample::select(vec![
            "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata",
        ]),
        step in prop::sample::select(vec![Step::Minute, Step::Hour, Step::Day]),
        begin in 0..40_000_i64,
        length in 1..2_000_i64,
        at in prop::collection::vec((0..2_000_i64, 0..u64::MAX / 64), 0..20),
        room in 20..140_usize,
        unicode: bool,
    ) {
        let unit = match step {
            Step::Second | Step::Minute => 60,
            Step::Hour => 3_600,
            Step::Day => 86_400,
        };
        let from = jiff::Timestamp::from_second(631_152_000 + begin * 26_113).unwrap();
        let later = |parts: i64| from + jiff::SignedDuration::from_secs(parts * unit);
        let mut asked = asked_at(&format!("{}[{zone}]", later(length)), "--graph");
        asked.query.step = Some(step);
        let moved = at.iter().filter(|(at, _)| *at < length);
        let bin = |(at, bytes): &(i64, u64)| Bin { from: later(*at), until: later(at + 1), rx_bytes: *bytes, tx_bytes: 1 };
        let mut bins: Vec<Bin> = moved.map(bin).collect();
        bins.sort_by_key(|bin| bin.from);
        let span = Span { from, until: later(length) };
        let report = Report { span: Some(span), bins, ..apps(&asked) };
        let parts = Parts::of(&asked, &report).unwrap().unwrap();
        let kept = parts.bins.first().map_or(span.until, |bin| bin.from);
        let expected: u64 = report.bins.iter().filter(|bin| bin.until > kept).map(|bin| bin.rx_bytes).sum();
        for bins in [parts.bins.clone(), parts.merged(room).0] {
            prop_assert_eq!(bins.iter().map(|bin| bin.rx_bytes).sum::<u64>(), expected);
            prop_assert!(bins.windows(2).all(|pair| pair[0].until == pair[1].from));
        }
        let text = graph::write(&parts, asked.now.time_zone(), Page { room: Some(room), unicode }, Units::Bytes);
        prop_assert!(text.lines().all(|line| width(line) <= room), "{text}");
    }
}
