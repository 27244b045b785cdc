use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::make::{Rig, app, berlin, bytes, rate};
use crate::alerts::{Period, Span};

const NOBODY: [&str; 0] = [];

fn hours(period: Period, at: &str, zone: TimeZone) -> (String, i64) {
    let at = at.parse::<Timestamp>().unwrap().to_zoned(zone);
    let span = Span::around(period, &at);
    assert!(span.contains(at.timestamp()));
    (span.start.to_string(), span.end.duration_since(span.start).as_hours())
}

#[test]
fn a_day_has_as_many_hours_as_the_calendar_gives_it() {
    let cases = [
        ("2026-03-28T12:00:00Z", "2026-03-27T23:00:00Z", 24),
        ("2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", 23),
        ("2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", 25),
        ("2026-10-24T21:59:59Z", "2026-10-23T22:00:00Z", 24),
    ];
    for (at, start, long) in cases {
        assert_eq!(hours(Period::Day, at, berlin()), (start.to_owned(), long), "{at}");
    }
}

#[test]
fn an_hour_begins_with_the_minute_0_of_the_zone() {
    let india = TimeZone::fixed(jiff::tz::Offset::from_seconds(19_800).unwrap());
    assert_eq!(hours(Period::Hour, "2026-01-02T12:29:59Z", india.clone()), ("2026-01-02T11:30:00Z".into(), 1));
    assert_eq!(hours(Period::Hour, "2026-01-02T12:30:00Z", india), ("2026-01-02T12:30:00Z".into(), 1));
    // The hour that comes twice is two.
    assert_eq!(hours(Period::Hour, "2026-10-25T00:30:00Z", berlin()).0, "2026-10-25T00:00:00Z");
    assert_eq!(hours(Period::Hour, "2026-10-25T01:30:00Z", berlin()).0, "2026-10-25T01:00:00Z");
}

#[test]
fn a_new_day_counts_from_zero_and_may_fire_again() {
    let mut rig = Rig::at(&[app("curl", bytes(100, Period::Day))], "2026-03-29T21:59:57Z", berlin());
    assert_eq!(rig.second("curl", 100), ["curl"]);
    assert_eq!(rig.second("curl", 100), NOBODY);
    assert_eq!(rig.second("curl", 99), NOBODY, "midnight: the reading belongs to the new day");
    assert_eq!(rig.second("curl", 1), ["curl"]);
    assert_eq!(rig.second("curl", 1_000), NOBODY);
}

#[test]
fn the_day_of_25_hours_does_not_fire_twice() {
    let mut rig = Rig::at(&[app("curl", bytes(1, Period::Day))], "2026-10-24T22:00:00Z", berlin());
    let mut fired = Vec::new();
    for _ in 0..=25 {
        fired.push(rig.second("curl", 1).len());
        rig.at = rig.at.checked_add(SignedDuration::from_secs(3_599)).unwrap();
    }
    assert_eq!((fired[0], fired[25], fired.iter().sum::<usize>()), (1, 1, 2));
}

#[test]
fn a_clock_that_is_set_back_over_midnight_tells_nothing_twice() {
    let mut rig = Rig::at(&[app("curl", bytes(100, Period::Day))], "2026-01-02T23:59:58Z", TimeZone::UTC);
    assert_eq!(rig.second("curl", 100), ["curl"]);
    assert_eq!(rig.second("curl", 60), NOBODY, "a new day");
    rig.set("2026-01-02T23:50:00Z");
    assert_eq!(rig.second("curl", 100), NOBODY, "the old day has fired");
    rig.set("2026-01-03T00:00:00Z");
    assert_eq!(rig.second("curl", 39), NOBODY);
    assert_eq!(rig.second("curl", 1), ["curl"], "the new day went on with its 60 bytes");
    rig.set("2026-01-02T23:59:00Z");
    assert_eq!(rig.second("curl", 500), NOBODY);
    rig.set("2026-01-03T08:00:00Z");
    assert_eq!(rig.second("curl", 500), NOBODY);
}

#[test]
fn a_clock_that_was_years_ahead_does_not_disarm() {
    let mut rig = Rig::new(&[app("curl", bytes(100, Period::Day))]);
    rig.set("2038-01-19T00:00:00Z");
    assert_eq!(rig.second("curl", 100), ["curl"]);
    rig.set("2026-01-02T12:00:00Z");
    assert_eq!(rig.second("curl", 100), ["curl"]);
    rig.set("2038-01-19T01:00:00Z");
    assert_eq!(rig.second("curl", 100), NOBODY);
}

#[test]
fn a_rate_fires_once_per_period_and_begins_anew_with_it() {
    let mut rig = Rig::at(&[app("curl", rate(10, 2))], "2026-01-02T12:59:54Z", TimeZone::UTC);
    let fired: Vec<usize> = (0..8).map(|_| rig.second("curl", 10).len()).collect();
    assert_eq!(fired, [0, 1, 0, 0, 0, 0, 1, 0]);
}
