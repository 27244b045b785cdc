//! Days of 23, 24 and 25 hours, and hours that begin at a half.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;

use crate::history::{Amount, Calendar, Level, Span, fold};

fn calendar(zone: &str) -> Calendar {
    Calendar::new(TimeZone::get(zone).unwrap())
}

fn hours(span: Span) -> i64 {
    span.until.duration_since(span.from).as_hours()
}

#[test]
fn a_day_has_the_hours_that_the_local_clock_gives_it() {
    let around = |zone, at: &str| calendar(zone).around(at.parse().unwrap(), Level::Day);
    let spring = around("Europe/Berlin", "2026-03-29T12:00:00Z");
    assert_eq!((spring.from.to_string().as_str(), hours(spring)), ("2026-03-28T23:00:00Z", 23));
    let autumn = around("Europe/Berlin", "2026-10-25T00:30:00Z");
    assert_eq!((autumn.from.to_string().as_str(), hours(autumn)), ("2026-10-24T22:00:00Z", 25));
    assert_eq!(hours(around("Asia/Kolkata", "2026-10-25T00:30:00Z")), 24);
    // The day that Samoa left out.
    let before = around("Pacific/Apia", "2011-12-30T09:00:00Z");
    assert_eq!((before.until.to_string().as_str(), hours(before)), ("2011-12-30T10:00:00Z", 24));
}

#[test]
fn an_hour_begins_when_the_local_minute_hand_is_at_twelve() {
    let hour = calendar("Asia/Kolkata").around("2026-10-25T00:45:00Z".parse().unwrap(), Level::Hour);
    assert_eq!((hour.from.to_string().as_str(), hours(hour)), ("2026-10-25T00:30:00Z", 1));
}

proptest! {
    #[test]
    fn every_moment_is_in_its_minute_hour_and_day_and_these_in_one_another(seconds in 0_i64..4_000_000_000, zone in 0..5_usize) {
        let zone = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC", "Pacific/Auckland"][zone];
        let (calendar, at) = (calendar(zone), Timestamp::from_second(seconds).unwrap());
        let [minute, hour, day] = [Level::Minute, Level::Hour, Level::Day].map(|level| calendar.around(at, level));
        prop_assert!(minute.has(at) && hour.has(at) && day.has(at));
        prop_assert!(hour.covers(&minute) && day.covers(&hour), "{:?} {:?} {:?}", minute, hour, day);
        let length = day.until.duration_since(day.from);
        prop_assert!(length >= SignedDuration::from_hours(23) && length <= SignedDuration::from_hours(25));
    }

    #[test]
    fn a_fold_changes_no_sum(rows in proptest::collection::vec((0_u64..1_000, 0_u64..1_000), 0..200), room in 0_usize..50) {
        let amount = |(rx_bytes, tx_bytes): (u64, u64)| Amount { rx_bytes, tx_bytes, rx_peak: rx_bytes, tx_peak: tx_bytes };
        let made: Vec<_> = rows.iter().enumerate().map(|(at, row)| (at, at % 7, amount(*row))).collect();
        let folded = fold(made, room);
        prop_assert!(folded.kept.len() <= room.max(rows.len().min(room)));
        let kept = folded.kept.iter().map(|(_, amount)| *amount);
        let (rx, tx) = kept.chain(folded.rest.iter().map(|(_, amount)| *amount))
            .fold((0, 0), |(rx, tx), amount| (rx + amount.rx_bytes, tx + amount.tx_bytes));
        let expected = rows.iter().fold((0, 0), |(rx, tx), row| (rx + row.0, tx + row.1));
        prop_assert_eq!((rx, tx), expected);
        // What is kept is no lighter than what is not: nothing folded was heavier than the lightest kept.
        let lightest = folded.kept.iter().map(|(_, amount)| amount.bytes()).min();
        let places: std::collections::BTreeSet<usize> = folded.kept.iter().map(|(at, _)| *at).collect();
        let heaviest_left = rows.iter().enumerate().filter(|(at, _)| !places.contains(at)).map(|(_, row)| row.0 + row.1).max();
        prop_assert!(heaviest_left.is_none() || lightest >= heaviest_left || room == 0);
    }
}
