//! What is asked of the host itself: its addresses, its clocks.

use std::net::IpAddr;

use nix::time::{ClockId, clock_gettime};
use watcher_core::BootTime;

use crate::flows::Hosts;

/// The clock that [`BootTime`] is read from.
#[cfg(target_os = "macos")]
const BOOT: ClockId = ClockId::from_raw(libc::CLOCK_MONOTONIC_RAW);
#[cfg(not(target_os = "macos"))]
const BOOT: ClockId = ClockId::CLOCK_BOOTTIME;

/// The addresses of this namespace's interfaces. One that the system does not tell is one that no packet is from.
pub fn hosts() -> Hosts {
    let interfaces = nix::ifaddrs::getifaddrs().into_iter().flatten();
    Hosts::new(interfaces.filter_map(|interface| interface.address).filter_map(|address| {
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    }))
}

/// The network namespace of this process; 0 where there is no such thing.
pub fn namespace() -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    if cfg!(target_os = "linux") {
        std::fs::metadata("/proc/self/ns/net").map_or(0, |file| file.ino() as u32)
    } else {
        0
    }
}

/// How far the wall clock is ahead of the time since boot, and that time.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// Now.
    pub boot: BootTime,
    ahead: i64,
}

impl Clocks {
    /// Reads both.
    pub fn read() -> Self {
        let (wall, boot) = (nanoseconds(ClockId::CLOCK_REALTIME), nanoseconds(BOOT));
        Self { boot: BootTime(boot.max(0).cast_unsigned()), ahead: wall.saturating_sub(boot) }
    }

    /// A packet's time, which is on the wall clock.
    pub fn since_boot(&self, wall: i64) -> BootTime {
        BootTime(wall.saturating_sub(self.ahead).max(0).cast_unsigned())
    }
}

fn nanoseconds(clock: ClockId) -> i64 {
    clock_gettime(clock).map_or(0, |time| time.tv_sec().saturating_mul(1_000_000_000).saturating_add(time.tv_nsec()))
}
