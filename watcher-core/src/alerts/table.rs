//! What one rule has counted in one period.

use std::time::Duration;

use jiff::Timestamp;

use super::{Condition, span::Span};
use crate::aggregate::FastMap;

/// Names that one rule follows by themselves in one period. Whatever more there are is counted together.
pub const FOLLOWED: usize = 1_024;

/// What one name moved.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub sum: u64,
    /// In the second that has not ended.
    second: u64,
    /// Bytes per second in the last one that has.
    pub rate: u64,
    /// For how long the rate has been reached, and since when.
    held: Option<(Duration, Timestamp)>,
    pub fired: Option<Timestamp>,
}

impl Tally {
    pub fn known(sum: u64, fired: Option<Timestamp>) -> Self {
        Self { sum, fired, ..Self::default() }
    }

    pub fn add(&mut self, bytes: u64) {
        self.sum = self.sum.saturating_add(bytes);
        self.second = self.second.saturating_add(bytes);
    }

    /// A second has ended, which took `span`: the mean over it is what counts.
    pub fn end_second(&mut self, span: Duration, at: Timestamp, condition: Condition) {
        let nanoseconds = span.as_nanos().max(1);
        let bytes = u128::from(std::mem::take(&mut self.second)) * 1_000_000_000;
        self.rate = u64::try_from(bytes / nanoseconds).unwrap_or(u64::MAX);
        let Condition::Rate { bytes_per_second, .. } = condition else { return };
        self.held = (bytes >= u128::from(bytes_per_second) * nanoseconds).then(|| {
            let began = at.checked_sub(span).unwrap_or(at);
            let (before, since) = self.held.unwrap_or((Duration::ZERO, began));
            (before.saturating_add(span), since)
        });
    }

    /// Since when it has been too much, if it is and was not told yet; then it counts as told.
    pub fn fire(&mut self, at: Timestamp, counted_from: Timestamp, condition: Condition) -> Option<Timestamp> {
        if self.fired.is_some() {
            return None;
        }
        let since = match condition {
            Condition::Bytes { bytes, .. } => (self.sum >= bytes).then_some(counted_from),
            Condition::Rate { seconds, .. } => {
                let lasted = |(held, _): &(Duration, Timestamp)| *held >= Duration::from_secs(seconds.into());
                self.held.filter(lasted).map(|(_, since)| since)
            }
        }?;
        self.fired = Some(at);
        Some(since)
    }
}

/// One period.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub span: Span,
    /// When counting began: later than the period, if watcher did.
    pub counted_from: Timestamp,
    pub tallies: FastMap<Box<str>, Tally>,
    /// All names beyond [`FOLLOWED`].
    pub rest: Option<Tally>,
}

impl Table {
    pub fn new(span: Span, counted_from: Timestamp) -> Self {
        Self { span, counted_from, tallies: FastMap::default(), rest: None }
    }

    pub fn tally(&mut self, name: &str) -> &mut Tally {
        let is_followed = self.tallies.contains_key(name);
        if !is_followed && self.tallies.len() >= FOLLOWED {
            return self.rest();
        }
        self.tallies.entry(name.into()).or_default()
    }

    pub fn rest(&mut self) -> &mut Tally {
        self.rest.get_or_insert_default()
    }

    /// With its name; the rest has none.
    pub fn all_mut(&mut self) -> impl Iterator<Item = (Option<&str>, &mut Tally)> {
        let named = self.tallies.iter_mut().map(|(name, tally)| (Some(&**name), tally));
        named.chain(self.rest.iter_mut().map(|tally| (None, tally)))
    }

    /// With its name; the rest has none.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &Tally)> {
        let named = self.tallies.iter().map(|(name, tally)| (Some(&**name), tally));
        named.chain(self.rest.iter().map(|tally| (None, tally)))
    }
}
