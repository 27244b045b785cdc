//! Bytes that come in pieces, in any order, more than once and overlapping, put together at their offsets.

use std::ops::Range;

/// Bytes that are kept, counted from the first. What lies beyond is dropped.
pub(crate) const WINDOW: usize = 16 * 1024;

/// Separate ranges that are kept. A piece that would make one more is dropped.
const MAX_RANGES: usize = 64;

/// Puts pieces together. It never holds more than [`WINDOW`] bytes, and taking a piece costs its own length and a walk over
/// at most [`MAX_RANGES`] ranges.
#[derive(Debug, Clone, Default)]
pub(crate) struct Assembler {
    /// From offset 0 to the end of the last range; zeroes in the gaps.
    bytes: Vec<u8>,
    /// What is there: in order, none empty, none touching.
    ranges: Vec<Range<usize>>,
}

impl Assembler {
    /// Takes a piece. Where it overlaps what is there, what is there stays. Returns whether anything was added.
    pub fn insert(&mut self, offset: u64, piece: &[u8]) -> bool {
        let Some(start) = usize::try_from(offset).ok().filter(|start| *start < WINDOW) else {
            return false;
        };
        let end = start.saturating_add(piece.len()).min(WINDOW);
        if start >= end || self.ranges.iter().any(|range| range.start <= start && end <= range.end) {
            return false;
        }
        // The ranges that the piece overlaps or touches become one with it.
        let first = self.ranges.partition_point(|range| range.end < start);
        let after = self.ranges.partition_point(|range| range.start <= end);
        if first == after && self.ranges.len() >= MAX_RANGES {
            return false;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let mut from = start;
        for range in self.ranges.get(first..after).unwrap_or_default() {
            copy(&mut self.bytes, start, piece, from..range.start.min(end));
            from = from.max(range.end);
        }
        copy(&mut self.bytes, start, piece, from..end);
        let merged = self.ranges.get(first..after).unwrap_or_default();
        let union = merged.first().map_or(start, |range| range.start.min(start))
            ..merged.last().map_or(end, |range| range.end.max(end));
        self.ranges.splice(first..after, [union]);
        true
    }

    /// Moves everything `distance` bytes on: room for what came before.
    pub fn shift(&mut self, distance: usize) {
        let distance = distance.min(WINDOW);
        self.bytes.splice(0..0, std::iter::repeat_n(0, distance));
        self.bytes.truncate(WINDOW);
        for range in &mut self.ranges {
            *range = range.start + distance..(range.end + distance).min(WINDOW);
        }
        self.ranges.retain(|range| range.start < range.end);
    }

    /// Forgets the first bytes; the next becomes the first.
    pub fn advance(&mut self, distance: usize) {
        self.bytes.drain(..distance.min(self.bytes.len()));
        for range in &mut self.ranges {
            *range = range.start.saturating_sub(distance)..range.end.saturating_sub(distance);
        }
        self.ranges.retain(|range| range.start < range.end);
    }

    /// The bytes from the first on, up to the first gap.
    pub fn prefix(&self) -> &[u8] {
        let end = self.ranges.first().filter(|range| range.start == 0).map_or(0, |range| range.end);
        self.bytes.get(..end).unwrap_or_default()
    }

    /// Whether nothing more would be kept.
    pub fn is_full(&self) -> bool {
        self.prefix().len() >= WINDOW
    }
}

/// Copies what of `piece`, whose first byte belongs at `start`, belongs at `range`.
fn copy(bytes: &mut [u8], start: usize, piece: &[u8], range: Range<usize>) {
    let source = range.start.saturating_sub(start)..range.end.saturating_sub(start);
    if let (Some(to), Some(from)) = (bytes.get_mut(range), piece.get(source)) {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::{Assembler, MAX_RANGES, WINDOW};
    use proptest::prelude::*;

    #[test]
    fn a_piece_counts_once() {
        let mut assembler = Assembler::default();
        assert!(assembler.insert(0, b"abc"));
        assert!(!assembler.insert(1, b"XY"), "what is there stays");
        assert!(assembler.insert(2, b"Xde"));
        assert!(assembler.insert(7, b"h"));
        assert_eq!(assembler.prefix(), b"abcde");
        assert!(assembler.insert(4, b"Xfghi"));
        assert_eq!(assembler.prefix(), b"abcdefghi");
    }

    #[test]
    fn neither_pieces_nor_bytes_grow_without_bound() {
        let mut assembler = Assembler::default();
        for offset in (0..200_000_u64).rev() {
            assembler.insert(offset * 2 + 1, b"x");
        }
        assert_eq!(assembler.ranges.len(), MAX_RANGES);
        assert!(assembler.bytes.len() <= WINDOW && assembler.prefix().is_empty());
        assert!(!assembler.insert(u64::MAX, b"x"));
        assert!(!assembler.insert(0, b""));
        assembler.insert(0, &vec![7; 100_000]);
        assert!(assembler.is_full());
        assert_eq!((assembler.ranges.len(), assembler.bytes.len()), (1, WINDOW));
    }

    proptest! {
        #[test]
        fn order_overlap_and_repetition_do_not_matter(
            text in prop::collection::vec(any::<u8>(), 1..600),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1..80_usize), 0..60),
            moved in 0..50_usize,
        ) {
            let mut assembler = Assembler::default();
            let mut known = vec![false; text.len()];
            for (at, length) in cuts {
                let start = at.index(text.len());
                let end = (start + length).min(text.len());
                assembler.insert(start as u64, &text[start..end]);
                known[start..end].fill(true);
            }
            let want = known.iter().take_while(|known| **known).count();
            prop_assert_eq!(assembler.prefix(), &text[..want]);
            assembler.shift(moved);
            assembler.insert(0, &vec![9; moved]);
            prop_assert_eq!(&assembler.prefix()[moved..], &text[..want]);
            for (at, byte) in text.iter().enumerate().rev() {
                assembler.insert((at + moved) as u64, &[*byte]);
            }
            prop_assert!(assembler.prefix()[moved..].starts_with(&text[..want]));
        }
    }
}
