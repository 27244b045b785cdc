//! What this machine is: read once at start, from where each fact is true.
//!
//! `sysinfo` tells the names of host and system, and the memory. On Linux the processor and the disks are read here: the
//! crate knows no SMBIOS names, counts threads as cores on Arm, tells the frequency of this moment, and lists every mount.

#[cfg(any(target_os = "macos", test))]
mod apple;
#[cfg(target_os = "linux")]
mod linux;

use sysinfo::{MemoryRefreshKind, RefreshKind};
use watcher_core::rollup::{
    Profile, normalized,
    schema::{Capacity, Cpu, Hardware},
};

#[cfg(target_os = "macos")]
use self::apple as platform;
#[cfg(target_os = "linux")]
use self::linux as platform;

const GIB: f64 = 1_073_741_824.0;

/// The processor as the platform tells it; what it does not tell is empty or 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Processor {
    model: String,
    physical_cores: u32,
    logical_cores: u32,
    frequency_mhz: u64,
}

/// Reads everything. What cannot be read is empty or 0: a machine without a name still has traffic.
#[must_use]
pub fn profile() -> Profile {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let memory = sysinfo::System::new_with_specifics(memory).map(|system| system.total_memory()).unwrap_or_default();
    let processor = platform::processor();
    Profile {
        hostname: sysinfo::System::host_name().unwrap_or_default(),
        system: watcher_core::rollup::schema::System {
            os: platform::OS.to_owned(),
            platform: platform::name(),
            platform_version: sysinfo::System::os_version().unwrap_or_default(),
            kernel_version: sysinfo::System::kernel_version().unwrap_or_default(),
        },
        hardware: Hardware {
            cpu: Cpu {
                model_normalized: normalized(&processor.model),
                model: processor.model,
                physical_cores: processor.physical_cores,
                logical_cores: processor.logical_cores,
                frequency_mhz: plausible_mhz(processor.frequency_mhz),
            },
            memory: gibibytes(memory),
            disk: gibibytes(platform::disk_bytes()),
        },
    }
}

fn gibibytes(bytes: u64) -> Capacity {
    Capacity { total_gb: (bytes as f64 / GIB * 100.0).round() / 100.0 }
}

/// Firmware that tells another unit is no source: an Apple M4 says 4.
fn plausible_mhz(mhz: u64) -> u64 {
    if (100..=20_000).contains(&mhz) { mhz } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::{gibibytes, plausible_mhz, profile};

    #[test]
    fn a_frequency_in_another_unit_is_unknown() {
        assert_eq!([4, 0, 2_100, 5_700, 2_400_000].map(plausible_mhz), [0, 0, 2_100, 5_700, 0]);
    }

    #[test]
    fn amounts_are_in_gib() {
        assert_eq!(gibibytes(16 << 30).total_gb, 16.0);
        assert_eq!(gibibytes((16 << 30) - (1 << 28)).total_gb, 15.75);
    }

    #[test]
    fn this_machine_has_a_profile() {
        let profile = profile();
        assert!(!profile.hostname.is_empty() && !profile.system.kernel_version.is_empty());
        let hardware = profile.hardware;
        assert!(hardware.memory.total_gb > 0.1);
        assert!(hardware.cpu.logical_cores >= hardware.cpu.physical_cores && hardware.cpu.logical_cores > 0);
    }
}
