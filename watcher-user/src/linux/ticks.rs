//! When a tick of the kernel's was. Sockets are stamped with ticks, which are cheap, and do not count while the machine is
//! suspended; everything else goes by the boot clock, which does.

use watcher_core::BootTime;

/// Ticks from which the length of one is told.
const ENOUGH: u64 = 16;
/// The boot clock is so far ahead of the ticks after a suspend, at least; nanoseconds.
const SUSPENDED: u64 = 1_000_000_000;
/// So many suspends are told apart.
const MOST: usize = 64;

/// How ticks and time relate, as of the newest reading of both.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// jiffies64.
    pub tick: u64,
    /// Nanoseconds since boot, at that tick; 0 before the first reading.
    boot: u64,
    /// Ticks, and the nanoseconds that they took, without those of suspends.
    awake: (u64, u64),
    /// The last tick known to be from before a suspend, and how long that was; oldest first.
    suspends: Vec<(u64, u64)>,
}

impl Clock {
    /// Whether both were ever read.
    pub fn is_known(&self) -> bool {
        self.boot != 0
    }

    /// A later reading.
    pub fn advance(&mut self, tick: u64, boot: u64) {
        if self.is_known() {
            let (ticks, nanos) = (tick.saturating_sub(self.tick), boot.saturating_sub(self.boot));
            let expected = self.nanos(ticks).unwrap_or(nanos);
            if nanos > expected.saturating_add(SUSPENDED) {
                self.suspended(nanos - expected);
            } else {
                self.awake = (self.awake.0 + ticks, self.awake.1 + nanos);
            }
        }
        (self.tick, self.boot) = (tick, boot);
    }

    fn suspended(&mut self, nanos: u64) {
        if self.suspends.len() == MOST {
            // What is older than the second gets the time of both.
            let (_, oldest) = self.suspends.remove(0);
            self.suspends[0].1 += oldest;
        }
        self.suspends.push((self.tick, nanos));
    }

    /// How long so many ticks are; `None` while not known.
    fn nanos(&self, ticks: u64) -> Option<u64> {
        let (counted, nanos) = self.awake;
        (counted >= ENOUGH).then(|| (ticks as f64 * nanos as f64 / counted as f64) as u64)
    }

    /// When a tick was; the time of the reading itself while the length of a tick is not known.
    pub fn time(&self, tick: u64) -> Option<BootTime> {
        if tick == 0 {
            return None;
        }
        let awake = self.nanos(self.tick.saturating_sub(tick)).unwrap_or(0);
        let suspended: u64 = self.suspends.iter().filter(|(last, _)| tick <= *last).map(|(_, nanos)| nanos).sum();
        Some(BootTime(self.boot.saturating_sub(awake).saturating_sub(suspended)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Ticks of 4 ms, read each second.
    fn after(seconds: u64) -> Clock {
        let mut clock = Clock::default();
        (0..=seconds).for_each(|s| clock.advance(1_000 + 250 * s, (100 + s) * SECOND));
        clock
    }

    #[test]
    fn ticks_have_the_length_that_they_were_seen_to_have() {
        let clock = after(10);
        assert_eq!(clock.time(0), None);
        assert_eq!(clock.time(1_000 + 250 * 7), Some(BootTime(107 * SECOND)));
        assert_eq!(after(0).time(900), Some(BootTime(100 * SECOND)));
    }

    #[test]
    fn a_suspend_makes_ticks_no_longer_and_what_was_before_it_stays_there() {
        let mut clock = after(10);
        // Eight hours, and half a second awake around them.
        let night = 8 * 3_600 * SECOND;
        clock.advance(3_500 + 125, 110 * SECOND + SECOND / 2 + night);
        clock.advance(3_500 + 375, 111 * SECOND + SECOND / 2 + night);
        assert_eq!(clock.time(3_500 + 250), Some(BootTime(111 * SECOND + night)));
        assert_eq!(clock.time(3_500), Some(BootTime(110 * SECOND)));
        assert_eq!(clock.time(1_000 + 250 * 7), Some(BootTime(107 * SECOND)));
    }

    #[test]
    fn many_suspends_cost_no_more_than_some() {
        let mut clock = after(10);
        for n in 1..=1_000_u64 {
            clock.advance(3_500 + 250 * n, (110 + 61 * n) * SECOND);
        }
        assert!(clock.suspends.len() <= MOST);
        assert_eq!(clock.time(1_000), Some(BootTime(100 * SECOND)));
        assert_eq!(clock.time(3_500 + 250 * 999), Some(BootTime((110 + 61 * 999) * SECOND)));
    }
}
