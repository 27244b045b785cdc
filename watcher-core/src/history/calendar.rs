//! Where minutes, hours and days begin and end on the local clock.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Level, Step};

/// From a moment up to another one, exclusive; whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first second.
    pub from: Timestamp,
    /// The first second that is no more of it.
    pub until: Timestamp,
}

impl Span {
    /// Whether a moment is in it.
    #[must_use]
    pub fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.from <= other.from && other.until <= self.until
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from >= self.until
    }
}

/// Divides time by a local clock.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// Of a time zone.
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// Its zone.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The minute, hour or day that a moment is in. Minutes are the same everywhere; hours begin when the minute hand of the local
    /// clock is at 12, and days at its midnight, so those of a change of the clock have 23 or 25 hours.
    #[must_use]
    pub fn around(&self, at: Timestamp, level: Level) -> Span {
        match level {
            Level::Open | Level::Minute => {
                let from = whole(at, 60, 0);
                Span { from, until: later(from, 60) }
            }
            Level::Hour => {
                // An hour that the clock is set in the middle of is cut there: both parts are of one length.
                let offset = i64::from(self.zone.to_offset(at).seconds());
                let from = whole(at, 3_600, offset);
                Span { from, until: later(from, 3_600) }
            }
            Level::Day => {
                let local = at.to_zoned(self.zone.clone());
                let begins = local.start_of_day().map_or_else(|_| whole(at, 86_400, 0), |day| day.timestamp());
                let next = local.checked_add(1.day()).and_then(|day| day.start_of_day());
                let until = next.map_or_else(|_| later(begins, 86_400), |day| day.timestamp());
                Span { from: begins, until }
            }
        }
    }

    /// The part of a graph that a moment is in.
    #[must_use]
    pub fn part(&self, at: Timestamp, step: Step) -> Span {
        match step {
            Step::Second => {
                let from = whole(at, 1, 0);
                Span { from, until: later(from, 1) }
            }
            Step::Minute => self.around(at, Level::Minute),
            Step::Hour => self.around(at, Level::Hour),
            Step::Day => self.around(at, Level::Day),
        }
    }
}

/// The last multiple of `unit` seconds on a clock that is `offset` ahead of UTC.
fn whole(at: Timestamp, unit: i64, offset: i64) -> Timestamp {
    let seconds = at.as_nanosecond().div_euclid(1_000_000_000);
    let local = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_add(offset);
    Timestamp::from_second(local.div_euclid(unit) * unit - offset).unwrap_or(Timestamp::MIN)
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
