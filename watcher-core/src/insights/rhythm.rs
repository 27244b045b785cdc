//! When an application asks a remote: exchanges, cut out of the flow of bytes by silence.

use std::time::Duration;

use super::regular::{Intervals, Run};
use crate::{BootTime, SocketId};

/// Bytes that are no further apart belong to one exchange, on however many connections they pass: a page, its pictures and
/// the answer that took ten seconds are one. Readings are a second apart; a period of 30 s leaves room for it.
const SILENCE: Duration = Duration::from_secs(20);
/// A larger exchange is no poll: 16 KiB hold a TLS handshake with its certificates (3 to 7 KiB), a request full of cookies
/// and a short answer; a page, a download or a backup's chunk is larger. Larger ones are left out, as if they had been missed.
const SMALL: u64 = 16 << 10;

/// Bytes in one piece of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    from: BootTime,
    to: BootTime,
    bytes: u64,
    socket: SocketId,
    /// More than one socket.
    is_mixed: bool,
}

impl Span {
    pub fn new(from: BootTime, to: BootTime, bytes: u64, socket: SocketId) -> Self {
        Self { from, to, bytes, socket, is_mixed: false }
    }

    fn merge(&mut self, other: Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.is_mixed |= other.is_mixed || self.socket != other.socket;
    }
}

/// The exchanges of one pair, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Rhythm {
    /// What this reading brought so far: within one reading nothing comes first.
    now: Option<(u32, Span)>,
    /// The exchange that may go on.
    open: Option<Span>,
    /// When the last small one began.
    begun: Option<BootTime>,
    /// The connection of the last small one, and the first exchange since which there was no other.
    single: Option<(SocketId, BootTime)>,
    intervals: Intervals,
    run: Option<Run>,
    /// The newest run that is over and was long enough to report.
    past: Option<Run>,
}

impl Rhythm {
    /// Bytes passed.
    pub fn add(&mut self, span: Span, reading: u32) {
        match &mut self.now {
            Some((of, now)) if *of == reading => now.merge(span),
            now => {
                if let Some((_, before)) = now.replace((reading, span)) {
                    self.take(before);
                }
            }
        }
    }

    /// What would be lost with it.
    pub fn weight(&self) -> u8 {
        let reported = self.run.is_some() || self.past.is_some();
        if reported { u8::MAX } else { self.intervals.len() }
    }

    /// The longest regular run there is to report: the one that goes on, else the last.
    pub fn run(&self, now: BootTime) -> Option<(Run, bool)> {
        let mut all = self.clone();
        if let Some((_, span)) = all.now.take() {
            all.take(span);
        }
        if let Some(open) = all.open.take_if(|open| now.since(open.to) >= SILENCE) {
            all.close(open);
        }
        let run = all.run.filter(Run::is_long).or(all.past)?;
        let is_single = all.single.is_some_and(|(_, since)| since <= run.since());
        Some((run, is_single))
    }

    fn take(&mut self, span: Span) {
        match &mut self.open {
            // Of a time that is over: a connection that took minutes to fail, behind one that did not.
            Some(open) if open.from.since(span.to) >= SILENCE => {}
            Some(open) if span.from.since(open.to) < SILENCE => open.merge(span),
            open => {
                if let Some(over) = open.replace(span) {
                    self.close(over);
                }
            }
        }
    }

    /// An exchange is over.
    fn close(&mut self, exchange: Span) {
        if exchange.bytes > SMALL {
            return;
        }
        self.single = match self.single {
            Some((socket, since)) if socket == exchange.socket && !exchange.is_mixed => Some((socket, since)),
            _ => (!exchange.is_mixed).then_some((exchange.socket, exchange.from)),
        };
        let Some(before) = self.begun.replace(exchange.from) else { return };
        self.intervals.push(exchange.from.since(before));
        match (&mut self.run, self.intervals.period()) {
            (Some(run), Some(period)) => run.add(exchange.from, exchange.from.since(before), period, exchange.bytes),
            (run @ None, Some(period)) => *run = Some(self.intervals.begin_run(exchange.from, period, exchange.bytes)),
            (run, None) => {
                if let Some(over) = run.take().filter(Run::is_long) {
                    self.past = Some(over);
                }
            }
        }
    }
}
