//! What is to be told: whose bytes, which of them, and how many are too many.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rollup::Glob;

/// The longest pattern, and the longest name that is followed by itself, bytes. A host name has 253.
pub(super) const NAME_BYTES: usize = 255;

/// A name, or with `*` and `?` a pattern of names; case is ignored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: Box<str>,
    glob: Glob,
}

impl Pattern {
    /// `None` when it is empty or longer than 255 bytes.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=NAME_BYTES).contains(&text.len());
        fits.then(|| Self { text: text.into(), glob: Glob::new(text) })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is one name: what matches is counted together, under the pattern's own text.
    #[must_use]
    pub fn is_one(&self) -> bool {
        !self.text.contains(['*', '?'])
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        self.glob.matches(name)
    }
}

impl TryFrom<String> for Pattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or("a pattern has 1 to 255 bytes")
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text.into()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

/// Whose bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// An application's: see [`crate::ProcessInfo::application_name`].
    #[serde(rename = "app")]
    Application(Pattern),
    /// A remote's, by its registrable domain or else by its full name. Patterns that match the former follow whole domains,
    /// others follow host names.
    Domain(Pattern),
}

impl Subject {
    /// Which names.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        match self {
            Self::Application(pattern) | Self::Domain(pattern) => pattern,
        }
    }
}

/// Which bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Received.
    Rx,
    /// Sent.
    Tx,
    /// Both together.
    #[default]
    Both,
}

impl Way {
    pub(super) fn of(self, rx: u64, tx: u64) -> u64 {
        match self {
            Self::Rx => rx,
            Self::Tx => tx,
            Self::Both => rx.saturating_add(tx),
        }
    }
}

/// A local hour or a local day: what is summed, and how often one alert may fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// From minute 0.
    Hour,
    /// From midnight; 23 or 25 hours long where the clocks change.
    Day,
}

impl Period {
    /// As it is written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// How many are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// A sum over a period.
    Bytes {
        /// So many, or more.
        bytes: u64,
        /// The sum begins anew with each.
        per: Period,
    },
    /// A rate that lasts.
    Rate {
        /// So many, or more.
        bytes_per_second: u64,
        /// In each of so many seconds that follow each other.
        seconds: u32,
        /// Once told, it is not told again before the next one.
        once_per: Period,
    },
}

impl Condition {
    /// After which it may fire again.
    #[must_use]
    pub fn period(self) -> Period {
        match self {
            Self::Bytes { per: period, .. } | Self::Rate { once_per: period, .. } => period,
        }
    }
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What it is called: no two have the same.
    pub name: Box<str>,
    /// Whose bytes.
    #[serde(flatten)]
    pub subject: Subject,
    /// Which of them.
    pub direction: Way,
    /// How many.
    #[serde(flatten)]
    pub condition: Condition,
}

impl Rule {
    /// Whether both count the same bytes over the same periods, whatever they are called and where their limits are.
    pub(super) fn counts_like(&self, other: &Self) -> bool {
        let kind = |rule: &Self| (std::mem::discriminant(&rule.condition), rule.condition.period());
        (&self.subject, self.direction) == (&other.subject, other.direction) && kind(self) == kind(other)
    }

    /// Whether both fire at the same moments.
    pub(super) fn fires_like(&self, other: &Self) -> bool {
        self.counts_like(other) && self.condition == other.condition
    }
}
