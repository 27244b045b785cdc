//! Amounts of bytes as people write them: `5 GB`, `512 MiB`, `1.5 GB`; with `/s` behind, rates.

/// What the letters stand for: powers of 1000, and with an `i` of 1024.
const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

/// A number, with a point perhaps, and its unit. What it says must be whole bytes. `Mb` would be bits: it is no unit here.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, bytes) = *UNITS.iter().find(|(name, _)| *name == unit || (unit == "kB" && *name == "KB"))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || part.is_empty() || part.len() > 12 {
        return None;
    }
    let scale = 10u128.pow(u32::try_from(part.len()).ok()?);
    let bytes = u128::from(bytes);
    let part = part.parse::<u128>().ok()? * bytes;
    let whole = u128::from(whole.parse::<u64>().ok()?) * bytes;
    (part % scale == 0).then_some(whole + part / scale).and_then(|sum| u64::try_from(sum).ok())
}

/// The same per second.
#[must_use]
pub fn parse_rate(text: &str) -> Option<u64> {
    parse(text.strip_suffix("/s")?)
}

/// As somebody would have written it: in the unit that makes it the smallest whole number.
#[must_use]
pub fn written(bytes: u64) -> String {
    let fits = UNITS.iter().filter(|(_, unit)| bytes.is_multiple_of(*unit));
    let (name, unit) = fits.max_by_key(|(_, unit)| *unit).copied().filter(|_| bytes > 0).unwrap_or(("B", 1));
    format!("{} {name}", bytes / unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{parse, parse_rate, written};

    #[test]
    fn an_amount_needs_a_unit_and_is_whole_bytes() {
        let cases = [
            ("5 GB", 5_000_000_000),
            ("5GB", 5_000_000_000),
            ("1.5 GB", 1_500_000_000),
            ("0.5 KiB", 512),
            ("10 kB", 10_000),
            ("1 TiB", 1 << 40),
            ("7 B", 7),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        let nonsense =
            ["", "5", "GB", "5  GB", "5 Mb", "5 gb", "-5 GB", "5. GB", ".5 GB", "1.5 B", "1.2.3 GB", "99999999 TB"];
        for text in nonsense {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!((parse_rate("10 MB/s"), parse_rate("10 MB"), parse_rate("10 MB/m")), (Some(10_000_000), None, None));
    }

    #[test]
    fn an_amount_is_written_as_somebody_would() {
        let cases =
            [(5_000_000_000, "5 GB"), (1 << 30, "1 GiB"), (1_500_000, "1500 KB"), (1_001, "1001 B"), (0, "0 B")];
        for (bytes, text) in cases {
            assert_eq!(written(bytes), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_means_the_same(bytes: u64, few in 0u64..4096, shift in 0u32..50) {
            prop_assert_eq!(parse(&written(bytes)), Some(bytes));
            prop_assert_eq!(parse(&written(few << shift)), Some(few << shift));
        }

        #[test]
        fn no_text_makes_it_panic(text: String, near in "[0-9]{0,22}[.]?[0-9]{0,14} ?[KMGTiB]{0,3}(/s)?") {
            let _ = (parse(&text), parse(&near), parse_rate(&near));
        }
    }
}
