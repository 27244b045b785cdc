//! When windows begin and end. They follow the wall clock (quarter hours, say, each machine a little later than the hour, so
//! that a fleet does not arrive at once), and their durations are true whatever happens to that clock.
//!
//! Two clocks are read together: the wall clock gives stamps and boundaries, the boot clock (which runs on in suspend and is
//! never set) gives durations. Every instant of the boot clock is in exactly one window, and a window begins where the one
//! before it ended.
//!
//! | what happens | what the windows do |
//! | --- | --- |
//! | a boundary passes | the window ends at the reading that notices it: that is where the counters are cut |
//! | suspend over any number of boundaries | one long window; none are made up for the time asleep |
//! | the wall clock is slewed, or set by at most [`STEP`] | nothing: the next stamp is the clock's, but never before the last one |
//! | the wall clock is set forward | the window ends at once, stamped as if the clock had not been set; the next begins at the new time. A gap in the stamps, none in the durations |
//! | the wall clock is set back | the same. Stamps go back, and may overlap what was stamped by the wrong clock; each window says true how long it was, and [`WindowSpan::clock_step`] tells |

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use watcher_core::BootTime;

/// A difference of the two clocks' progress within one window that counts as setting the clock. Slewing by NTP (at most 500
/// parts per million) stays below it in windows of an hour.
pub const STEP: SignedDuration = SignedDuration::from_secs(2);

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// UTC.
    pub wall: Timestamp,
    /// Time since boot, suspend included.
    pub boot: BootTime,
}

impl Reading {
    /// Now.
    ///
    /// # Errors
    /// The system has no such clock.
    pub fn now() -> nix::Result<Self> {
        let (wall, boot) = crate::clock::read()?;
        Ok(Self { wall, boot })
    }
}

/// When a window was, or would be if it ended now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSpan {
    /// UTC; where the clock was not set, the end of the window before.
    pub started_at: Timestamp,
    /// UTC; never before the start.
    pub ended_at: Timestamp,
    /// How long it really was. The stamps differ from it by at most [`STEP`].
    pub duration: Duration,
    /// How far the wall clock was set, which ended this window.
    pub clock_step: Option<SignedDuration>,
}

impl WindowSpan {
    /// The duration to the nearest second.
    #[must_use]
    pub fn duration_seconds(&self) -> u64 {
        self.duration.saturating_add(Duration::from_millis(500)).as_secs()
    }
}

/// Tells windows apart. A pure function of the readings that it is given.
#[derive(Debug, Clone)]
pub struct WindowClock {
    interval: Duration,
    offset: Duration,
    started_at: Timestamp,
    started: BootTime,
    due: Timestamp,
}

impl WindowClock {
    /// Opens the first window. Windows end where UTC minus `offset` is a multiple of `interval`, which is at least a millisecond.
    #[must_use]
    pub fn start(now: Reading, interval: Duration, offset: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        let due = boundary_after(now.wall, interval, offset);
        Self { interval, offset, started_at: now.wall, started: now.boot, due }
    }

    /// The open window as if it ended now.
    #[must_use]
    pub fn as_of(&self, now: Reading) -> WindowSpan {
        let duration = now.boot.since(self.started);
        let expected = later(self.started_at, duration);
        let drift = now.wall.duration_since(expected);
        let clock_step = (drift.abs() > STEP).then_some(drift);
        let ended_at = if clock_step.is_some() { expected } else { now.wall.max(self.started_at) };
        WindowSpan { started_at: self.started_at, ended_at, duration, clock_step }
    }

    /// Ends the open window when its time has come or the wall clock was set, and opens the next one at `now`.
    pub fn observe(&mut self, now: Reading) -> Option<WindowSpan> {
        let span = self.as_of(now);
        if span.clock_step.is_none() && now.wall < self.due {
            return None;
        }
        self.open(span, now);
        // Set before anything could happen in the window: nobody needs to hear of it.
        (!span.duration.is_zero()).then_some(span)
    }

    /// Ends the open window whatever the time, and opens the next one at `now`.
    pub fn close(&mut self, now: Reading) -> WindowSpan {
        let span = self.as_of(now);
        self.open(span, now);
        span
    }

    /// From `now` until the open window should end, if nobody sets the clock.
    #[must_use]
    pub fn until_due(&self, now: Reading) -> Duration {
        Duration::try_from(self.due.duration_since(now.wall)).unwrap_or(Duration::ZERO)
    }

    fn open(&mut self, last: WindowSpan, now: Reading) {
        self.started_at = if last.clock_step.is_some() { now.wall } else { last.ended_at };
        self.started = now.boot.max(self.started);
        self.due = boundary_after(now.wall, self.interval, self.offset);
    }
}

/// The first boundary after `wall`.
fn boundary_after(wall: Timestamp, interval: Duration, offset: Duration) -> Timestamp {
    let nanoseconds = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX / 4);
    let (interval, offset) = (nanoseconds(interval), nanoseconds(offset));
    let passed = (wall.as_nanosecond() - offset).rem_euclid(interval);
    Timestamp::from_nanosecond(wall.as_nanosecond() - passed + interval).unwrap_or(Timestamp::MAX)
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "window_clock_tests.rs"]
mod tests;
