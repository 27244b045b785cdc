//! The last hour, second by second, in memory.

use std::{collections::VecDeque, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{Series, ledger::Moved};

/// So many seconds.
const SECONDS: usize = 3_600;
/// So many sums altogether, 24 bytes each: beyond, the oldest seconds go.
const ROOM: usize = 131_072;

/// What each second of the last hour moved. Seconds without bytes are not held.
#[derive(Debug, Default)]
pub struct Seconds {
    /// Oldest first, as they were read.
    seconds: VecDeque<(Timestamp, Box<[(Arc<Series>, Moved)]>)>,
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

    /// The oldest second that is held.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.seconds.front().map(|(at, _)| *at)
    }
}
