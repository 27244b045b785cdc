//! Suspends the machine, where nobody else has it.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};

/// An alarm of the clock that goes on while nothing else does; it wakes the machine.
const ALARM: &str = "/sys/class/rtc/rtc0/wakealarm";
const STATE: &str = "/sys/power/state";
/// What "mem" means: `[deep]` where it is more than a long sleep of all processors, which some machines (those of QEMU for arm64
/// among them) sleep without stopping any clock.
const KIND: &str = "/sys/power/mem_sleep";
/// Says that this machine may be suspended: `cargo xtask vm` does.
const ALLOWED: &str = "EXACTNESS_SUSPEND";

/// Whether it may be, and something would wake it.
pub fn is_possible() -> bool {
    let has =
        |path, word| fs::read_to_string(path).is_ok_and(|said| said.split_whitespace().any(|known| known == word));
    std::env::var_os(ALLOWED).is_some() && Path::new(ALARM).exists() && has(STATE, "mem") && has(KIND, "[deep]")
}

/// Suspends it for about so many seconds, and says for how long it was.
pub fn suspend(seconds: u32) -> Result<Duration> {
    let before = asleep_so_far()?;
    fs::write(ALARM, format!("+{seconds}")).context(ALARM)?;
    fs::write(STATE, "mem").context(STATE)?;
    Ok(asleep_so_far()?.saturating_sub(before))
}

/// One of the two clocks goes on meanwhile (clock_gettime(2)).
fn asleep_so_far() -> Result<Duration> {
    let awake = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME)?).saturating_sub(awake))
}
