//! How long ago, as people write it: `90m`, `24h`, `7d`, `1d12h`, `2w`. Days and weeks are those of the local calendar.

use jiff::{Span, Zoned};

/// No history is older than this.
const MOST_DAYS: i64 = 36_525;

/// A time before another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ago {
    days: i64,
    minutes: i64,
}

impl Ago {
    /// Whole numbers with the units `m`, `h`, `d` or `w`, one after the other; at most a hundred years.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (mut days, mut minutes): (i64, i64) = (0, 0);
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: i64 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            let (sum, size) = match rest.bytes().next()? {
                b'm' => (&mut minutes, 1),
                b'h' => (&mut minutes, 60),
                b'd' => (&mut days, 1),
                b'w' => (&mut days, 7),
                _ => return None,
            };
            *sum = sum.checked_add(number.checked_mul(size)?)?;
            rest = &rest[1..];
        }
        let is_bounded = days <= MOST_DAYS && minutes <= MOST_DAYS * 1_440;
        (is_bounded && (days > 0 || minutes > 0)).then_some(Self { days, minutes })
    }

    /// So long before `now`; to the minute. A day earlier is the same time of day.
    ///
    /// # Errors
    /// There was no time yet.
    pub fn before(self, now: &Zoned) -> Result<Zoned, jiff::Error> {
        let minute = now.with().second(0).subsec_nanosecond(0).build()?;
        minute.checked_sub(Span::new().try_days(self.days)?)?.checked_sub(Span::new().try_minutes(self.minutes)?)
    }

    /// `7 days`, `24 hours`, `1 day 12 hours`.
    #[must_use]
    pub fn words(self) -> String {
        let counted = |number: i64, unit: &str| match number {
            0 => None,
            1 => Some(format!("1 {unit}")),
            _ => Some(format!("{number} {unit}s")),
        };
        let parts =
            [counted(self.days, "day"), counted(self.minutes / 60, "hour"), counted(self.minutes % 60, "minute")];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Ago;

    #[test]
    fn a_number_needs_a_unit() {
        for (text, words) in [
            ("7d", "7 days"),
            ("24h", "24 hours"),
            ("90m", "1 hour 30 minutes"),
            ("1d12h", "1 day 12 hours"),
            ("2w", "14 days"),
        ] {
            assert_eq!(Ago::parse(text).map(Ago::words).as_deref(), Some(words), "{text}");
        }
        for text in ["", "7", "d", "7 d", "0d", "-1d", "1.5h", "7s", "99999999999999999999d", "36526d", "ä", "7ä"] {
            assert_eq!(Ago::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_before_the_clock_was_put_forward_is_the_same_time_of_day() {
        let now = "2026-03-29T14:05:59[Europe/Berlin]".parse().unwrap();
        let before = |text| Ago::parse(text).unwrap().before(&now).unwrap().to_string();
        assert_eq!(before("1d"), "2026-03-28T14:05:00+01:00[Europe/Berlin]");
        assert_eq!(before("24h"), "2026-03-28T13:05:00+01:00[Europe/Berlin]");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, near in "[0-9mhdw ]{0,12}") {
            let now = "2026-03-29T14:05:59[Europe/Berlin]".parse().unwrap();
            for ago in [Ago::parse(&text), Ago::parse(&near)].into_iter().flatten() {
                let _ = (ago.before(&now), ago.words());
            }
        }
    }
}
