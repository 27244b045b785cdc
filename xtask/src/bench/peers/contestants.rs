//! Who is compared: watcher and the programs that people use beside it or instead of it, each with the flags that show most.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::said::{self, Read};
use crate::bench::Plan;
use crate::repo;
use crate::run::{capture, on_path, run};
use crate::setup::apt;

/// Nobody waits longer for one to be built, seconds.
const PATIENCE: &str = "900";

/// One of them.
pub struct Contestant {
    /// What is typed.
    pub name: &'static str,
    pub comes: Comes,
    /// `DEVICE` stands for the device that the traffic passes.
    pub args: &'static [&'static str],
    pub counts: Layer,
    pub sees: Scope,
    /// Whether it says whose bytes are.
    pub names_processes: bool,
    /// Whether it cannot do without kprobes.
    pub needs_kprobes: bool,
    /// What one has to know to read its figures.
    pub note: &'static str,
    /// How long it is left to itself before the traffic, and until it has shown everything: seconds.
    pub before: u64,
    pub after: u64,
    /// Whether it shows what is new only when another packet comes.
    pub waits: bool,
    pub read: Read,
}

/// Where it comes from.
pub enum Comes {
    /// The watcher that is measured.
    Watcher,
    /// The one that is built to count packets.
    PacketsWatcher,
    /// A Debian package.
    Apt(&'static str),
    /// A crate, and the Debian packages that it is built with.
    Cargo(&'static str, &'static [&'static str]),
}

/// What a figure of bytes holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// What the processes handed over and took.
    Payload,
    /// What IP carries: with the headers of TCP and UDP.
    Transport,
    /// Whole packets of IP.
    Ip,
    /// Whole frames.
    Frame,
}

/// What it can see, and so where it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The devices of the network namespace that it is in.
    Namespace,
    /// All processes of the machine.
    Machine,
}

/// A frame's header and one of IPv4 without options.
const ETHERNET: u64 = 14;
const IP: u64 = 20;
const UDP: u64 = 8;

impl Layer {
    /// Of bytes and packets as a device counts them, headers included: what this layer has of them.
    pub fn of(self, frames: u64, packets: u64, payload: u64) -> u64 {
        match self {
            Self::Payload => payload,
            Self::Transport => frames.saturating_sub((ETHERNET + IP) * packets),
            Self::Ip => frames.saturating_sub(ETHERNET * packets),
            Self::Frame => frames,
        }
    }

    /// What a datagram's figure holds beside its payload.
    pub fn of_datagram(self) -> u64 {
        match self {
            Self::Payload => 0,
            Self::Transport => UDP,
            Self::Ip => UDP + IP,
            Self::Frame => UDP + IP + ETHERNET,
        }
    }
}

/// All, in the order of the tables.
pub const ALL: &[Contestant] = &[
    Contestant {
        name: "watcher",
        comes: Comes::Watcher,
        args: &["top", "--standalone", "--json", "--include-loopback", "--interval", "1"],
        counts: Layer::Payload,
        sees: Scope::Machine,
        names_processes: true,
        needs_kprobes: false,
        note: "eBPF, as it is without options; what the machine's other processes moved is left out",
        before: 2,
        after: 3,
        waits: false,
        read: said::watcher,
    },
    Contestant {
        name: "watcher --backend pcap",
        comes: Comes::PacketsWatcher,
        args: &["top", "--standalone", "--json", "--include-loopback", "--interval", "1", "--backend", "pcap"],
        counts: Layer::Payload,
        sees: Scope::Namespace,
        names_processes: true,
        needs_kprobes: false,
        note: "for where eBPF cannot be had",
        before: 2,
        after: 3,
        waits: false,
        read: said::watcher,
    },
    Contestant {
        name: "nethogs",
        comes: Comes::Apt("nethogs"),
        // Traced, once a second, sums in bytes, UDP too; -a takes loopback as well.
        args: &["-a", "-t", "-C", "-d", "1", "-v", "2", "DEVICE"],
        counts: Layer::Frame,
        sees: Scope::Namespace,
        names_processes: true,
        needs_kprobes: false,
        note: "six digits",
        before: 2,
        after: 3,
        waits: false,
        read: said::nethogs,
    },
    Contestant {
        name: "bandwhich",
        comes: Comes::Cargo("bandwhich", &[]),
        args: &["--raw", "--processes", "--no-resolve", "--total-utilization", "--interface", "DEVICE"],
        counts: Layer::Transport,
        sees: Scope::Namespace,
        names_processes: true,
        needs_kprobes: false,
        note: "says a process's name and not its number; its sums are means over five seconds, which it is given",
        before: 6,
        after: 7,
        waits: false,
        read: said::bandwhich,
    },
    Contestant {
        name: "rustnet",
        // libpcap, and libbpf with what it is made of; its eBPF is compiled by clang.
        comes: Comes::Cargo(
            "rustnet-monitor",
            &["libpcap-dev", "libelf-dev", "zlib1g-dev", "pkg-config", "make", "clang"],
        ),
        args: &[
            "--headless",
            "--output",
            "jsonl",
            "--refresh-interval",
            "1000",
            "--no-resolve-dns",
            "--no-geoip",
            "--no-uid-drop",
            "--no-sandbox",
            "--show-localhost",
            "--interface",
            "DEVICE",
        ],
        counts: Layer::Frame,
        sees: Scope::Namespace,
        names_processes: true,
        needs_kprobes: false,
        note: "its eBPF needs BPF trampolines or kprobes; where there are none it lists all sockets every few seconds",
        before: 2,
        after: 3,
        waits: false,
        read: said::rustnet,
    },
    Contestant {
        name: "iftop",
        comes: Comes::Apt("iftop"),
        args: &["-t", "-B", "-n", "-N", "-P", "-p", "-i", "DEVICE"],
        counts: Layer::Ip,
        sees: Scope::Namespace,
        names_processes: false,
        needs_kprobes: false,
        note: "names no process; three digits; -p for what a host forwards; one ping after the job makes it show the rest",
        before: 2,
        after: 5,
        waits: true,
        read: said::iftop,
    },
    Contestant {
        name: "tcplife",
        comes: Comes::Apt("libbpf-tools"),
        args: &[],
        counts: Layer::Payload,
        sees: Scope::Machine,
        names_processes: true,
        needs_kprobes: false,
        note: "of libbpf-tools (bcc); TCP alone, once a connection has ended, of whoever had the processor then: both ends are on \
               this machine, so one process may have the other's bytes too",
        before: 2,
        after: 3,
        waits: false,
        read: said::tcplife,
    },
    Contestant {
        name: "tcptop",
        comes: Comes::Apt("libbpf-tools"),
        args: &["--noclear", "--nosummary", "--rows", "1000000", "1"],
        counts: Layer::Payload,
        sees: Scope::Machine,
        names_processes: true,
        needs_kprobes: true,
        note: "of libbpf-tools (bcc); TCP alone; needs kprobes; of each connection, whole KiB each second, rounded down; loses what is \
               moved between its reading and its emptying of a map",
        before: 2,
        after: 3,
        waits: false,
        read: said::tcptop,
    },
];

/// Where those are that this installs itself.
pub fn root() -> PathBuf {
    repo::target_dir().join("peers")
}

/// Gets those of them that are not here. One that cannot be had is left out of the tables, which say so.
pub fn install(wanted: impl Iterator<Item = &'static Contestant>) {
    for one in wanted {
        let outcome = match one.comes {
            _ if one.find().is_some() => continue,
            Comes::Watcher | Comes::PacketsWatcher => continue,
            Comes::Apt(package) => apt::install(&[package]),
            Comes::Cargo(package, needs) => build(package, needs),
        };
        if let Err(error) = outcome {
            eprintln!("note: {} could not be had: {error:#}", one.name);
        }
    }
}

fn build(package: &str, needs: &[&str]) -> Result<()> {
    if !needs.is_empty() {
        apt::install(needs)?;
    }
    let mut command = Command::new("timeout");
    command.args([PATIENCE, "cargo", "install", "--locked", "--quiet", package, "--root"]).arg(root());
    run(&mut command)
}

impl Contestant {
    /// Where it is, if it is here; for those that are built here, see [`Self::program`].
    pub fn find(&self) -> Option<PathBuf> {
        let own = root().join("bin").join(self.name);
        if own.is_file() {
            return Some(own);
        }
        let system = Path::new("/usr/sbin").join(self.name);
        if system.is_file() { Some(system) } else { on_path(self.name).then(|| self.name.into()) }
    }

    /// What is started.
    pub fn program(&self, plan: &Plan) -> Option<PathBuf> {
        match self.comes {
            Comes::Watcher => Some(plan.subject.program.clone()),
            Comes::PacketsWatcher => Some(plan.packets.program.clone()),
            Comes::Apt(_) | Comes::Cargo(..) => self.find(),
        }
    }

    /// Of a package that it is in, or what it says itself.
    pub fn version(&self, program: &Path) -> String {
        let mut command = match self.comes {
            Comes::Apt(package) => {
                let mut command = Command::new("dpkg-query");
                command.args(["--show", "--showformat=${Version}", package]);
                command
            }
            _ => {
                let mut command = Command::new(program);
                command.arg("--version");
                command
            }
        };
        let said = capture(&mut command).unwrap_or_default();
        let version = said.lines().next().unwrap_or_default().split(' ').next_back().unwrap_or_default();
        if version.is_empty() { "unknown".into() } else { version.into() }
    }

    /// Whether `packets` looks at it beside the collector of packets: it looks at packets too, and names processes.
    pub fn is_alike(&self) -> bool {
        matches!(self.comes, Comes::Apt(_) | Comes::Cargo(..)) && self.sees == Scope::Namespace && self.names_processes
    }
}
