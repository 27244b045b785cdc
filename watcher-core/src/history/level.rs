//! How finely time is divided, and for how long.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A level of the store, finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Minutes that are not over, or have just been: rows are added to as bytes come.
    Open,
    /// Minutes.
    Minute,
    /// Hours of the local clock.
    Hour,
    /// Local days, of 23 to 25 hours.
    Day,
}

impl Level {
    /// All of them, finest first.
    pub const ALL: [Self; 4] = [Self::Open, Self::Minute, Self::Hour, Self::Day];

    /// How long rows stay; `None` for ever. Open minutes leave when they are over.
    #[must_use]
    pub fn kept_for(self) -> Option<SignedDuration> {
        match self {
            Self::Open => Some(SignedDuration::ZERO),
            Self::Minute => Some(SignedDuration::from_hours(7 * 24)),
            Self::Hour => Some(SignedDuration::from_hours(90 * 24)),
            Self::Day => None,
        }
    }

    /// What its rows are added up to.
    #[must_use]
    pub fn above(self) -> Option<Self> {
        match self {
            Self::Open => Some(Self::Minute),
            Self::Minute => Some(Self::Hour),
            Self::Hour => Some(Self::Day),
            Self::Day => None,
        }
    }

    /// How many remotes and processes of one minute, hour or day go by name; the rest folds.
    #[must_use]
    pub fn room(self) -> usize {
        match self {
            Self::Open => 16_384,
            Self::Minute => 512,
            Self::Hour => 768,
            Self::Day => 1_024,
        }
    }
}
