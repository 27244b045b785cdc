//! What sort of use a connection is put to: what is there all day, and what comes and goes with a load.

use std::time::Duration;

use watcher_core::BootTime;

use super::Lifecycle;

/// Longer than that, and slower than [`SLOW`]: background.
const LONG: Duration = Duration::from_secs(600);
/// Bytes per second, both directions, over its whole life.
const SLOW: f64 = 1024.0;
/// Within that, at least [`MUCH`]: a burst.
const SHORT: Duration = Duration::from_secs(60);
/// Bytes, both directions.
const MUCH: u64 = 65_536;

/// A sort of use. Most connections are neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Open for ten minutes or more, at less than 1 KiB/s on average.
    Background,
    /// Over within a minute, with 64 KiB or more.
    Burst,
}

impl Kind {
    /// That of a connection, if it has one.
    pub fn of(row: &Lifecycle, now: BootTime) -> Option<Self> {
        let lasted = row.lasted(now)?;
        let bytes = row.flow.traffic.rx_bytes.saturating_add(row.flow.traffic.tx_bytes);
        if lasted >= LONG && (bytes as f64) < SLOW * lasted.as_secs_f64() {
            return Some(Self::Background);
        }
        (row.ended().is_some() && lasted <= SHORT && bytes >= MUCH).then_some(Self::Burst)
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Burst => "burst",
        }
    }

    /// The mark in tables.
    pub fn mark(self) -> char {
        match self {
            Self::Background => '~',
            Self::Burst => '!',
        }
    }
}

/// What the marks mean.
pub const LEGEND: &str =
    "~ background: 10 minutes or more at less than 1 KiB/s   ! burst: 64 KiB or more within a minute";
