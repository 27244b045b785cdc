//! What the machine says of itself.

use std::path::Path;

use serde::Serialize;

use crate::linux::load::cgroup2_mount;

/// The capabilities that watching needs (capabilities(7)), with what for.
const NEEDED: &[(u32, &str, &str)] = &[
    (39, "CAP_BPF", "load programs and maps"),
    (38, "CAP_PERFMON", "attach to tracepoints and read kernel fields"),
    (12, "CAP_NET_ADMIN", "attach to the cgroup root"),
    (19, "CAP_SYS_PTRACE", "read names and command lines of other users' processes"),
];

/// Kernel, type information, lockdown, privilege, cgroups, /proc.
#[derive(Debug, Serialize)]
pub struct Facts {
    pub kernel: String,
    pub machine: String,
    pub btf: bool,
    pub lockdown: Option<String>,
    pub root: bool,
    pub missing_capabilities: Vec<&'static str>,
    pub cgroup2: Option<String>,
    pub proc: bool,
    pub proc_hidepid: Option<String>,
}

impl Facts {
    /// Reads them; what cannot be read is unknown, never an error.
    pub fn gather() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
        let mounts = read("/proc/mounts").unwrap_or_default();
        let status = read("/proc/self/status").unwrap_or_default();
        Self {
            kernel: read("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".to_owned()),
            machine: std::env::consts::ARCH.to_owned(),
            btf: Path::new("/sys/kernel/btf/vmlinux").exists(),
            lockdown: read("/sys/kernel/security/lockdown").map(|text| chosen(&text)),
            root: nix::unistd::geteuid().is_root(),
            proc: !status.is_empty(),
            missing_capabilities: if status.is_empty() { Vec::new() } else { missing(&status) },
            cgroup2: cgroup2_mount(&mounts).map(|path| path.display().to_string()),
            proc_hidepid: hidepid(&mounts),
        }
    }

    /// What stands in the way, each with the next thing to try.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.proc {
            problems.push("/proc cannot be read: mount -t proc proc /proc".to_owned());
            return problems;
        }
        if !self.btf {
            problems.push(
                "no BTF at /sys/kernel/btf/vmlinux: use a kernel built with CONFIG_DEBUG_INFO_BTF=y \
                 (every current distribution's is)"
                    .to_owned(),
            );
        }
        if !self.missing_capabilities.is_empty() {
            problems
                .push(format!("missing {}: run as root (sudo watcher doctor)", self.missing_capabilities.join(", ")));
        }
        if self.cgroup2.is_none() {
            problems.push("no cgroup v2 tree is mounted: mount -t cgroup2 none /sys/fs/cgroup".to_owned());
        }
        if self.lockdown.as_deref() == Some("confidentiality") {
            problems.push(
                "kernel lockdown is 'confidentiality', which forbids BPF to read kernel memory: \
                           boot with lockdown=integrity"
                    .to_owned(),
            );
        }
        problems
    }
}

/// The bracketed word of a line like `none [integrity] confidentiality`.
fn chosen(text: &str) -> String {
    let word = text.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
    word.unwrap_or(text).to_owned()
}

fn missing(status: &str) -> Vec<&'static str> {
    let hex = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap_or("0");
    let held = u64::from_str_radix(hex.trim(), 16).unwrap_or(0);
    let sys_admin = held >> 21 & 1 == 1;
    let has = |bit: u32| held >> bit & 1 == 1 || (sys_admin && (bit == 38 || bit == 39));
    NEEDED.iter().filter(|(bit, ..)| !has(*bit)).map(|(_, name, _)| *name).collect()
}

/// The hidepid option of /proc, where it is set.
fn hidepid(mounts: &str) -> Option<String> {
    // Of several mounts on one folder the last is seen.
    let line = mounts.lines().rfind(|line| line.split(' ').nth(1) == Some("/proc"))?;
    let options = line.split(' ').nth(3)?;
    options.split(',').find_map(|option| option.strip_prefix("hidepid=")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lockdown_in_force_is_the_bracketed_one() {
        assert_eq!(chosen("none [integrity] confidentiality"), "integrity");
        assert_eq!(chosen("odd"), "odd");
    }

    #[test]
    fn missing_capabilities_are_named() {
        assert_eq!(missing("CapEff:\t0000000000000000"), ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"]);
        assert!(missing("CapEff:\t000001ffffffffff").is_empty());
        assert_eq!(missing(&format!("CapEff:\t{:016x}", 1u64 << 21 | 1 << 12)), ["CAP_SYS_PTRACE"]);
        assert_eq!(missing("garbage").len(), 4);
    }

    #[test]
    fn a_hidden_proc_is_noticed() {
        assert_eq!(hidepid("proc /proc proc rw,nosuid,hidepid=2 0 0").as_deref(), Some("2"));
        assert_eq!(hidepid("proc /proc proc rw 0 0"), None);
        assert_eq!(hidepid("proc /proc proc rw 0 0\nproc /proc proc rw,hidepid=1 0 0").as_deref(), Some("1"));
    }
}
