//! Whether intervals are regular, and for how long they have been.

use std::time::Duration;

use crate::BootTime;

/// So many intervals are looked at, and all of these are needed: twelve that agree by chance are no longer chance.
const INTERVALS: usize = 12;
/// What repeats faster is a conversation, or a keepalive that says nothing about anybody.
const SHORTEST: Duration = Duration::from_secs(30);
/// Over so long: who reads a page that refreshes itself, or waits for a build, does it for less.
const LONG: Duration = Duration::from_secs(3 * 3_600);
/// The standard deviation may be so large a part of the period. A timer is within 0.02; one that is spread by a tenth on
/// purpose, as good programs do, is within 0.06, and one that is spread by a quarter within 0.15. What people do, and what
/// arrives at random, is near 1.
const SPREAD: f64 = 0.15;
/// Further from the beat than so large a part of the period is beside it.
const BESIDE: f64 = 0.3;
/// So many intervals may be beside it: somebody asked in between, which makes two of them wrong.
const MOST_BESIDE: usize = 2;
/// So many must be the period itself. The others may be multiples: an ask was missed.
const LEAST_SINGLE: usize = 8;
/// Multiples beyond this are a pause.
const MOST_MISSED: f64 = 4.0;

/// The newest intervals, milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Intervals {
    ring: [u32; INTERVALS],
    next: u8,
    len: u8,
}

impl Intervals {
    pub fn len(&self) -> u8 {
        self.len
    }

    pub fn push(&mut self, interval: Duration) {
        if let Some(slot) = self.ring.get_mut(usize::from(self.next)) {
            *slot = u32::try_from(interval.as_millis()).unwrap_or(u32::MAX);
        }
        self.next = (self.next + 1) % INTERVALS as u8;
        self.len = (self.len + 1).min(INTERVALS as u8);
    }

    /// The period, seconds, if these intervals have one.
    pub fn period(&self) -> Option<f64> {
        if usize::from(self.len) < INTERVALS {
            return None;
        }
        let mut sorted = self.ring;
        sorted.sort_unstable();
        let period = f64::from(sorted[INTERVALS / 2]) / 1e3;
        if period < SHORTEST.as_secs_f64() {
            return None;
        }
        let (mut single, mut beside, mut square, mut beats) = (0, 0, 0.0, 0.0);
        for interval in self.seconds() {
            match Beat::of(interval, period) {
                Some(beat) => {
                    single += usize::from(beat.times < 1.5);
                    square += beat.off * beat.off;
                    beats += 1.0;
                }
                None => beside += 1,
            }
        }
        let is_regular = beside <= MOST_BESIDE && single >= LEAST_SINGLE && (square / beats).sqrt() <= SPREAD * period;
        is_regular.then_some(period)
    }

    /// A run of these intervals; the exchange that ends the last of them began at `at`.
    pub fn begin_run(&self, at: BootTime, period: f64, bytes: u64) -> Run {
        let before: u64 = self.ring.iter().map(|interval| u64::from(*interval) * 1_000_000).sum();
        let since = BootTime(at.0.saturating_sub(before));
        let mut run = Run { since, until: at, period, exchanges: 1, ..Run::default() };
        for interval in self.seconds() {
            run.note(interval, period);
        }
        run.weigh(bytes);
        run
    }

    fn seconds(&self) -> impl Iterator<Item = f64> {
        self.ring.iter().map(|interval| f64::from(*interval) / 1e3)
    }
}

/// An interval as a multiple of the period.
struct Beat {
    times: f64,
    /// So far from it, seconds.
    off: f64,
}

impl Beat {
    fn of(interval: f64, period: f64) -> Option<Self> {
        let times = (interval / period).round();
        let off = interval - times * period;
        let is_on = (1.0..=MOST_MISSED + 1.0).contains(&times) && off.abs() <= BESIDE * period;
        is_on.then_some(Self { times, off })
    }
}

/// Exchanges that were regular all the time: at each of them, the twelve intervals before it were.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    since: BootTime,
    until: BootTime,
    /// The newest, seconds.
    period: f64,
    exchanges: u32,
    /// Since the last one that was on the beat.
    beside: u32,
    missed: u32,
    /// Intervals on the beat, and what they add up to, each divided by the number of beats in it.
    beats: f64,
    sum: f64,
    squares: f64,
    weighed: u64,
    bytes: u64,
}

impl Run {
    /// One more exchange.
    pub fn add(&mut self, at: BootTime, interval: Duration, period: f64, bytes: u64) {
        self.period = period;
        if self.note(interval.as_secs_f64(), period) {
            self.until = at;
        }
        self.weigh(bytes);
    }

    /// Whether it was on the beat. What is beside it counts once the beat goes on: it was in between.
    fn note(&mut self, interval: f64, period: f64) -> bool {
        self.beside = self.beside.saturating_add(1);
        let beat = Beat::of(interval, period);
        if let Some(beat) = &beat {
            self.exchanges = self.exchanges.saturating_add(std::mem::take(&mut self.beside));
            self.missed = self.missed.saturating_add(beat.times as u32 - 1);
            // Deviations are taken as they are, not shared among the beats that were missed.
            let one = period + beat.off;
            self.beats += 1.0;
            self.sum += one;
            self.squares += one * one;
        }
        beat.is_some()
    }

    fn weigh(&mut self, bytes: u64) {
        self.weighed += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether it is worth a word: long enough, and as a whole as regular as each part of it was.
    pub fn is_long(&self) -> bool {
        self.until.since(self.since) >= LONG && self.spread() <= SPREAD * self.period
    }

    pub fn since(&self) -> BootTime {
        self.since
    }

    pub fn until(&self) -> BootTime {
        self.until
    }

    /// Seconds.
    pub fn period(&self) -> f64 {
        self.period
    }

    /// The standard deviation of the intervals, seconds.
    pub fn spread(&self) -> f64 {
        let mean = self.sum / self.beats;
        (self.squares / self.beats - mean * mean).max(0.0).sqrt()
    }

    pub fn exchanges(&self) -> u32 {
        self.exchanges
    }

    pub fn missed(&self) -> u32 {
        self.missed
    }

    /// On average.
    pub fn bytes_each(&self) -> u64 {
        self.bytes / self.weighed.max(1)
    }
}
