//! Time as the kernel stamps it. Turning it into wall-clock time is the caller's business.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Nanoseconds since boot, suspend included (`CLOCK_BOOTTIME`). On macOS: `mach_continuous_time` in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct BootTime(pub u64);

impl BootTime {
    /// The time that passed from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
