//! A moment, as a flag says it.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// RFC 3339, or a local date: its midnight.
///
/// # Errors
/// It is neither, in words for whoever wrote it.
pub fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    // `Date` would read the date of a whole date and time, and take the rest as said.
    let is_date = text.len() == "2026-03-29".len();
    let date = is_date.then(|| text.parse::<Date>().ok()).flatten();
    let midnight = date.and_then(|date| date.to_zoned(zone.clone()).ok());
    midnight
        .map(|day| day.timestamp())
        .ok_or_else(|| "write a date as 2026-03-29, a time as 2026-03-29T14:00:00+01:00".to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::moment;

    #[test]
    fn a_date_is_its_local_midnight_and_what_is_half_a_time_is_none() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let cases = [
            ("2026-03-29", "2026-03-28T23:00:00Z"),
            ("2026-03-30", "2026-03-29T22:00:00Z"),
            ("2026-03-29T14:00:00+02:00", "2026-03-29T12:00:00Z"),
            (" 2026-03-29T14:00:00Z ", "2026-03-29T14:00:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(moment(text, &zone), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "soon", "2026-02-30", "2026-03", "2026-03-29T14:00", "1764547200", "20260329"] {
            assert!(moment(text, &zone).is_err(), "{text}");
        }
    }
}
