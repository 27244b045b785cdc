//! The network namespaces of this machine: those of its processes, and those that have a name (`ip netns`).
//!
//! Each is held open as long as somebody is in it, so its number stays its own. When the last process has left it, its
//! counters are read once more and it is let go: within a second, so nothing else waits for it for long. Its number may
//! then be another's.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io,
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::PathBuf,
    thread,
};

use anyhow::{Context as _, anyhow};
use nix::sched::{CloneFlags, setns};
use watcher_core::verify::{Diag, Network, Standing};

use super::{counters, sockets};

/// Namespaces that are looked at; the rest are told as not looked at.
const MOST: usize = 1_000;

/// One reading of one namespace.
#[derive(Debug, Clone)]
pub struct Half {
    network: Network,
    sockets: HashMap<u64, Diag>,
    queued: u64,
}

impl Half {
    /// With the reading after it.
    pub fn with(self, after: Self) -> Standing {
        Standing {
            network: (self.network, after.network),
            sockets: (self.sockets, after.sockets),
            queued: self.queued.max(after.queued),
        }
    }
}

/// Those that are held.
#[derive(Debug)]
pub struct Namespaces {
    own: u32,
    held: HashMap<u32, File>,
    refused: HashMap<u32, io::ErrorKind>,
}

impl Namespaces {
    /// Finds those that are there.
    pub fn open() -> anyhow::Result<Self> {
        let own = File::open("/proc/self/ns/net").context("opening the own network namespace")?;
        let own_number = own.metadata()?.ino() as u32;
        let mut this = Self { own: own_number, held: HashMap::from([(own_number, own)]), refused: HashMap::new() };
        this.find();
        Ok(this)
    }

    /// That of this process.
    pub fn own(&self) -> u32 {
        self.own
    }

    /// How many cannot be entered.
    pub fn refused(&self) -> u64 {
        self.refused.len() as u64
    }

    /// Whether this one cannot be entered.
    pub fn is_refused(&self, netns: u32) -> bool {
        self.refused.contains_key(&netns)
    }

    /// Looks who came and who went. Returns the numbers of those that came, and the last counters of those that went.
    pub fn refresh(&mut self) -> anyhow::Result<(Vec<u32>, HashMap<u32, Standing>)> {
        let before: HashSet<u32> = self.held.keys().copied().collect();
        let there = self.find();
        let new = self.held.keys().copied().filter(|netns| !before.contains(netns)).collect();
        let own = self.own;
        let left: HashMap<u32, File> =
            self.held.extract_if(|netns, _| *netns != own && !there.contains_key(netns)).collect();
        let read = entered(&left)?.into_iter().filter_map(|(netns, half)| Some((netns, half.ok()?)));
        // Nobody is in it: nothing moves.
        Ok((new, read.map(|(netns, half)| (netns, half.clone().with(half))).collect()))
    }

    /// Reads all.
    pub fn survey(&mut self) -> anyhow::Result<HashMap<u32, Half>> {
        let mut halves = HashMap::new();
        for (netns, half) in entered(&self.held)? {
            match half {
                Ok(half) => drop(halves.insert(netns, half)),
                Err(error) if netns == self.own => return Err(error).context("reading the counters of the kernel"),
                Err(error) => {
                    self.held.remove(&netns);
                    self.refused.insert(netns, error.kind());
                }
            }
        }
        Ok(halves)
    }

    fn find(&mut self) -> HashMap<u32, PathBuf> {
        let there = all();
        for (netns, path) in &there {
            if self.held.len() >= MOST || self.held.contains_key(netns) || self.refused.contains_key(netns) {
                continue;
            }
            // It may have gone, and another have its place.
            let Ok(file) = File::open(path) else { continue };
            if file.metadata().is_ok_and(|data| data.ino() as u32 == *netns) {
                self.held.insert(*netns, file);
            }
        }
        there
    }
}

/// By number, each with a way to it.
fn all() -> HashMap<u32, PathBuf> {
    let mut found = HashMap::new();
    let entries = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten();
    let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    for entry in entries("/proc").filter(|entry| entry.file_name().to_str().is_some_and(is_process)) {
        let path = entry.path().join("ns/net");
        // `net:[4026531840]`
        let Ok(name) = fs::read_link(&path) else { continue };
        let number = name.to_str().and_then(|name| name.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok());
        if let Some(number) = number {
            found.entry(number).or_insert(path);
        }
    }
    for entry in entries("/run/netns") {
        // The mount on the file is the namespace; the file itself has another file system's number.
        let path = entry.path();
        let is_namespace =
            nix::sys::statfs::statfs(&path).is_ok_and(|fs| fs.filesystem_type() == nix::sys::statfs::NSFS_MAGIC);
        if let (true, Ok(data)) = (is_namespace, fs::metadata(&path)) {
            found.entry(data.ino() as u32).or_insert(path);
        }
    }
    found
}

/// Reads each in a thread that ends in one of them: no other thread ever leaves its own.
fn entered(namespaces: &HashMap<u32, File>) -> anyhow::Result<Vec<(u32, io::Result<Half>)>> {
    if namespaces.is_empty() {
        return Ok(Vec::new());
    }
    let read = || namespaces.iter().map(|(netns, file)| (*netns, enter(file))).collect();
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("netns".to_owned()).spawn_scoped(scope, read)?;
        thread.join().map_err(|_| anyhow!("the thread that reads network namespaces panicked"))
    })
}

fn enter(file: &File) -> io::Result<Half> {
    let here = fs::metadata("/proc/thread-self/ns/net")?.ino();
    if here != file.metadata()?.ino() {
        setns(file.as_fd(), CloneFlags::CLONE_NEWNET)?;
    }
    let (sockets, queued) = sockets::list()?;
    Ok(Half { network: counters::read()?, sockets, queued })
}
