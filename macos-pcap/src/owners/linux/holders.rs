//! Which processes hold which sockets: /proc/PID/fd, read only where sockets are listed that nobody is known to hold.

use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::time::Duration;

use foldhash::fast::RandomState;
use nix::dir::Dir;
use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::Mode;
use watcher_core::{BootTime, ProcessId};

use super::processes::{self, Found};

/// A socket that no process holds is looked for again after so long: it may have been on its way in a message.
const AGAIN: Duration = Duration::from_secs(1);

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Holders(HashMap<u64, Holder, RandomState>);

#[derive(Debug, Clone, Copy)]
enum Holder {
    Process(ProcessId),
    /// Looked for then.
    Nobody(BootTime),
}

impl Holders {
    /// Who holds a socket.
    pub fn of(&self, inode: u64) -> Option<ProcessId> {
        match self.0.get(&inode)? {
            Holder::Process(id) => Some(*id),
            Holder::Nobody(_) => None,
        }
    }

    /// Finds who holds these, which are all there are; returns the processes that were found to hold one, as they are now.
    pub fn find(&mut self, inodes: &[u64], now: BootTime) -> Vec<Found> {
        let mut lives: HashMap<ProcessId, bool, RandomState> = HashMap::default();
        let mut wanted: HashMap<u64, (), RandomState> = HashMap::default();
        let mut kept = HashMap::with_capacity_and_hasher(inodes.len(), RandomState::default());
        for inode in inodes.iter().copied().filter(|inode| *inode != 0) {
            match self.0.get(&inode) {
                Some(Holder::Process(id)) if *lives.entry(*id).or_insert_with(|| processes::lives(*id)) => {
                    kept.insert(inode, Holder::Process(*id));
                }
                Some(Holder::Nobody(at)) if now.since(*at) < AGAIN => {
                    kept.insert(inode, Holder::Nobody(*at));
                }
                _ => {
                    wanted.insert(inode, ());
                }
            }
        }
        self.0 = kept;
        if wanted.is_empty() {
            return Vec::new();
        }
        let found = self.scan(&mut wanted);
        self.0.extend(wanted.into_keys().map(|inode| (inode, Holder::Nobody(now))));
        found
    }

    /// Looks through the processes, oldest first: the first that holds a socket is the one to name. Stops when all are found.
    fn scan(&mut self, wanted: &mut HashMap<u64, (), RandomState>) -> Vec<Found> {
        let mut running = processes::running();
        running.sort_unstable_by_key(|process| (process.id.start, process.id.tgid));
        let mut holders = Vec::new();
        for process in running {
            if wanted.is_empty() {
                break;
            }
            let mut holds = false;
            for_each_socket(process.id.tgid, |inode| {
                if wanted.remove(&inode).is_some() {
                    self.0.insert(inode, Holder::Process(process.id));
                    holds = true;
                }
                !wanted.is_empty()
            });
            if holds {
                holders.push(process);
            }
        }
        holders
    }
}

/// Calls `take` with the inode of each socket that a process holds, until it says that it wants no more; the last descriptors
/// first, which are most often the newest. A process that has ended meanwhile holds none.
fn for_each_socket(pid: u32, mut take: impl FnMut(u64) -> bool) {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let Ok(mut folder) = Dir::open(&*format!("/proc/{pid}/fd"), flags, Mode::empty()) else { return };
    let names: Vec<_> = folder.iter().filter_map(|entry| Some(entry.ok()?.file_name().to_owned())).collect();
    for name in names.iter().rev() {
        let Ok(target) = readlinkat(folder.as_fd(), &**name) else { continue };
        let inode = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        if inode.is_some_and(|inode| !take(inode)) {
            return;
        }
    }
}
