//! Numbers of bytes as people read them. Stand-in until the command line's own module arrives.

/// How amounts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Units {
    /// KiB, MiB, GiB …
    #[default]
    Bytes,
    /// Kibit, Mibit …
    Bits,
}

impl Units {
    /// A whole amount.
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
        let (mut value, unit) = match self {
            Self::Bytes => (bytes, "B"),
            Self::Bits => (bytes * 8.0, "b"),
        };
        let mut prefix = "";
        for next in ["Ki", "Mi", "Gi", "Ti", "Pi"] {
            if value < 999.5 {
                break;
            }
            value /= 1024.0;
            prefix = next;
        }
        if prefix.is_empty() {
            format!("{value:.0} {unit}")
        } else if value < 9.995 {
            format!("{value:.2} {prefix}{unit}")
        } else if value < 99.95 {
            format!("{value:.1} {prefix}{unit}")
        } else {
            format!("{value:.0} {prefix}{unit}")
        }
    }
}
