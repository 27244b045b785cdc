//! Other programs that look at packets and name processes: where they come from, and what they say of a process.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::super::kernel::cpu_seconds;
use super::super::{Row, ratio};
use crate::repo;
use crate::run::{on_path, run};

/// Longer than this nobody waits for one, seconds.
const PATIENCE: &str = "180";
/// Headers of a datagram of IPv4 without options, that of Ethernet included: bytes.
const UDP: u64 = 20 + 8;
const ETHERNET: u64 = 14;

/// One of them.
pub struct Peer {
    /// What is typed.
    pub name: &'static str,
    /// Installs it, where `ROOT` stands for a folder of its own.
    install: &'static [&'static str],
    args: &'static [&'static str],
    /// What it counts beside a datagram's payload.
    overhead: u64,
    /// Processes' figures in a line.
    read: Read,
}

/// Of each process that a line tells of, its number or name and the bytes it has sent since the beginning.
type Read = fn(&str) -> Vec<(String, u64)>;

/// The ones that are asked for.
pub const ALL: &[Peer] = &[
    Peer {
        name: "nethogs",
        install: &["apt-get", "install", "-y", "nethogs"],
        // Of all devices, traced, once a second, sums in bytes, UDP too.
        args: &["-a", "-t", "-C", "-d", "1", "-v", "2"],
        overhead: UDP + ETHERNET,
        read: nethogs,
    },
    Peer {
        name: "bandwhich",
        install: &["cargo", "install", "--locked", "--quiet", "--root", "ROOT", "bandwhich"],
        args: &["--raw", "--processes", "--no-resolve", "--total-utilization"],
        // It counts what IP carries.
        overhead: 8,
        read: bandwhich,
    },
    // Without its own eBPF, which takes libelf to build: owners from /proc, as the others'.
    Peer {
        name: "rustnet",
        install: &[
            "cargo",
            "install",
            "--locked",
            "--quiet",
            "--no-default-features",
            "--root",
            "ROOT",
            "rustnet-monitor",
        ],
        args: &["--headless", "--output", "jsonl", "--refresh-interval", "1000", "--no-resolve-dns", "--no-geoip"],
        overhead: UDP + ETHERNET,
        read: rustnet,
    },
];

/// Gets those that are not here. One that cannot be had is left out of the table, which says so.
pub fn install() {
    for peer in ALL.iter().filter(|peer| peer.find().is_none()) {
        let root = root().display().to_string();
        let words = peer.install.iter().map(|word| if *word == "ROOT" { root.as_str() } else { word });
        if let Err(error) = run(Command::new("timeout").arg(PATIENCE).args(words)) {
            eprintln!("note: {} could not be had: {error:#}", peer.name);
        }
    }
}

fn root() -> PathBuf {
    repo::target_dir().join("peers")
}

/// A peer that looks on; killed when dropped.
pub struct Looking {
    child: Child,
    sums: Arc<Mutex<HashMap<String, u64>>>,
}

/// What one has said of a process.
pub struct Counted {
    bytes: u64,
    /// Processor time, seconds.
    spent: f64,
}

impl Peer {
    /// Where it is, if it is here.
    pub fn find(&self) -> Option<PathBuf> {
        let own = root().join("bin").join(self.name);
        if own.is_file() {
            return Some(own);
        }
        let system = Path::new("/usr/sbin").join(self.name);
        if system.is_file() { Some(system) } else { on_path(self.name).then(|| self.name.into()) }
    }

    /// Starts it, as `command` or, where that is in a namespace, as what that starts.
    pub fn start(&self, mut command: Command) -> Result<Looking> {
        let read = self.read;
        command.args(self.args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.name))?;
        let stdout = child.stdout.take().context("the child's output was asked for")?;
        let sums = Arc::new(Mutex::new(HashMap::new()));
        thread::spawn({
            let sums = Arc::clone(&sums);
            move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    for (process, bytes) in read(&line) {
                        let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                        let sum = sums.entry(process).or_default();
                        *sum = bytes.max(*sum);
                    }
                }
            }
        });
        // None of them says when it begins to count.
        thread::sleep(Duration::from_secs(2));
        Ok(Looking { child, sums })
    }
}

impl Looking {
    /// Of this process, by its number or, where that is not told, its name.
    pub fn counted(&self, pid: u32) -> Result<Counted> {
        let spent = cpu_seconds(self.child.id())?;
        let sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).context("the sender is gone")?;
        let bytes = sums.get(&pid.to_string()).or_else(|| sums.get(name.trim())).copied().unwrap_or(0);
        Ok(Counted { bytes, spent })
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it said of the sender, in datagrams, of each run: how many there were, how fast, what it counted. It counts headers as
/// well.
pub fn row(peer: &Peer, runs: &[(u64, String, Option<Counted>)], size: u64) -> Row {
    let what = format!("{} beside it: share of datagrams with the right process", peer.name);
    let one = |(datagrams, rate, counted): &(u64, String, Option<Counted>)| {
        let Some(Counted { bytes, spent }) = counted else { return format!("nothing at {rate}") };
        let share = ratio(*bytes, datagrams * (size + peer.overhead));
        format!("{share:.4} at {rate} ({spent:.1} s of a processor)")
    };
    let said: Vec<String> = runs.iter().map(one).collect();
    Row::told(what, format!("{}; with {} bytes of headers in each datagram's figure", said.join(", "), peer.overhead))
}

/// `/path/to/program/PID/UID<tab>sent<tab>received`: with -v 2 bytes since it began.
fn nethogs(line: &str) -> Vec<(String, u64)> {
    of_nethogs(line).into_iter().collect()
}

fn of_nethogs(line: &str) -> Option<(String, u64)> {
    let mut columns = line.split('\t');
    let (process, sent) = (columns.next()?, columns.next()?);
    let mut parts = process.rsplit('/');
    let (_uid, pid) = (parts.next()?, parts.next()?);
    pid.parse::<u32>().ok()?;
    Some((pid.to_owned(), whole(sent)?))
}

/// `process: <time> "name" up/down Bps: 12/34 connections: 1`: since it began, as it is asked for totals.
fn bandwhich(line: &str) -> Vec<(String, u64)> {
    of_bandwhich(line).into_iter().collect()
}

fn of_bandwhich(line: &str) -> Option<(String, u64)> {
    let rest = line.strip_prefix("process: ")?;
    let name = rest.split('"').nth(1)?;
    let (_, rates) = rest.split_once("Bps: ")?;
    Some((name.to_owned(), whole(rates.split('/').next()?)?))
}

/// An object with all connections there are, and who has each.
fn rustnet(line: &str) -> Vec<(String, u64)> {
    let snapshot: Value = serde_json::from_str(line).unwrap_or_default();
    let mut sums: HashMap<String, u64> = HashMap::new();
    for connection in snapshot["connections"].as_array().into_iter().flatten() {
        if let (Some(pid), Some(sent)) =
            (connection["process"]["pid"].as_u64(), connection["traffic"]["bytes_sent"].as_u64())
        {
            *sums.entry(pid.to_string()).or_default() += sent;
        }
    }
    sums.into_iter().collect()
}

/// Some print bytes with a fraction.
fn whole(number: &str) -> Option<u64> {
    number.trim().split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{bandwhich, nethogs, rustnet};

    #[test]
    fn what_others_print_is_read() {
        let said = "/usr/bin/xtask bench-actor/4711/0\t1234567.000000\t12.5";
        assert_eq!(nethogs(said), [("4711".into(), 1_234_567)]);
        assert_eq!(nethogs("Refreshing:"), []);
        assert_eq!(nethogs("unknown TCP/0/0\t1\t2"), [("0".into(), 1)]);
        let said = r#"process: <1700000000> "xtask" up/down Bps: 60000/12 connections: 1"#;
        assert_eq!(bandwhich(said), [("xtask".into(), 60_000)]);
        assert_eq!(bandwhich("Refreshing:"), []);
        let said = r#"{"connections":[{"process":{"pid":7},"traffic":{"bytes_sent":3}},{"process":null},
            {"process":{"pid":7},"traffic":{"bytes_sent":4}}]}"#;
        assert_eq!(rustnet(said), [("7".into(), 7)]);
        assert_eq!(rustnet("starting"), []);
    }
}
