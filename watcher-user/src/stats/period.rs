//! A time as people name it, and what it is on the local clock: weeks begin on Monday, and a day is as long as its clock was.

use std::str::FromStr;

use jiff::{Timestamp, ToSpan as _, Zoned, civil::Weekday};
use watcher_core::history::{Calendar, Level};

use super::ago::Ago;

/// Which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The hour that the clock is in.
    Hour,
    /// From midnight to midnight.
    Today,
    /// The day before.
    Yesterday,
    /// From Monday to Monday.
    Week,
    /// From the first to the first.
    Month,
    /// From January to January.
    Year,
    /// All there is.
    All,
    /// So long, up to now.
    Last(Ago),
    /// From a moment up to another one, exclusive; all before or after where there is none.
    Between(Option<Timestamp>, Option<Timestamp>),
}

/// From, and up to, exclusive; `None` for all that is before or after.
pub type Bounds = (Option<Timestamp>, Option<Timestamp>);

impl Period {
    /// As `--json` calls it; `custom` for a time between moments.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
            Self::All => "all",
            Self::Last(_) => "last",
            Self::Between(..) => "custom",
        }
    }

    /// From when up to when, for somebody whose clock shows `now`.
    ///
    /// # Errors
    /// It would begin before there was time.
    pub fn bounds(self, now: &Zoned) -> Result<Bounds, jiff::Error> {
        let today = now.start_of_day()?;
        let (from, until) = match self {
            Self::All => return Ok((None, None)),
            Self::Between(from, until) => return Ok((from, until)),
            Self::Last(ago) => {
                let minute = now.with().second(0).subsec_nanosecond(0).build()?;
                (ago.before(now)?, minute.checked_add(1.minute())?)
            }
            Self::Hour => {
                let hour = Calendar::new(now.time_zone().clone()).around(now.timestamp(), Level::Hour);
                return Ok((Some(hour.from), Some(hour.until)));
            }
            Self::Today => (today.clone(), today.tomorrow()?.start_of_day()?),
            // Not today's date less one: the clocks of Samoa once left out a day.
            Self::Yesterday => (today.checked_sub(1.nanosecond())?.start_of_day()?, today),
            Self::Week => {
                let since_monday = i64::from(today.weekday().since(Weekday::Monday));
                let monday = midnight(&today, today.date().checked_sub(since_monday.days())?)?;
                let next = midnight(&today, monday.date().checked_add(7.days())?)?;
                (monday, next)
            }
            Self::Month => {
                let first = today.date().first_of_month();
                (midnight(&today, first)?, midnight(&today, first.checked_add(1.month())?)?)
            }
            Self::Year => {
                let first = today.date().first_of_year();
                (midnight(&today, first)?, midnight(&today, first.checked_add(1.year())?)?)
            }
        };
        Ok((Some(from.timestamp()), Some(until.timestamp())))
    }
}

fn midnight(like: &Zoned, day: jiff::civil::Date) -> Result<Zoned, jiff::Error> {
    day.to_zoned(like.time_zone().clone())?.start_of_day()
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "hour" => Self::Hour,
            "today" | "day" => Self::Today,
            "yesterday" => Self::Yesterday,
            "week" => Self::Week,
            "month" => Self::Month,
            "year" => Self::Year,
            "all" => Self::All,
            _ => Self::Last(Ago::parse(text).ok_or(
                "expected hour, today, yesterday, week, month, year or all, or so long up to now: 90m, 24h, 7d, 2w",
            )?),
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Unit, Zoned};

    use super::Period;

    fn bounds(period: &str, now: &str) -> (Zoned, Zoned) {
        let now: Zoned = now.parse().unwrap();
        let (from, until) = period.parse::<Period>().unwrap().bounds(&now).unwrap();
        let local = |at: Option<jiff::Timestamp>| at.unwrap().to_zoned(now.time_zone().clone());
        (local(from), local(until))
    }

    fn hours(period: &str, now: &str) -> f64 {
        let (from, until) = bounds(period, now);
        (until.timestamp() - from.timestamp()).total(Unit::Hour).unwrap()
    }

    fn dates(period: &str, now: &str) -> String {
        let (from, until) = bounds(period, now);
        assert_eq!((from.hour(), until.hour()), (0, 0));
        format!("{}..{}", from.date(), until.date())
    }

    #[test]
    fn a_day_is_as_long_as_its_clock_was() {
        for (now, expected) in [
            ("2026-03-29T12:00[Europe/Berlin]", 23.0),
            ("2026-10-25T00:30[Europe/Berlin]", 25.0),
            ("2026-10-26T00:30[Europe/Berlin]", 24.0),
            ("2026-03-08T23:59:59[America/New_York]", 23.0),
            ("2026-11-01T01:30-05:00[America/New_York]", 25.0),
            ("2026-03-29T12:00[Asia/Kolkata]", 24.0),
            ("2026-04-05T12:00[Australia/Lord_Howe]", 24.5),
            ("2026-10-04T12:00[Australia/Lord_Howe]", 23.5),
        ] {
            assert_eq!(hours("today", now), expected, "{now}");
        }
        assert_eq!(hours("yesterday", "2026-03-30T12:00[Europe/Berlin]"), 23.0);
        assert_eq!(hours("week", "2026-03-29T12:00[Europe/Berlin]"), 167.0);
        assert_eq!(hours("month", "2026-10-01T12:00[Europe/Berlin]"), 745.0);
    }

    #[test]
    fn a_day_that_was_left_out_is_in_no_period() {
        let yesterday = bounds("yesterday", "2011-12-31T12:00[Pacific/Apia]");
        assert_eq!(yesterday.0.date().to_string(), "2011-12-29");
        assert_eq!(hours("week", "2011-12-31T12:00[Pacific/Apia]"), 144.0);
    }

    #[test]
    fn weeks_begin_on_monday_months_on_the_first() {
        let sunday = "2026-11-22T23:59:59[Europe/Berlin]";
        assert_eq!(dates("week", sunday), "2026-11-16..2026-11-23");
        assert_eq!(dates("week", "2026-11-23T00:00[Europe/Berlin]"), "2026-11-23..2026-11-30");
        assert_eq!(dates("week", "2027-01-01T00:00[Asia/Kolkata]"), "2026-12-28..2027-01-04");
        assert_eq!(dates("month", sunday), "2026-11-01..2026-12-01");
        assert_eq!(dates("month", "2028-02-29T00:00[America/New_York]"), "2028-02-01..2028-03-01");
        assert_eq!(dates("year", sunday), "2026-01-01..2027-01-01");
        assert_eq!(dates("today", sunday), "2026-11-22..2026-11-23");
    }

    #[test]
    fn hours_and_times_up_to_now_are_of_the_local_clock() {
        let (from, until) = bounds("hour", "2026-11-22T23:59:59[Asia/Kolkata]");
        assert_eq!((from.to_string(), until.hour()), ("2026-11-22T23:00:00+05:30[Asia/Kolkata]".to_owned(), 0));
        assert_eq!(hours("7d", "2026-03-30T12:00[Europe/Berlin]"), 167.0 + 1.0 / 60.0);
        assert_eq!(hours("24h", "2026-03-30T12:00[Europe/Berlin]"), 24.0 + 1.0 / 60.0);
        assert!("fortnight".parse::<Period>().unwrap_err().contains("24h, 7d"));
    }
}
