//! Numbers of bytes as people read them.

/// How amounts and rates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, clap::ValueEnum)]
pub enum Units {
    /// B, KiB, MiB: powers of 1024, as memory and files are counted.
    #[default]
    Bytes,
    /// b, kb, Mb: bits in powers of 1000, as links are sold.
    Bits,
}

impl Units {
    /// A whole amount, at most eight columns wide.
    #[must_use]
    pub fn amount(self, bytes: u64) -> String {
        self.scaled(bytes as f64)
    }

    /// An amount per second, without the `/s`.
    #[must_use]
    pub fn rate(self, bytes_per_second: f64) -> String {
        self.scaled(bytes_per_second)
    }

    fn scaled(self, bytes: f64) -> String {
        let (mut value, base, unit, prefixes) = match self {
            Self::Bytes => (bytes, 1024.0, "B", ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]),
            Self::Bits => (bytes * 8.0, 1000.0, "b", ["k", "M", "G", "T", "P", "E"]),
        };
        let mut prefix = "";
        // Never four digits: 1000 KiB is 0.98 MiB.
        for next in prefixes {
            if value < 999.5 {
                break;
            }
            value /= base;
            prefix = next;
        }
        let decimals = match value {
            _ if prefix.is_empty() => 0,
            v if v < 9.995 => 2,
            v if v < 99.95 => 1,
            _ => 0,
        };
        format!("{value:.decimals$} {prefix}{unit}")
    }
}

/// A number with its thousands apart.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Units, count};

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn amounts_have_three_digits() {
        let cases = [
            (0, "0 B", "0 b"),
            (999, "999 B", "7.99 kb"),
            (1_000, "0.98 KiB", "8.00 kb"),
            (1_536, "1.50 KiB", "12.3 kb"),
            (102_300, "99.9 KiB", "818 kb"),
            (1_048_576, "1.00 MiB", "8.39 Mb"),
            (u64::MAX, "16.0 EiB", "148 Eb"),
        ];
        for (bytes, in_bytes, in_bits) in cases {
            assert_eq!((Units::Bytes.amount(bytes), Units::Bits.amount(bytes)), (in_bytes.into(), in_bits.into()));
        }
    }

    proptest! {
        #[test]
        fn no_amount_is_wider_than_eight_columns(bytes: u64) {
            prop_assert!(Units::Bytes.amount(bytes).len() <= 8);
            prop_assert!(Units::Bits.amount(bytes).len() <= 8);
        }
    }
}
