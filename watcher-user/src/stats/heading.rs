//! The time of a report in words and dates.

use jiff::{Timestamp, ToSpan as _, Zoned, tz::TimeZone};
use watcher_core::history::Span;

use super::period::Period;

/// `Today, Saturday 21 November 2026`. `span`: what was answered, where there was anything.
pub fn heading(period: Period, span: Option<Span>, zone: &TimeZone) -> String {
    let at = |at: Timestamp| at.to_zoned(zone.clone());
    let Some((from, until)) = span.map(|span| (at(span.from), at(span.until))) else {
        return nameless(period).to_owned();
    };
    match period {
        Period::Hour => format!("This hour, {} {}", day(&from), hours(&from, &until)),
        Period::Today => format!("Today, {}", from.strftime("%A %-d %B %Y")),
        Period::Yesterday => format!("Yesterday, {}", from.strftime("%A %-d %B %Y")),
        Period::Week => format!("This week, {}", days(&from, &before(&until))),
        Period::Month => from.strftime("%B %Y").to_string(),
        Period::Year => from.strftime("%Y").to_string(),
        Period::All => format!("All time, since {}", day(&from)),
        Period::Last(ago) => {
            let counted = ago.words();
            // The number is not needed where it is one.
            let counted = counted.strip_prefix("1 ").filter(|unit| !unit.contains(' ')).unwrap_or(&counted).to_owned();
            format!("The last {counted}, since {}", moment(&from))
        }
        Period::Between(None, None) => nameless(Period::All).to_owned(),
        Period::Between(Some(_), None) => format!("Since {}", moment(&from)),
        Period::Between(None, Some(_)) => format!("Before {}", moment(&until)),
        Period::Between(Some(_), Some(_)) => format!("From {} to {}", moment(&from), moment(&until)),
    }
}

/// Where there is no time to name.
fn nameless(period: Period) -> &'static str {
    match period {
        Period::Hour => "This hour",
        Period::Today => "Today",
        Period::Yesterday => "Yesterday",
        Period::Week => "This week",
        Period::Month => "This month",
        Period::Year => "This year",
        Period::All | Period::Last(_) | Period::Between(..) => "All time",
    }
}

fn day(at: &Zoned) -> String {
    at.strftime("%-d %B %Y").to_string()
}

fn hours(from: &Zoned, until: &Zoned) -> String {
    format!("{} - {}", from.strftime("%H:%M"), until.strftime("%H:%M"))
}

/// Midnight needs no time of day.
fn moment(at: &Zoned) -> String {
    let whole = at.start_of_day().is_ok_and(|begins| begins == *at);
    let seconds = if at.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    let time = if whole { String::new() } else { format!(" {}", at.strftime(seconds)) };
    format!("{}{time}", day(at))
}

/// The last day of a time that ends there.
fn before(until: &Zoned) -> Zoned {
    until.checked_sub(1.nanosecond()).unwrap_or_else(|_| until.clone())
}

/// `Monday 16 - Sunday 22 November 2026`; the month and the year once, where they are the same.
fn days(from: &Zoned, last: &Zoned) -> String {
    let first = match (from.year() == last.year(), from.month() == last.month()) {
        (true, true) => "%A %-d",
        (true, false) => "%A %-d %B",
        (false, _) => "%A %-d %B %Y",
    };
    format!("{} - {}", from.strftime(first), last.strftime("%A %-d %B %Y"))
}

#[cfg(test)]
mod tests {
    use jiff::Zoned;
    use watcher_core::history::Span;

    use super::{Period, heading};

    fn words(period: Period, now: &str) -> String {
        let now: Zoned = now.parse().unwrap();
        let (from, until) = period.bounds(&now).unwrap();
        let beginning = "2026-03-03T10:00:00Z".parse().unwrap();
        let span = Span { from: from.unwrap_or(beginning), until: until.unwrap_or(now.timestamp()) };
        heading(period, Some(span), now.time_zone())
    }

    #[test]
    fn a_period_is_named_with_its_dates() {
        let now = "2026-11-21T14:05:59[Europe/Berlin]";
        let at = |text: &str| Some(text.parse::<Zoned>().unwrap().timestamp());
        let (from, to) = (at("2026-03-29T00:00[Europe/Berlin]"), at("2026-10-25T02:30+01:00[Europe/Berlin]"));
        for (period, expected) in [
            (Period::Hour, "This hour, 21 November 2026 14:00 - 15:00"),
            (Period::Today, "Today, Saturday 21 November 2026"),
            (Period::Yesterday, "Yesterday, Friday 20 November 2026"),
            (Period::Week, "This week, Monday 16 - Sunday 22 November 2026"),
            (Period::Month, "November 2026"),
            (Period::Year, "2026"),
            (Period::All, "All time, since 3 March 2026"),
            ("7d".parse().unwrap(), "The last 7 days, since 14 November 2026 14:05"),
            ("1h".parse().unwrap(), "The last hour, since 21 November 2026 13:05"),
            ("1d1h".parse().unwrap(), "The last 1 day 1 hour, since 20 November 2026 13:05"),
            (Period::Between(from, None), "Since 29 March 2026"),
            (Period::Between(None, to), "Before 25 October 2026 02:30"),
            (Period::Between(from, to), "From 29 March 2026 to 25 October 2026 02:30"),
        ] {
            assert_eq!(words(period, now), expected);
        }
        assert_eq!(heading(Period::Week, None, &jiff::tz::TimeZone::UTC), "This week");
    }

    #[test]
    fn a_week_in_two_months_or_years_names_both() {
        let week = |now| words(Period::Week, now);
        assert_eq!(
            week("2026-10-01T00:00[America/New_York]"),
            "This week, Monday 28 September - Sunday 4 October 2026"
        );
        assert_eq!(
            week("2027-01-01T00:00[Asia/Kolkata]"),
            "This week, Monday 28 December 2026 - Sunday 3 January 2027"
        );
    }
}
