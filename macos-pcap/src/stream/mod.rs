//! The bytes of one direction of a TCP connection, counted once.
//!
//! A capture sees segments: again, in another order, overlapping, or not at all. A byte counts when it is first seen;
//! what the peer acknowledges and the capture missed counts then, as far as the sender shows that it sent so much. SYN and FIN have numbers and are no bytes.
//!
//! A stream whose SYN was not seen begins at the first number seen or acknowledged. Bytes below that count if they come
//! and nobody has acknowledged them yet: they were under way.

mod position;
mod ranges;
#[cfg(test)]
mod tests;

use position::Position;
use ranges::Ranges;

use crate::packet::{Flags, Segment};

/// The largest window of TCP (65535 << 14, RFC 7323): what is further away than this belongs to no living stream.
const WINDOW: u64 = 1 << 30;
/// How near to each other two segments outside of the window must be to be believed.
const NEAR: u32 = 1 << 24;

/// One direction. Numbers are positions: 64 bits, of which the lower 32 are the sequence number.
#[derive(Debug, Default)]
pub struct Stream {
    start: Start,
    /// The number of the SYN.
    isn: Option<u32>,
    /// Everything from the start up to here is counted.
    next: u64,
    /// The highest position that the peer acknowledged.
    acked: Position,
    /// The highest position that the sender showed, by a segment's end or the number of an empty one. A receiver that
    /// acknowledges more than that is not believed: the sender's kernel would not either (RFC 9293, 3.10.7.4).
    sent: Position,
    /// The position of the FIN.
    fin: Position,
    /// Counted, with holes below.
    ahead: Ranges,
    /// Where a segment outside of the window ended.
    stray: Option<u32>,
    seen: u64,
    missed: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Nothing has been seen.
    #[default]
    Unknown,
    /// Nothing precedes it: a SYN, or an acknowledgement.
    Firm,
    /// Somewhere in the middle, at this position.
    Middle(u64),
}

impl Stream {
    /// Payload bytes of the stream, each once: those seen, and those that the capture missed and the peer has.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.seen + self.missed
    }

    /// Of [`Self::bytes`], those that the capture did not see: the peer acknowledged them.
    #[must_use]
    pub fn missed_by_capture(&self) -> u64 {
        self.missed
    }

    /// Whether the FIN and everything before it are counted.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.fin.get() == Some(self.next)
    }

    /// Whether a FIN was seen.
    #[must_use]
    pub fn has_fin(&self) -> bool {
        self.fin.get().is_some()
    }

    /// Whether the peer acknowledged the FIN.
    #[must_use]
    pub fn is_fin_acked(&self) -> bool {
        self.fin.get().is_some_and(|fin| self.acked.get() > Some(fin))
    }

    /// Whether bytes wait for an acknowledgement.
    #[must_use]
    pub fn is_unacked(&self) -> bool {
        self.start != Start::Unknown && self.acked.get() < Some(self.next)
    }

    /// Whether a RST of this number could be one that the receiver takes.
    #[must_use]
    pub fn may_reset(&self, seq: u32) -> bool {
        self.start == Start::Unknown || self.place(seq).is_some()
    }

    /// Whether a SYN of this number begins another stream than this one.
    #[must_use]
    pub fn is_other(&self, syn: u32) -> bool {
        match self.isn {
            Some(isn) => isn != syn,
            // Its SYN may be this one, out of order: then what is acknowledged so far is only that.
            None => self.start != Start::Unknown && (self.bytes() > 0 || self.next as u32 != syn.wrapping_add(1)),
        }
    }

    /// Takes a segment of `len` payload bytes that the sender sent. Returns how many bytes are new.
    pub fn segment(&mut self, segment: &Segment, len: u64) -> u64 {
        let before = self.bytes();
        let seq = segment.seq.wrapping_add(u32::from(segment.flags.has(Flags::SYN)));
        if segment.flags.has(Flags::SYN) {
            self.isn.get_or_insert(segment.seq);
        }
        if self.start == Start::Unknown {
            self.next = begin(seq);
            self.start = if segment.flags.has(Flags::SYN) { Start::Firm } else { Start::Middle(self.next) };
        }
        if len > WINDOW {
            return 0;
        }
        let Some(at) = self.place(seq).or_else(|| self.jump(seq, len)) else { return 0 };
        let end = at + len;
        self.sent.raise(end);
        if segment.flags.has(Flags::FIN)
            && self.fin.get().is_none()
            && end >= self.next
            && self.ahead.end() <= Some(end)
        {
            self.fin.raise(end);
        }
        self.take(at, self.fin.get().map_or(end, |fin| end.min(fin)));
        self.settle();
        self.bytes() - before
    }

    /// Takes an acknowledgement that the receiver sent. Returns how many bytes the capture missed and count now.
    pub fn acknowledge(&mut self, ack: u32) -> u64 {
        let before = self.bytes();
        if self.start == Start::Unknown {
            self.start = Start::Firm;
            self.next = begin(ack);
        }
        let Some(at) = self.place(ack) else { return 0 };
        self.acked.raise(at);
        self.settle();
        self.bytes() - before
    }

    /// The position of a number: the one nearest to what is counted. `None` outside of the window.
    fn place(&self, seq: u32) -> Option<u64> {
        let distance = i64::from(seq.wrapping_sub(self.next as u32) as i32);
        (distance.unsigned_abs() <= WINDOW).then(|| self.next.checked_add_signed(distance)).flatten()
    }

    /// Follows a stream to a number outside of the window, once two segments in a row are there: the capture was blind
    /// for more than a window. What passed meanwhile is not known and does not count.
    fn jump(&mut self, seq: u32, len: u64) -> Option<u64> {
        if len == 0 {
            return None;
        }
        let is_near = self.stray.is_some_and(|stray| seq.wrapping_sub(stray) < NEAR);
        self.stray = Some(seq.wrapping_add(len as u32));
        if !is_near {
            return None;
        }
        self.next += u64::from(seq.wrapping_sub(self.next as u32));
        self.start = Start::Middle(self.next);
        (self.acked, self.sent, self.fin) = Default::default();
        self.stray = None;
        self.ahead.clear();
        Some(self.next)
    }

    /// Counts what is new in a range.
    fn take(&mut self, mut at: u64, end: u64) {
        if let Start::Middle(start) = self.start
            && at < start
        {
            self.take_earlier(start, at, end.min(start));
        }
        at = at.max(self.next);
        if at >= end {
            return;
        }
        // Nearly always: the next bytes, and no holes.
        if at == self.next && self.ahead.first().is_none() {
            self.seen += end - at;
            self.next = end;
            return;
        }
        match self.ahead.insert(at, end) {
            Ok(new) => self.seen += new,
            // It counts when it is acknowledged. Where no acknowledgement was ever seen, none will come: the lowest
            // hole is given up instead.
            Err(ranges::Full) if self.acked.get().is_none() => {
                self.give_up_hole();
                self.seen += self.ahead.insert(at, end).unwrap_or(0);
            }
            Err(ranges::Full) => {}
        }
        self.absorb();
    }

    /// Counts what was under way when the capture began, and came late.
    fn take_earlier(&mut self, start: u64, at: u64, end: u64) {
        let at = at.max(self.acked.get().unwrap_or(0));
        if at >= end {
            return;
        }
        if end < start {
            // What is counted becomes a range above a hole.
            if self.ahead.is_full() || self.ahead.insert(start, self.next.max(start + 1)).is_err() {
                return;
            }
            self.next = end;
        }
        self.start = Start::Middle(at);
        self.seen += end - at;
    }

    fn give_up_hole(&mut self) {
        if let Some((_, end)) = self.ahead.first() {
            self.ahead.cut(end);
            self.next = end;
        }
    }

    /// The lowest range becomes part of what is contiguous, when nothing is between.
    fn absorb(&mut self) {
        while let Some((start, end)) = self.ahead.first()
            && start <= self.next
        {
            self.next = self.next.max(end);
            self.ahead.cut(self.next);
        }
    }

    /// Counts what is acknowledged and was not seen. The last number acknowledged may be a FIN that was not seen either:
    /// it counts when something is known to follow it.
    fn settle(&mut self) {
        let Some(acked) = self.acked.get().filter(|acked| *acked > self.next) else { return };
        let limit = match self.fin.get() {
            Some(fin) => acked.min(fin),
            None if self.ahead.end() >= Some(acked) => acked,
            None => acked - 1,
        };
        // Where only the receiver is heard, there is nothing but its word.
        let limit = self.sent.get().map_or(limit, |sent| limit.min(sent));
        if limit > self.next {
            let known = self.ahead.cut(limit);
            self.missed += limit - self.next - known;
            self.next = limit;
            self.absorb();
        }
    }
}

/// Far enough from 0 to go back from, with the number in the lower half.
fn begin(seq: u32) -> u64 {
    (1 << 40) + u64::from(seq)
}
