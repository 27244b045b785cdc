use proptest::prelude::*;
use proptest::sample::Index;

use super::{Flags, Segment, Stream, WINDOW};

fn flagged(seq: u32, flags: Flags) -> Segment {
    Segment { seq, flags, ..Segment::default() }
}

/// A stream whose data begins at `seq`.
fn opened(seq: u32) -> Stream {
    let mut stream = Stream::default();
    stream.segment(&flagged(seq.wrapping_sub(1), Flags::SYN), 0);
    stream
}

fn data(stream: &mut Stream, seq: u32, len: u64) -> u64 {
    stream.segment(&flagged(seq, Flags::ACK), len)
}

fn fin(stream: &mut Stream, seq: u32) -> u64 {
    stream.segment(&flagged(seq, Flags::FIN), 0)
}

#[test]
fn syn_and_fin_are_no_bytes() {
    let mut stream = opened(1);
    assert_eq!(stream.segment(&flagged(0, Flags::SYN), 0), 0, "a SYN sent again");
    assert_eq!(data(&mut stream, 1, 10), 10);
    assert_eq!((fin(&mut stream, 11), fin(&mut stream, 11)), (0, 0));
    assert!(stream.is_complete() && !stream.is_fin_acked());
    assert_eq!(stream.acknowledge(12), 0);
    assert!(stream.is_fin_acked());
    assert_eq!(data(&mut stream, 11, 50), 0, "nothing follows a FIN");
    assert_eq!(opened(0).segment(&flagged(u32::MAX, Flags::SYN), 9), 9, "data in a SYN (TCP Fast Open)");
}

#[test]
fn retransmissions_overlaps_and_probes_count_nothing_twice() {
    let mut stream = opened(1000);
    assert_eq!(data(&mut stream, 1000, 100), 100);
    assert_eq!(data(&mut stream, 1000, 100), 0);
    assert_eq!(data(&mut stream, 1050, 100), 50);
    assert_eq!(data(&mut stream, 1149, 1), 0, "a keep-alive probe with a byte");
    assert_eq!(data(&mut stream, 1149, 0), 0, "and without");
    assert_eq!(data(&mut stream, 1150, 1), 1, "a probe of a closed window sends the next byte");
    assert_eq!(data(&mut stream, 1150, 100), 99);
    assert_eq!(stream.bytes(), 250);
}

#[test]
fn what_the_capture_missed_counts_when_the_peer_has_it() {
    let mut stream = opened(0);
    assert_eq!(data(&mut stream, 100, 100), 100);
    assert_eq!(stream.acknowledge(200), 100);
    assert_eq!(data(&mut stream, 0, 100), 0, "too late");
    assert_eq!((stream.bytes(), stream.missed_by_capture()), (200, 100));
}

#[test]
fn the_last_number_of_a_stream_may_be_a_fin_that_nobody_saw() {
    let mut closed = opened(0);
    data(&mut closed, 0, 100);
    assert_eq!(closed.acknowledge(101), 0);
    let mut open = opened(0);
    data(&mut open, 0, 100);
    assert_eq!(open.acknowledge(151), 0, "the receiver alone says so");
    assert_eq!(data(&mut open, 151, 0), 50, "the sender shows it: 50 bytes, and one in doubt");
    assert_eq!(data(&mut open, 151, 10), 11, "which was a byte, since more follows");
}

#[test]
fn a_receiver_cannot_acknowledge_what_was_never_sent_into_the_sum() {
    let mut stream = opened(0);
    data(&mut stream, 0, 100);
    for ack in [1 << 29, 1 << 30, 100_000] {
        assert_eq!(stream.acknowledge(ack), 0);
    }
    assert_eq!(data(&mut stream, 100, 100), 100);
    assert_eq!((stream.bytes(), stream.missed_by_capture()), (200, 0));

    let mut unheard = Stream::default();
    unheard.acknowledge(0);
    assert_eq!(unheard.acknowledge(1001), 1000, "of a sender that is never heard it is all there is");
}

#[test]
fn a_capture_in_the_middle_begins_with_what_it_sees() {
    let mut stream = Stream::default();
    assert_eq!(data(&mut stream, 5000, 100), 100);
    assert_eq!(data(&mut stream, 4000, 100), 100, "under way when the capture began");
    assert_eq!(data(&mut stream, 4000, 100), 0);
    assert_eq!(data(&mut stream, 4100, 900), 900);
    assert_eq!(data(&mut stream, 5100, 1), 1);
    assert_eq!((stream.bytes(), stream.missed_by_capture()), (1101, 0));

    let mut acked = Stream::default();
    assert_eq!(acked.acknowledge(5000), 0);
    assert_eq!(data(&mut acked, 4000, 1100), 100, "what was acknowledged before is from before");
}

#[test]
fn more_holes_than_there_is_room_for_wait_for_the_acknowledgement() {
    let mut stream = opened(0);
    stream.acknowledge(0);
    let sum: u64 = (0..100).map(|i| data(&mut stream, 10 + i * 20, 10)).sum();
    assert_eq!(sum, 320);
    assert_eq!(stream.acknowledge(2000) + sum, 1999, "one in doubt");
    let mut alone = opened(0);
    let sum: u64 = (0..100).map(|i| data(&mut alone, 10 + i * 20, 10)).sum();
    assert_eq!(sum, 1000, "nobody acknowledges: holes are given up");
    assert_eq!(data(&mut alone, 0, 10), 0);
}

#[test]
fn a_stray_segment_is_not_followed_and_two_are() {
    let mut stream = opened(0);
    let far = WINDOW as u32 + 1000;
    assert_eq!(data(&mut stream, far, 100), 0);
    assert_eq!(data(&mut stream, 0, 100), 100);
    assert_eq!(data(&mut stream, far + 100, 100), 100, "the capture was blind for a while");
    assert_eq!(data(&mut stream, far + 200, 100), 100);
    assert_eq!(stream.acknowledge(far.wrapping_add(WINDOW as u32 + 1000)), 0, "acknowledges what cannot be under way");
    assert_eq!(stream.bytes(), 300);
}

/// What happens to one segment: which, how long, whether the capture saw it, whether the ack that follows is seen.
type Event = (Index, u64, bool, bool);

/// Sends a stream of `len` bytes through a network that loses, repeats and reorders, past a capture that misses some.
/// Returns what the capture made of it, and which bytes it saw.
fn observed(isn: u32, len: u64, events: Vec<Event>, sees_syn: bool, sees_fin: bool) -> (Stream, u64) {
    let first = isn.wrapping_add(1);
    let mut stream = Stream::default();
    if sees_syn {
        stream.segment(&flagged(isn, Flags::SYN), 0);
    }
    stream.acknowledge(first);
    let mut arrived = vec![false; len as usize];
    let mut seen = vec![false; len as usize];
    let mut send = |at: u64, size: u64, is_seen: bool, acks: bool, stream: &mut Stream| {
        let range = at as usize..(at + size) as usize;
        arrived[range.clone()].fill(true);
        if is_seen {
            seen[range].fill(true);
            data(stream, first.wrapping_add(at as u32), size);
        }
        let contiguous = arrived.iter().take_while(|arrived| **arrived).count();
        if acks {
            stream.acknowledge(first.wrapping_add(contiguous as u32));
        }
        assert!(stream.bytes() <= len);
    };
    for (at, size, is_seen, acks) in events {
        let at = at.index(len as usize) as u64;
        send(at, size.min(len - at), is_seen, acks, &mut stream);
    }
    send(0, len, false, true, &mut stream);
    let end = first.wrapping_add(len as u32);
    if sees_fin {
        fin(&mut stream, end);
    }
    stream.acknowledge(end.wrapping_add(1));
    // The sender acknowledges the peer's FIN.
    data(&mut stream, end.wrapping_add(1), 0);
    (stream, seen.iter().filter(|seen| **seen).count() as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_sum_is_the_length_of_the_stream_whatever_the_network_and_the_capture_do(
        isn: u32, near_wrap: bool, len in 1..3000_u64, sees_syn: bool, sees_fin: bool,
        events in prop::collection::vec((any::<Index>(), 1..200_u64, any::<bool>(), any::<bool>()), 0..200),
    ) {
        let isn = if near_wrap { u32::MAX - isn % 3000 } else { isn };
        let (stream, seen) = observed(isn, len, events, sees_syn, sees_fin);
        prop_assert_eq!(stream.bytes(), len);
        prop_assert!(stream.missed_by_capture() + seen >= len);
        prop_assert_eq!(stream.is_complete(), sees_fin);
    }

    #[test]
    fn without_losses_nothing_is_missed(
        isn: u32, cuts in prop::collection::vec(1..1500_u64, 1..40), order: Vec<Index>, again: Vec<Index>,
    ) {
        let mut at = 0;
        let mut segments: Vec<(u64, u64)> = cuts.into_iter().map(|size| { at += size; (at - size, size) }).collect();
        for index in again { let copy = *index.get(&segments); segments.push(copy); }
        // 32 ranges are enough for swaps of neighbours.
        for index in order { let i = index.index(segments.len()); if i > 0 { segments.swap(i - 1, i); } }
        let mut stream = opened(isn);
        for (at, size) in segments { data(&mut stream, isn.wrapping_add(at as u32), size); }
        prop_assert_eq!((stream.bytes(), stream.missed_by_capture()), (at, 0));
    }

    #[test]
    fn no_numbers_make_it_panic(start: bool, events: Vec<(u32, u64, u8, bool)>) {
        let mut stream = if start { opened(7) } else { Stream::default() };
        for (seq, len, flags, is_ack) in events {
            if is_ack { stream.acknowledge(seq); } else { stream.segment(&flagged(seq, Flags(flags)), len >> (flags % 64)); }
        }
    }
}
