//! Durations as people write them: `15m`, `15s`, `500ms`, `1h30m`.

use std::time::Duration;

/// Whole numbers with units `ms`, `s`, `m`, `h` or `d`, one after the other.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let millis: u64 = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = &rest[letters..];
        sum = sum.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn a_number_needs_a_unit() {
        let cases =
            [("15m", 900_000), ("15s", 15_000), ("500ms", 500), ("1h30m", 5_400_000), ("0s", 0), ("2d", 172_800_000)];
        for (text, millis) in cases {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "15", "m", "15 m", "1.5s", "-1s", "15M", "15min", "99999999999999999999s", "18446744073709551615d"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, near in "[0-9smhd ]{0,12}") {
            let _ = (parse(&text), parse(&near));
        }
    }
}
