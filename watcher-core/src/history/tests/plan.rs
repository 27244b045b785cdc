//! Each moment is answered for once.

use jiff::Timestamp;
use proptest::prelude::*;

use crate::history::{Held, Level, Segment, Span, plan};

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(hour * 3_600).unwrap()
}

fn span(from: i64, until: i64) -> Span {
    Span { from: at(from), until: at(until) }
}

fn segment(level: Level, from: i64, until: i64) -> Segment {
    Segment { level, span: span(from, until) }
}

/// Three days, and five hours of a fourth.
fn held() -> Held {
    Held {
        hours: (0..77).map(|hour| span(hour, hour + 1)).collect(),
        days: (0..3).map(|day| span(24 * day, 24 * day + 24)).collect(),
        minutes_since: None,
        hours_since: None,
    }
}

#[test]
fn days_are_used_whole_and_hours_and_minutes_at_the_edges() {
    let expected = [
        segment(Level::Hour, 20, 24),
        segment(Level::Day, 24, 72),
        segment(Level::Hour, 72, 77),
        segment(Level::Minute, 77, 80),
    ];
    assert_eq!(plan(span(20, 80), &held(), Level::Day), expected);
}

#[test]
fn a_graph_by_hour_does_without_days() {
    assert_eq!(plan(span(0, 48), &held(), Level::Hour), [segment(Level::Hour, 0, 48)]);
    assert_eq!(plan(span(0, 48), &held(), Level::Minute), [segment(Level::Minute, 0, 48)]);
}

#[test]
fn a_row_whose_parts_are_gone_belongs_to_the_time_that_it_begins_in() {
    let held = Held { hours_since: Some(at(48)), minutes_since: Some(at(72)), ..held() };
    // From the middle of the first day: rows that begin within are the second day's and later ones.
    let segments = plan(span(12, 60), &held, Level::Day);
    assert_eq!(segments, [segment(Level::Day, 12, 48), segment(Level::Hour, 48, 60)]);
    assert_eq!(plan(span(0, 60), &held, Level::Hour)[0], segment(Level::Day, 0, 48));
}

proptest! {
    #[test]
    fn each_moment_is_in_one_segment(from in 0_i64..90, length in 0_i64..90, gone in 0_i64..60, coarsest in 0..3_usize) {
        let hours_since = (gone > 24).then(|| at(gone / 24 * 24));
        let minutes_since = (gone > 0).then(|| at(gone));
        let held = Held { hours_since, minutes_since, ..held() };
        let range = span(from, from + length);
        let segments = plan(range, &held, [Level::Minute, Level::Hour, Level::Day][coarsest]);
        let mut next = range.from;
        for segment in &segments {
            prop_assert_eq!(segment.span.from, next);
            prop_assert!(!segment.span.is_empty());
            next = segment.span.until;
        }
        prop_assert_eq!(next, range.until);
    }
}
