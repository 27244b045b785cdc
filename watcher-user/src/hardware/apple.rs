//! macOS.

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

/// The volumes of an APFS container share its space, and each tells all of it: a container counts once.
#[cfg(target_os = "macos")]
pub(super) fn disk_bytes() -> u64 {
    use std::collections::HashMap;
    use sysinfo::{DiskRefreshKind, Disks};

    let Ok(disks) = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage()) else {
        return 0;
    };
    let mut sizes: HashMap<String, u64> = HashMap::new();
    for disk in disks.list() {
        let device = disk.name().to_string_lossy();
        let size = sizes.entry(container(&device).to_owned()).or_default();
        *size = disk.total_space().max(*size);
    }
    sizes.values().sum()
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
    use super::container;

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
