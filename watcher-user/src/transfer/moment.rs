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
