//! One direction of a TCP connection, from the segments that were seen of it.

use super::parse::{Assembler, WINDOW};

/// How far back a segment may lie and still move the beginning.
const MAX_BACK: u32 = 64 * 1024;

/// Puts segments together by their sequence numbers (RFC 9293, 3.4), which wrap. It holds at most 16 KiB, in at most 64
/// pieces.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// The sequence number of the first byte.
    base: Option<u32>,
    bytes: Assembler,
    /// The beginning was read and dropped: it stays where it is.
    is_advanced: bool,
}

impl Stream {
    /// Takes a segment, in whatever order they come. The lowest sequence number seen is where the stream begins: the first
    /// segment that was seen need not be the first that was sent. Returns whether that told anything new.
    pub fn insert(&mut self, seq: u32, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return false;
        }
        let base = *self.base.get_or_insert(seq);
        let ahead = seq.wrapping_sub(base);
        if ahead < u32::MAX / 2 {
            return self.bytes.insert(ahead.into(), bytes);
        }
        let back = base.wrapping_sub(seq);
        if back > MAX_BACK {
            return false;
        }
        if self.is_advanced {
            let rest = usize::try_from(back).ok().and_then(|back| bytes.get(back..));
            return self.bytes.insert(0, rest.unwrap_or_default());
        }
        self.bytes.shift(usize::try_from(back).unwrap_or(WINDOW));
        self.base = Some(seq);
        self.bytes.insert(0, bytes)
    }

    /// What is known without a gap, from the beginning.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        self.bytes.prefix()
    }

    /// Drops the first bytes, whether they are there or not. From now on nothing earlier is taken.
    pub fn advance(&mut self, distance: usize) {
        if let (Some(base), Ok(ahead @ 1..)) = (&mut self.base, u32::try_from(distance)) {
            *base = base.wrapping_add(ahead);
            self.bytes.advance(distance);
            self.is_advanced = true;
        }
    }

    /// Where in [`Self::prefix`] the byte with this sequence number would be.
    #[must_use]
    pub fn offset_of(&self, seq: u32) -> Option<usize> {
        let ahead = usize::try_from(seq.wrapping_sub(self.base?)).ok()?;
        (ahead < WINDOW).then_some(ahead)
    }

    /// Whether it holds all that it will ever hold.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.is_full()
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;
    use proptest::prelude::*;

    #[test]
    fn sequence_numbers_wrap() {
        let mut stream = Stream::default();
        assert!(stream.insert(u32::MAX - 1, b"abc"));
        assert!(stream.insert(1, b"de"));
        assert_eq!(stream.prefix(), b"abcde");
        assert_eq!(stream.offset_of(1), Some(3));
    }

    #[test]
    fn an_earlier_segment_moves_the_beginning() {
        let mut stream = Stream::default();
        stream.insert(1000, b"def");
        assert!(stream.insert(997, b"abc"));
        assert_eq!(stream.prefix(), b"abcdef");
        assert!(!stream.insert(1000_u32.wrapping_sub(100_000), b"old"), "too far back to belong here");
        assert!(!stream.insert(1000 + 100_000, b"new"), "too far on to be kept");
        assert_eq!(stream.prefix(), b"abcdef");
    }

    #[test]
    fn what_was_read_does_not_come_again() {
        let mut stream = Stream::default();
        stream.insert(100, b"abcdef");
        stream.advance(4);
        assert_eq!(stream.prefix(), b"ef");
        assert!(!stream.insert(100, b"abcdef"));
        assert!(stream.insert(100, b"abcdefgh"));
        assert!(stream.insert(109, b"j"));
        assert_eq!(stream.prefix(), b"efgh");
        stream.insert(108, b"i");
        assert_eq!(stream.prefix(), b"efghij");
        stream.advance(20);
        assert_eq!(stream.prefix(), b"");
        stream.insert(120, b"abcdefgh");
        assert_eq!(stream.prefix(), b"efgh");
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_bytes(
            text in prop::collection::vec(any::<u8>(), 1..3000),
            base in any::<u32>(),
            size in 60..400_usize,
            order in any::<prop::sample::Index>(),
            again in any::<prop::sample::Index>(),
        ) {
            let mut pieces: Vec<_> = text.chunks(size).enumerate().map(|(i, piece)| (i * size, piece)).collect();
            pieces.push(pieces[again.index(pieces.len())]);
            let turn = order.index(pieces.len());
            pieces.rotate_left(turn);
            pieces.reverse();
            let mut stream = Stream::default();
            for (offset, piece) in pieces {
                stream.insert(base.wrapping_add(u32::try_from(offset).unwrap()), piece);
            }
            prop_assert_eq!(stream.prefix(), &text);
        }

        #[test]
        fn whatever_comes_is_bounded(segments in prop::collection::vec((any::<u32>(), 0..100_usize), 0..200)) {
            let mut stream = Stream::default();
            for (seq, length) in segments {
                stream.insert(seq, &vec![1; length]);
                prop_assert!(stream.prefix().len() <= super::WINDOW);
            }
        }
    }
}
