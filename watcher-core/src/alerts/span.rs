//! When a period begins and ends.

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::Period;

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl Span {
    /// The one that `at` is in, where `at` is.
    #[must_use]
    pub fn around(period: Period, at: &Zoned) -> Self {
        let now = at.timestamp();
        // Nothing but the ends of time is out of range.
        match period {
            Period::Day => {
                let start = at.start_of_day().map_or(Timestamp::MIN, |start| start.timestamp());
                let next = at.tomorrow().and_then(|day| day.start_of_day());
                Self { start, end: next.map_or(Timestamp::MAX, |next| next.timestamp()) }
            }
            Period::Hour => {
                // Not every zone is whole hours away from UTC.
                let into = (now.as_second() + i64::from(at.offset().seconds())).rem_euclid(3_600);
                let start = now.as_second() - into;
                let moment = |second| Timestamp::from_second(second).unwrap_or(now);
                Self { start: moment(start), end: moment(start + 3_600) }
            }
        }
    }

    /// Whether `at` is in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        (self.start..self.end).contains(&at)
    }
}
