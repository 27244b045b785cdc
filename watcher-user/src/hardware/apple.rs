//! macOS: the processor through `sysinfo`, disks through `getfsstat`.

use std::collections::HashMap;

/// What a rollup calls it.
#[cfg(target_os = "macos")]
pub(super) const OS: &str = "darwin";

#[cfg(target_os = "macos")]
pub(super) fn name() -> String {
    "macOS".to_owned()
}

#[cfg(target_os = "macos")]
pub(super) fn processor() -> super::Processor {
    use sysinfo::{CpuRefreshKind, RefreshKind, System};

    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing().with_frequency());
    let Ok(system) = System::new_with_specifics(kind) else { return super::Processor::default() };
    let cpus = system.cpus();
    super::Processor {
        model: cpus.first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
        physical_cores: System::physical_core_count().ok().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        logical_cores: u32::try_from(cpus.len()).unwrap_or(0),
        frequency_mhz: cpus.iter().map(sysinfo::Cpu::frequency).max().unwrap_or(0),
    }
}

#[cfg(target_os = "macos")]
pub(super) fn disk_bytes() -> u64 {
    capacity(&volumes())
}

/// What is mounted. `sysinfo` tells names of volumes, which do not say what container they are in.
#[cfg(target_os = "macos")]
fn volumes() -> Vec<Volume> {
    use nix::libc::{MNT_NOWAIT, MNT_RDONLY, getfsstat, statfs};

    // Mounts may come between the two calls; a few more fit.
    // SAFETY: without a buffer, the call only counts.
    let count = unsafe { getfsstat(std::ptr::null_mut(), 0, MNT_NOWAIT) };
    let room = usize::try_from(count).unwrap_or(0) + 8;
    let mut found: Vec<statfs> = Vec::with_capacity(room);
    let size = i32::try_from(room * size_of::<statfs>()).unwrap_or(0);
    // SAFETY: the buffer has room for `size` bytes, and the call tells how many entries it filled.
    unsafe {
        let filled = getfsstat(found.as_mut_ptr(), size, MNT_NOWAIT);
        found.set_len(usize::try_from(filled).unwrap_or(0).min(room));
    }
    let volume = |stat: &statfs| {
        let device = stat.f_mntfromname.iter().map(|&c| c.cast_unsigned()).take_while(|&b| b != 0).collect();
        Volume {
            device: String::from_utf8(device).unwrap_or_default(),
            bytes: stat.f_blocks.saturating_mul(u64::from(stat.f_bsize)),
            is_writable: stat.f_flags & MNT_RDONLY.cast_unsigned() == 0,
        }
    };
    found.iter().map(volume).collect()
}

/// One mount.
struct Volume {
    /// `/dev/disk3s5`; other text where it is on no disk.
    device: String,
    /// Of the container that it shares with others.
    bytes: u64,
    is_writable: bool,
}

/// The volumes of an APFS container share its space, and each tells all of it: a container counts once. One that cannot
/// be written to at all is an image, not a disk.
fn capacity(volumes: &[Volume]) -> u64 {
    let mut containers: HashMap<&str, (u64, bool)> = HashMap::new();
    for volume in volumes.iter().filter(|volume| volume.device.starts_with("/dev/disk")) {
        let (bytes, is_writable) = containers.entry(container(&volume.device)).or_default();
        *bytes = volume.bytes.max(*bytes);
        *is_writable |= volume.is_writable;
    }
    containers.values().filter(|(_, is_writable)| *is_writable).map(|(bytes, _)| bytes).sum()
}

/// The container of a volume or a snapshot: `disk3` of `/dev/disk3s1s1`. Any other name is its own container.
fn container(device: &str) -> &str {
    let name = device.strip_prefix("/dev/").unwrap_or(device);
    let digits = name.strip_prefix("disk").map(|rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    match digits {
        Some(digits @ 1..) => &name[.."disk".len() + digits],
        _ => device,
    }
}

#[cfg(test)]
mod tests {
    use super::{Volume, capacity, container};

    #[test]
    fn a_container_counts_once_and_an_image_not_at_all() {
        let volume = |device: &str, bytes, is_writable| Volume { device: device.to_owned(), bytes, is_writable };
        let volumes = [
            volume("/dev/disk3s1s1", 994, false),
            volume("devfs", 1, true),
            volume("/dev/disk3s6", 994, true),
            volume("/dev/disk3s5", 994, true),
            volume("/dev/disk1s2", 500, true),
            volume("map auto_home", 0, true),
            volume("/dev/disk9s1", 17, false),
            volume("//me@server/share", 9_000, true),
        ];
        assert_eq!(capacity(&volumes), 994 + 500);
    }

    #[test]
    fn volumes_and_snapshots_belong_to_their_container() {
        let cases = [
            ("/dev/disk3s1s1", "disk3"),
            ("/dev/disk3s5", "disk3"),
            ("disk12s2", "disk12"),
            ("/dev/disk0", "disk0"),
            ("Macintosh HD", "Macintosh HD"),
            ("//user@server/share", "//user@server/share"),
            ("disk", "disk"),
        ];
        for (device, wanted) in cases {
            assert_eq!(container(device), wanted);
        }
    }
}
