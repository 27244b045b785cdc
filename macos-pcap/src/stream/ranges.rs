//! What was seen of a stream above its contiguous part.

/// Ranges that are kept apart. Each is a hole below it: more than a few are a capture that loses most packets.
pub(super) const MOST: usize = 32;

/// Half-open ranges, in order, apart from each other. Streams without holes have none, and pay with one word for that.
#[derive(Debug, Default)]
pub(super) struct Ranges(Option<Box<Kept>>);

#[derive(Debug, Default)]
struct Kept(Vec<(u64, u64)>);

/// There is no room for one more range.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Ranges {
    /// Adds one, which is not empty, and says how many numbers of it are new.
    pub(super) fn insert(&mut self, start: u64, end: u64) -> Result<u64, Full> {
        let Kept(ranges) = &mut **self.0.get_or_insert_default();
        let from = ranges.partition_point(|range| range.1 < start);
        let to = ranges.partition_point(|range| range.0 <= end);
        if from == to {
            if ranges.len() == MOST {
                return Err(Full);
            }
            ranges.insert(from, (start, end));
            return Ok(end - start);
        }
        let known: u64 = ranges[from..to].iter().map(|range| range.1 - range.0).sum();
        let merged = (start.min(ranges[from].0), end.max(ranges[to - 1].1));
        ranges.splice(from..to, [merged]);
        Ok(merged.1 - merged.0 - known)
    }

    /// Forgets what lies below `limit`, and says how many numbers that was.
    pub(super) fn cut(&mut self, limit: u64) -> u64 {
        let Some(kept) = &mut self.0 else { return 0 };
        let mut below = 0;
        kept.0.retain_mut(|range| {
            below += range.1.min(limit).saturating_sub(range.0);
            range.0 = range.0.max(limit);
            range.0 < range.1
        });
        if kept.0.is_empty() {
            self.clear();
        }
        below
    }

    /// The lowest one.
    pub(super) fn first(&self) -> Option<(u64, u64)> {
        self.all().first().copied()
    }

    /// Where the highest one ends.
    pub(super) fn end(&self) -> Option<u64> {
        self.all().last().map(|range| range.1)
    }

    pub(super) fn is_full(&self) -> bool {
        self.all().len() == MOST
    }

    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    fn all(&self) -> &[(u64, u64)] {
        self.0.as_deref().map_or(&[], |kept| &kept.0)
    }
}
