//! A moment as `--from` and `--to` take it. What the local clock shows twice, or never, is refused: it means nothing.

use jiff::{
    Timestamp, Zoned,
    civil::{Date, DateTime},
    tz::AmbiguousOffset,
};
use thiserror::Error;

use super::{ago::Ago, period::Period};

/// Text that is no moment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MomentError {
    /// Of no form that is known.
    #[error(
        "'{0}' is no time; write 2026-03-29, '2026-03-29 14:00', 14:00, 2026-03-29T14:00:00+02:00, 2h ago, -7d, now, today or yesterday"
    )]
    Unknown(String),
    /// The clock was put forward over it.
    #[error("{local} does not exist in {zone}: the clock was put forward over it")]
    Skipped {
        /// On the local clock.
        local: DateTime,
        /// Which clock.
        zone: String,
    },
    /// The clock was put back over it.
    #[error("{local} is twice in {zone}: say which, {local}{first} or {local}{second}")]
    Twice {
        /// On the local clock.
        local: DateTime,
        /// Which clock.
        zone: String,
        /// Of the earlier one.
        first: String,
        /// Of the later one.
        second: String,
    },
}

/// The moment that `text` means to somebody whose clock shows `now`.
///
/// # Errors
/// It means none.
pub fn parse(text: &str, now: &Zoned) -> Result<Timestamp, MomentError> {
    let text = text.trim();
    let unknown = || MomentError::Unknown(text.to_owned());
    if let Some(ago) = text.strip_prefix('-').or_else(|| Some(text.strip_suffix("ago")?.trim_end())) {
        let ago = Ago::parse(ago).and_then(|ago| ago.before(now).ok());
        return ago.map(|at| at.timestamp()).ok_or_else(unknown);
    }
    let today = now.date();
    match text {
        "now" => return Ok(now.timestamp()),
        "today" => return midnight(today, now),
        "yesterday" => {
            let (from, _) = Period::Yesterday.bounds(now).map_err(|_| unknown())?;
            return from.ok_or_else(unknown);
        }
        _ => {}
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    // jiff takes the time out of a whole date and time as well, and midnight for a date.
    let (has_date, has_time) = (text.contains('-'), text.contains(':'));
    match (has_date, has_time) {
        (true, true) => local(text.parse().map_err(|_| unknown())?, now),
        (true, false) => midnight(text.parse().map_err(|_| unknown())?, now),
        (false, true) => local(today.to_datetime(text.parse().map_err(|_| unknown())?), now),
        (false, false) => Err(unknown()),
    }
}

/// The first moment of a day: not every one begins at 00:00.
fn midnight(day: Date, now: &Zoned) -> Result<Timestamp, MomentError> {
    let begins = day.to_zoned(now.time_zone().clone()).and_then(|at| at.start_of_day());
    begins.map(|at| at.timestamp()).map_err(|_| MomentError::Unknown(day.to_string()))
}

fn local(at: DateTime, now: &Zoned) -> Result<Timestamp, MomentError> {
    let zone = now.time_zone();
    let name = || zone.iana_name().unwrap_or("this time zone").to_owned();
    let found = zone.to_ambiguous_timestamp(at);
    match found.offset() {
        AmbiguousOffset::Unambiguous { .. } => found.unambiguous().map_err(|_| MomentError::Unknown(at.to_string())),
        AmbiguousOffset::Gap { .. } => Err(MomentError::Skipped { local: at, zone: name() }),
        AmbiguousOffset::Fold { before, after } => {
            let offset = |offset: jiff::tz::Offset| offset.to_timestamp(at).map(|at| rfc3339_offset(at, offset));
            let (first, second) = (offset(before).unwrap_or_default(), offset(after).unwrap_or_default());
            Err(MomentError::Twice { local: at, zone: name(), first, second })
        }
    }
}

fn rfc3339_offset(at: Timestamp, offset: jiff::tz::Offset) -> String {
    at.to_zoned(offset.to_time_zone()).strftime("%:z").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    fn at(text: &str, now: &str) -> String {
        let now: jiff::Zoned = now.parse().unwrap();
        parse(text, &now).map_or_else(|e| e.to_string(), |at| at.to_zoned(now.time_zone().clone()).to_string())
    }

    const BERLIN: &str = "2026-03-29T14:05:59+02:00[Europe/Berlin]";

    #[test]
    fn people_write_moments_in_many_ways() {
        for (text, means) in [
            ("2026-03-29", "2026-03-29T00:00:00+01:00"),
            ("2026-03-29 14:00", "2026-03-29T14:00:00+02:00"),
            ("2026-03-29T14:00", "2026-03-29T14:00:00+02:00"),
            ("2026-03-28 23:59:58", "2026-03-28T23:59:58+01:00"),
            ("2026-03-29T12:00:00Z", "2026-03-29T14:00:00+02:00"),
            ("2026-03-29T12:00:00-01:00", "2026-03-29T15:00:00+02:00"),
            ("9:30", "'9:30' is no time"),
            ("09:30", "2026-03-29T09:30:00+02:00"),
            ("-2h", "2026-03-29T12:05:00+02:00"),
            ("2h ago", "2026-03-29T12:05:00+02:00"),
            ("-1d", "2026-03-28T14:05:00+01:00"),
            ("now", "2026-03-29T14:05:59+02:00"),
            ("today", "2026-03-29T00:00:00+01:00"),
            ("yesterday", "2026-03-28T00:00:00+01:00"),
        ] {
            let found = at(text, BERLIN);
            assert!(found.starts_with(means), "{text}: {found}");
        }
        for text in ["", "soon", "2026-02-30", "25:00", "2h", "ago", "-", "2026", "1774785600", "+2h"] {
            let found = at(text, BERLIN);
            assert!(found.contains("is no time; write 2026-03-29"), "{text}: {found}");
        }
    }

    #[test]
    fn what_the_clock_shows_twice_or_never_is_refused() {
        assert_eq!(
            at("2026-03-29 02:30", BERLIN),
            "2026-03-29T02:30:00 does not exist in Europe/Berlin: the clock was put forward over it"
        );
        assert_eq!(
            at("2026-10-25 02:30", BERLIN),
            "2026-10-25T02:30:00 is twice in Europe/Berlin: say which, 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"
        );
        assert_eq!(at("2026-10-25T02:30:00+01:00", BERLIN), "2026-10-25T02:30:00+01:00[Europe/Berlin]");
        let lord_howe = "2026-04-05T12:00:00+10:30[Australia/Lord_Howe]";
        assert!(at("01:45", lord_howe).contains("01:45:00+11:00 or 2026-04-05T01:45:00+10:30"), "half an hour back");
    }

    #[test]
    fn a_day_that_was_left_out_begins_with_the_next() {
        let apia = "2012-01-05T12:00:00+14:00[Pacific/Apia]";
        assert_eq!(at("2011-12-30", apia), "2011-12-31T00:00:00+14:00[Pacific/Apia]");
        assert_eq!(at("2011-12-29", apia), "2011-12-29T00:00:00-10:00[Pacific/Apia]");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, near in "[-0-9:TZ+mhd ]{0,24}") {
            let now = BERLIN.parse().unwrap();
            let _ = (parse(&text, &now), parse(&near, &now));
        }
    }
}
