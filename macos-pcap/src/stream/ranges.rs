//! What was seen of a stream above its contiguous part.

/// Ranges that are kept apart. Each is a hole below it: more than a few are a capture that loses most packets.
pub(super) const MOST: usize = 32;

/// Half-open ranges, in order, apart from each other.
#[derive(Debug, Default)]
pub(super) struct Ranges(Vec<(u64, u64)>);

/// There is no room for one more range.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Ranges {
    /// Adds one, which is not empty, and says how many numbers of it are new.
    pub(super) fn insert(&mut self, start: u64, end: u64) -> Result<u64, Full> {
        let from = self.0.partition_point(|range| range.1 < start);
        let to = self.0.partition_point(|range| range.0 <= end);
        if from == to {
            if self.0.len() == MOST {
                return Err(Full);
            }
            self.0.insert(from, (start, end));
            return Ok(end - start);
        }
        let known: u64 = self.0[from..to].iter().map(|range| range.1 - range.0).sum();
        let merged = (start.min(self.0[from].0), end.max(self.0[to - 1].1));
        self.0.splice(from..to, [merged]);
        Ok(merged.1 - merged.0 - known)
    }

    /// Forgets what lies below `limit`, and says how many numbers that was.
    pub(super) fn cut(&mut self, limit: u64) -> u64 {
        let mut below = 0;
        self.0.retain_mut(|range| {
            below += range.1.min(limit).saturating_sub(range.0);
            range.0 = range.0.max(limit);
            range.0 < range.1
        });
        below
    }

    /// The lowest one.
    pub(super) fn first(&self) -> Option<(u64, u64)> {
        self.0.first().copied()
    }

    /// Where the highest one ends.
    pub(super) fn end(&self) -> Option<u64> {
        self.0.last().map(|range| range.1)
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() == MOST
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
