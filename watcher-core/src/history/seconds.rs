//! The last hour, second by second, in memory.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{Bin, Query, Series, ledger::Moved};
use crate::Scope;

/// So many seconds.
const SECONDS: usize = 3_600;
/// So many sums altogether, 24 bytes each: beyond, the oldest seconds go.
const ROOM: usize = 65_536;

/// One second's.
type Sums = Box<[(Arc<Series>, Moved)]>;

/// What each second of the last hour moved. Seconds without bytes are not held.
#[derive(Debug, Default)]
pub struct Seconds {
    /// Oldest first, as they were read.
    seconds: VecDeque<(Timestamp, Sums)>,
    sums: usize,
}

impl Seconds {
    pub(super) fn push(&mut self, at: Timestamp, moved: Vec<(Arc<Series>, Moved)>) {
        if !moved.is_empty() {
            self.sums += moved.len();
            self.seconds.push_back((at, moved.into_boxed_slice()));
        }
        let oldest = at.checked_sub(SignedDuration::from_secs(SECONDS as i64)).unwrap_or(Timestamp::MIN);
        // The clock may have been set: what lies in the future of this reading, or too far back, is no part of the last hour.
        while let Some((first, sums)) = self.seconds.front()
            && (*first <= oldest || *first > at || self.sums > ROOM || self.seconds.len() > 2 * SECONDS)
        {
            self.sums -= sums.len();
            self.seconds.pop_front();
        }
    }

    /// Sums that are held.
    pub(super) fn series(&self) -> usize {
        self.sums
    }

    /// Each second's sums of one line, oldest first: (when it ended, of what, received, sent).
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, &Series, u64, u64)> {
        self.seconds
            .iter()
            .flat_map(|(at, sums)| sums.iter().map(|(series, moved)| (*at, &**series, moved.rx, moved.tx)))
    }

    /// What a question's line moved in each second: for [`Step::Second`](super::Step::Second).
    #[must_use]
    pub fn bins(&self, query: &Query) -> Vec<Bin> {
        let Ok(kind) = query.line() else { return Vec::new() };
        let second = SignedDuration::from_secs(1);
        let mut bins: BTreeMap<i64, Bin> = BTreeMap::new();
        let meant = |series: &Series| {
            series.subject.kind() == kind
                && match series.scope {
                    Scope::Network => true,
                    Scope::Loopback => query.choice.include_loopback,
                    Scope::Packet => false,
                }
                && query.choice.means(&series.subject)
        };
        for (ended, _, rx, tx) in self.iter().filter(|(_, series, ..)| meant(series)) {
            // The reading that told of it came at its end.
            let Ok(at) = ended.checked_sub(second) else { continue };
            let Ok(from) = Timestamp::from_second(at.as_second()) else { continue };
            if query.from.is_some_and(|first| from < first) || query.until.is_some_and(|until| from >= until) {
                continue;
            }
            let until = from.checked_add(second).unwrap_or(from);
            let bin = bins.entry(from.as_second()).or_insert(Bin { from, until, rx_bytes: 0, tx_bytes: 0 });
            bin.rx_bytes = bin.rx_bytes.saturating_add(rx);
            bin.tx_bytes = bin.tx_bytes.saturating_add(tx);
        }
        bins.into_values().collect()
    }

    /// The oldest second that is held.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.seconds.front().map(|(at, _)| *at)
    }
}
