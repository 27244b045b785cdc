//! The packages of the system that something here uses, how to see that they are there, and what for.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Error, bail};

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Run watcher.
    Top,
    /// Rebuild the eBPF object from source.
    Build,
    /// Run every test.
    Test,
    /// Run the benches.
    Bench,
    /// Run real programs for a long time.
    Soak,
    /// Try other kernels in virtual machines.
    Vm,
    /// Make packages.
    Dist,
    /// Everything.
    All,
}

impl Purpose {
    /// Whether who wants `self` needs what `other` needs.
    pub fn includes(self, other: Self) -> bool {
        match self {
            Self::All => true,
            Self::Test => matches!(other, Self::Test | Self::Build | Self::Top),
            Self::Bench => matches!(other, Self::Bench | Self::Top),
            Self::Soak => matches!(other, Self::Soak | Self::Top),
            Self::Vm => matches!(other, Self::Vm | Self::Top),
            Self::Dist => matches!(other, Self::Dist | Self::Top),
            Self::Top | Self::Build => other == self,
        }
    }
}

impl FromStr for Purpose {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "top" => Self::Top,
            "build" => Self::Build,
            "test" => Self::Test,
            "bench" => Self::Bench,
            "soak" => Self::Soak,
            "vm" => Self::Vm,
            "dist" => Self::Dist,
            "all" => Self::All,
            _ => bail!("`{name}` is none of top, build, test, bench, soak, vm, dist, all"),
        })
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Top => "top",
            Self::Build => "build",
            Self::Test => "test",
            Self::Bench => "bench",
            Self::Soak => "soak",
            Self::Vm => "vm",
            Self::Dist => "dist",
            Self::All => "all",
        })
    }
}

/// A package of Debian's and Ubuntu's.
#[derive(Debug)]
pub struct Package {
    /// Its name in apt.
    pub name: &'static str,
    /// For the person who is told about it.
    pub why: &'static str,
    /// A program in the system's folders, or an absolute path, that it brings.
    probe: &'static str,
    purposes: &'static [Purpose],
}

impl Package {
    /// Whether `purpose` cannot be had without it.
    pub fn needed_for(&self, purpose: Purpose) -> bool {
        self.purposes.iter().any(|own| purpose.includes(*own))
    }

    /// Whether what it brings is here, from wherever.
    pub fn is_here(&self) -> bool {
        let probe = Path::new(self.probe);
        if probe.is_absolute() {
            return probe.exists();
        }
        // The system's own folders too: sbin is not on everybody's PATH.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let system = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(Into::into);
        std::env::split_paths(&path).chain(system).any(|folder| folder.join(probe).is_file())
    }
}

const fn package(name: &'static str, probe: &'static str, why: &'static str, purposes: &'static [Purpose]) -> Package {
    Package { name, why, probe, purposes }
}

/// Everything that may be installed through apt, LLVM and the Debian toolchain (see [`super::bpf`]) apart.
pub const PACKAGES: &[Package] = &[
    package("gcc", "cc", "Cargo links programs with it", &[Purpose::Top, Purpose::Build]),
    package("libc6-dev", "/usr/include/stdio.h", "the C library that programs are linked with", &[Purpose::Top]),
    package(
        "iproute2",
        "ip",
        "network namespaces and veth pairs",
        &[Purpose::Test, Purpose::Bench, Purpose::Vm, Purpose::Soak],
    ),
    package(
        "iperf3",
        "iperf3",
        "bulk traffic by a program nobody here wrote",
        &[Purpose::Test, Purpose::Bench, Purpose::Vm, Purpose::Soak],
    ),
    package("openssl", "openssl", "TLS by a program nobody here wrote", &[Purpose::Test, Purpose::Bench]),
    package(
        "dnsmasq-base",
        "dnsmasq",
        "a resolver on loopback and in namespaces",
        &[Purpose::Test, Purpose::Bench, Purpose::Soak],
    ),
    package("curl", "curl", "short requests by a program nobody here wrote", &[Purpose::Test, Purpose::Soak]),
    package(
        "nginx-light",
        "nginx",
        "a server with several workers (its own service is switched off)",
        &[Purpose::Test, Purpose::Bench, Purpose::Soak],
    ),
    package("iputils-ping", "ping", "ICMP through raw and ping sockets", &[Purpose::Test, Purpose::Bench, Purpose::Vm]),
    package("unbound", "unbound", "a DNS server that asks others (its own service is switched off)", &[Purpose::Test]),
    package("bind9-dnsutils", "dig", "asks DNS over UDP and TCP", &[Purpose::Test, Purpose::Soak]),
    package("faketime", "faketime", "a clock that a test can set", &[Purpose::Test]),
    package("dbus-daemon", "dbus-daemon", "a session bus that takes notifications", &[Purpose::Test]),
    package("openssh-client", "ssh", "SSH by a program nobody here wrote", &[Purpose::Test, Purpose::Soak]),
    package("openssh-server", "sshd", "its server (the service is switched off)", &[Purpose::Test, Purpose::Soak]),
    package(
        "redis-server",
        "redis-server",
        "a server of Redis (its own service is switched off)",
        &[Purpose::Test, Purpose::Soak],
    ),
    package("redis-tools", "redis-cli", "asks it", &[Purpose::Test, Purpose::Soak]),
    package(
        "postgresql",
        "pg_createcluster",
        "a server of Postgres (its own is switched off)",
        &[Purpose::Test, Purpose::Soak],
    ),
    package("postgresql-client", "psql", "asks it", &[Purpose::Test, Purpose::Soak]),
    package("wrk", "wrk", "many requests at once by a program nobody here wrote", &[Purpose::Soak]),
    package("rsync", "rsync", "copies by a program nobody here wrote", &[Purpose::Soak]),
    package("util-linux", "setpriv", "servers as other users, that end when who started them does", &[Purpose::Soak]),
    package("tcpdump", "tcpdump", "captures by a program nobody here wrote", &[Purpose::Test]),
    package(
        "libpcap-dev",
        "/usr/include/pcap/pcap.h",
        "what --features pcap is linked with",
        &[Purpose::Test, Purpose::Bench, Purpose::Vm, Purpose::Dist],
    ),
    package("socat", "socat", "odd protocols and socket options", &[Purpose::Test]),
    package(
        "systemd",
        "/usr/lib/systemd/systemd",
        "judges the unit, and runs it in namespaces of its own",
        &[Purpose::Test, Purpose::Dist],
    ),
    package("python3", "python3", "a terminal to answer on, a parser of property lists", &[Purpose::Test]),
    package("man-db", "man", "reads the packaged man pages", &[Purpose::Dist]),
    package("qemu-system-x86", "qemu-system-x86_64", "boots other kernels", &[Purpose::Vm]),
    package("busybox-static", "busybox", "the shell and tools inside a virtual machine", &[Purpose::Vm]),
    package("qemu-system-arm", "qemu-system-aarch64", "boots kernels for arm64", &[Purpose::Vm]),
    package("cpio", "cpio", "packs a virtual machine's file system", &[Purpose::Vm]),
    package("kmod", "depmod", "which kernel module needs which", &[Purpose::Vm]),
    package("xz-utils", "xz", "unpacks kernel modules", &[Purpose::Vm]),
    package(
        "debian-archive-keyring",
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "proves that other kernels come from Debian",
        &[Purpose::Vm],
    ),
    package("musl-tools", "musl-gcc", "static executables with C in them", &[Purpose::Dist]),
    package("chromium", "chromium", "a browsing session by a program nobody here wrote", &[Purpose::Bench]),
    package("linux-perf", "perf", "samples where the daemon's time goes", &[Purpose::Bench]),
    package("bpftool", "bpftool", "a second opinion on loaded programs", &[Purpose::Bench]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_need_what_building_needs() {
        assert!(Purpose::Test.includes(Purpose::Build));
        assert!(!Purpose::Top.includes(Purpose::Build));
        assert!(Purpose::All.includes(Purpose::Bench));
    }

    /// Of [`crate::test::everything`], that is linked with it: whoever builds that gets it himself, and not from who ran before.
    #[test]
    fn whoever_builds_everything_gets_libpcap() {
        let libpcap = PACKAGES.iter().find(|package| package.name == "libpcap-dev").unwrap();
        for purpose in [Purpose::Test, Purpose::Vm, Purpose::Dist] {
            assert!(libpcap.needed_for(purpose), "{purpose}");
        }
    }

    #[test]
    fn a_purpose_reads_as_it_is_written() {
        for name in ["top", "build", "test", "bench", "soak", "vm", "dist", "all"] {
            assert_eq!(name.parse::<Purpose>().unwrap().to_string(), name);
        }
        assert!("tests".parse::<Purpose>().is_err());
    }

    #[test]
    fn a_program_in_a_system_folder_is_found() {
        assert!(package("any", "sh", "", &[]).is_here());
        assert!(!package("any", "no-such-program-here", "", &[]).is_here());
    }
}
