//! Linux: the processor from /proc/cpuinfo, sysfs, SMBIOS and the device tree; disks from mountinfo.

mod arm;
mod cpuinfo;
mod mounts;
mod smbios;
mod topology;

use std::{fs, path::Path};

use super::Processor;

/// What a rollup calls it.
pub(super) const OS: &str = "linux";

const CPUS: &str = "/sys/devices/system/cpu";

/// The distribution by the id of os-release(5): `debian`.
pub(super) fn name() -> String {
    sysinfo::System::distribution_id()
}

pub(super) fn processor() -> Processor {
    let cpuinfo = cpuinfo::CpuInfo::parse(&read("/proc/cpuinfo"));
    let online = topology::numbers(&read(&format!("{CPUS}/online")));
    let of_each = |file: &str| -> Vec<String> {
        online.iter().map(|cpu| read(&format!("{CPUS}/cpu{cpu}/{file}"))).filter(|text| !text.is_empty()).collect()
    };
    let kilohertz = of_each("cpufreq/cpuinfo_max_freq").iter().filter_map(|text| text.trim().parse().ok()).max();
    Processor {
        model: model(&cpuinfo),
        physical_cores: topology::distinct(&of_each("topology/thread_siblings_list")),
        logical_cores: if online.is_empty() { cpuinfo.processors } else { u32::try_from(online.len()).unwrap_or(0) },
        frequency_mhz: kilohertz.map_or(cpuinfo.mhz, |kilohertz: u64| kilohertz / 1_000),
    }
}

/// x86 names itself. Arm has numbers only: the firmware's name is better than the table's, and that than what the device
/// tree calls compatible. Without any of them there is no name.
fn model(cpuinfo: &cpuinfo::CpuInfo) -> String {
    let firmware = || smbios::processor_name(&fs::read("/sys/firmware/dmi/entries/4-0/raw").ok()?);
    let known = || arm::names(&cpuinfo.arm_parts);
    let named = cpuinfo.model_name.clone().or_else(firmware).or_else(known);
    named.or_else(device_tree).unwrap_or_default()
}

/// The first name of the first CPU node: `arm,cortex-a72`.
fn device_tree() -> Option<String> {
    let nodes = fs::read_dir("/proc/device-tree/cpus").ok()?;
    let cpus = nodes.filter_map(|node| Some(node.ok()?.path()));
    let mut cpus: Vec<_> = cpus.filter(|path| path.file_name().is_some_and(is_cpu_node)).collect();
    cpus.sort_unstable();
    let compatible = fs::read(cpus.first()?.join("compatible")).ok()?;
    let first = compatible.split(|&b| b == 0).next().filter(|name| !name.is_empty())?;
    Some(String::from_utf8_lossy(first).into_owned())
}

fn is_cpu_node(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with("cpu@")
}

pub(super) fn disk_bytes() -> u64 {
    mounts::disks(&read("/proc/self/mountinfo"), canonical).iter().map(size).sum()
}

fn canonical(device: &str) -> String {
    fs::canonicalize(device).map_or_else(|_| device.to_owned(), |path| path.to_string_lossy().into_owned())
}

/// By the first of its mount points at which it can be asked: another file system may be mounted over one.
fn size(disk: &mounts::Disk) -> u64 {
    let ask = |mount: &String| {
        let path = Path::new(mount);
        if !disk.is_at(path) {
            return None;
        }
        let stat = nix::sys::statvfs::statvfs(path).ok()?;
        stat.blocks().checked_mul(stat.fragment_size()).filter(|bytes| *bytes > 0)
    };
    disk.mounts.iter().find_map(ask).unwrap_or(0)
}

/// Empty where there is no such file.
fn read(path: &str) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
