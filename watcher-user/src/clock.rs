//! From time since boot to the time on the wall.

use jiff::{Timestamp, tz::TimeZone};
use nix::time::{ClockId, clock_gettime};
use watcher_core::BootTime;

/// The clock that [`BootTime`] is read from.
#[cfg(target_os = "macos")]
const BOOT: ClockId = ClockId::from_raw(nix::libc::CLOCK_MONOTONIC_RAW);
#[cfg(not(target_os = "macos"))]
const BOOT: ClockId = ClockId::CLOCK_BOOTTIME;

/// The moment of boot on the wall clock, as it was when this was measured. One measurement for a whole run gives
/// times that do not move when the wall clock is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    booted: Timestamp,
}

impl WallClock {
    /// Reads both clocks.
    ///
    /// # Errors
    /// The system has no such clock.
    pub fn measure() -> nix::Result<Self> {
        let (wall, boot) = read()?;
        let booted = wall.as_nanosecond() - i128::from(boot.0);
        Ok(Self { booted: Timestamp::from_nanosecond(booted).unwrap_or(Timestamp::UNIX_EPOCH) })
    }

    /// With a known moment of boot.
    #[must_use]
    pub fn booted_at(booted: Timestamp) -> Self {
        Self { booted }
    }

    /// `at` on the wall clock.
    #[must_use]
    pub fn at(&self, at: BootTime) -> Timestamp {
        let wall = self.booted.as_nanosecond() + i128::from(at.0);
        Timestamp::from_nanosecond(wall).unwrap_or(Timestamp::MAX)
    }
}

/// Both clocks, one right after the other.
///
/// # Errors
/// The system has no such clock.
pub fn read() -> nix::Result<(Timestamp, BootTime)> {
    let (wall, boot) = (nanoseconds(ClockId::CLOCK_REALTIME)?, nanoseconds(BOOT)?);
    let wall = Timestamp::from_nanosecond(wall).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok((wall, BootTime(u64::try_from(boot).unwrap_or(0))))
}

fn nanoseconds(clock: ClockId) -> nix::Result<i128> {
    let time = clock_gettime(clock)?;
    Ok(i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec()))
}

/// A moment as people read it: to the second, in their time zone.
#[must_use]
pub fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The time of day; of another day, the day too.
#[must_use]
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = if at.date() == now.date() { "%H:%M:%S" } else { "%m-%d %H:%M" };
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, WallClock};
    use watcher_core::BootTime;

    #[test]
    fn time_since_boot_is_added_to_the_moment_of_boot() {
        let clock = WallClock::booted_at("2026-01-02T03:04:05Z".parse().unwrap());
        assert_eq!(format!("{:.3}", clock.at(BootTime(1_500_000_000))), "2026-01-02T03:04:06.500Z");
        assert_eq!(clock.at(BootTime(u64::MAX)).to_string(), "2610-07-24T02:38:38.709551615Z");
    }

    #[test]
    fn this_machine_was_booted_in_the_past() {
        assert!(WallClock::measure().unwrap().at(BootTime(0)) < Timestamp::now());
    }
}
