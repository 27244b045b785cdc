//! What must be asked of the host itself: the time since boot, and its own addresses.

use std::os::unix::fs::MetadataExt as _;

use super::convert::Host;

/// Nanoseconds since boot.
pub fn now_boot() -> u64 {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
        .map_or(0, |t| t.tv_sec().cast_unsigned() * 1_000_000_000 + t.tv_nsec().cast_unsigned())
}

/// The addresses of this namespace's interfaces.
pub fn host() -> Option<Host> {
    let netns = std::fs::metadata("/proc/self/ns/net").ok()?.ino() as u32;
    let interfaces = nix::ifaddrs::getifaddrs().ok()?;
    let addresses = interfaces
        .filter_map(|i| i.address)
        .filter_map(|a| {
            let v4 = a.as_sockaddr_in().map(|a| std::net::IpAddr::V4(a.ip()));
            v4.or_else(|| a.as_sockaddr_in6().map(|a| std::net::IpAddr::V6(a.ip())))
        })
        .collect();
    Some(Host { addresses, netns })
}
