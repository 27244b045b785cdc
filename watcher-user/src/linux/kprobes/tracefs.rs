//! Probes through tracefs.
//!
//! They are not the kernel's to remove when this process ends. They are removed when it ends as it should; what others left
//! behind, who were killed, is idle, and removed at the next start.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::fd::{BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

use super::{Function, Place};
use crate::linux::{host::now_boot, raw};

/// Where tracefs is mounted, or debugfs has it.
const MOUNTS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// What the groups of this program's probes begin with.
const PREFIX: &str = "watcher_";
/// Return instances: the most that tracefs takes (KRETPROBE_MAXACTIVE_MAX, kernel/trace/trace_kprobe.c). 64 bytes each.
const INSTANCES: u32 = 4096;

/// How often the kernel came by probes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Profile {
    /// Ran into one.
    pub hits: u64,
    /// Passed one over.
    pub missed: u64,
}

/// The probes of this process.
#[derive(Debug)]
pub struct Tracefs {
    root: PathBuf,
    /// Also what the names of the probes begin with: in the profile they stand alone.
    group: String,
    made: u32,
}

impl Tracefs {
    /// None yet. Removes what is left of processes that were killed.
    pub fn new() -> io::Result<Self> {
        let root = MOUNTS.map(PathBuf::from).into_iter().find(|path| path.join("kprobe_events").exists());
        let root = root.ok_or_else(|| io::Error::other("it is not mounted, or this kernel has no kprobes"))?;
        let group = format!("{PREFIX}{}_{:x}", std::process::id(), now_boot());
        let this = Self { root, group, made: 0 };
        this.sweep(&*this.lock()?)?;
        Ok(this)
    }

    /// Puts a program at a function; one of a module that is not loaded takes effect when it is. Returns the probe's name, and
    /// what keeps the program there.
    pub fn attach(
        &mut self,
        place: Place,
        function: Function,
        program: BorrowedFd<'_>,
    ) -> io::Result<(String, OwnedFd)> {
        // Held until the probe is in use: another process that starts would take it for one that was left behind.
        let mut events = self.lock()?;
        let name = format!("{}_{}", self.group, self.made);
        self.made += 1;
        let what = match place {
            Place::Entry => format!("p:{}/{name}", self.group),
            Place::Exit => format!("r{INSTANCES}:{}/{name}", self.group),
        };
        define(&mut events, &what, function)?;
        let event = self.open(&name, program);
        if event.is_err() {
            self.remove(&name);
        }
        Ok((name, event?))
    }

    fn open(&self, name: &str, program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let id = fs::read_to_string(self.root.join("events").join(&self.group).join(name).join("id"))?;
        raw::perf_tracepoint(id.trim().parse().map_err(io::Error::other)?, program)
    }

    /// Removes a probe that is not in use. One that stays costs nothing, until the next start.
    pub fn remove(&self, name: &str) {
        let _ = self.events().and_then(|mut events| undefine(&mut events, &format!("{}/{name}", self.group)));
    }

    /// Removes the probes of processes that were killed. Those in use the kernel keeps.
    fn sweep(&self, mut events: &File) -> io::Result<()> {
        for event in fs::read_to_string(self.root.join("kprobe_events"))?.lines().filter_map(ours) {
            let _ = undefine(&mut events, event);
        }
        Ok(())
    }

    fn events(&self) -> io::Result<File> {
        // Truncating it would remove everybody's probes.
        OpenOptions::new().append(true).open(self.root.join("kprobe_events"))
    }

    fn lock(&self) -> io::Result<Flock<File>> {
        Flock::lock(self.events()?, FlockArg::LockExclusive).map_err(|(_, e)| e.into())
    }

    /// How often the kernel came by the probes that are wanted.
    pub fn profile(&self, wanted: impl Fn(&str) -> bool) -> io::Result<Profile> {
        Ok(sum(&fs::read_to_string(self.root.join("kprobe_profile"))?, wanted))
    }
}

/// A function of a module is named with it when the module is loaded or might be later: such a probe outlives it. One that is
/// built in has no module.
fn define(events: &mut File, what: &str, function: Function) -> io::Result<()> {
    let mut define = |symbol: &str| events.write_all(format!("{what} {symbol}\n").as_bytes());
    let Some(module) = function.module else { return define(function.name) };
    let qualified = format!("{module}:{}", function.name);
    if Path::new("/sys/module").join(module).join("initstate").exists() {
        return define(&qualified);
    }
    define(function.name).or_else(|_| define(&qualified))
}

fn undefine(mut events: impl io::Write, event: &str) -> io::Result<()> {
    events.write_all(format!("-:{event}\n").as_bytes())
}

/// `GROUP/EVENT` of a definition (`p:GROUP/EVENT SYMBOL`, `rN:GROUP/EVENT SYMBOL`) that a process of this program made.
fn ours(line: &str) -> Option<&str> {
    let event = line.split_whitespace().next()?.split_once(':')?.1;
    event.starts_with(PREFIX).then_some(event)
}

/// Adds up the lines `NAME HITS MISSED` of a profile.
fn sum(profile: &str, wanted: impl Fn(&str) -> bool) -> Profile {
    let mut total = Profile::default();
    for line in profile.lines() {
        let mut words = line.split_whitespace();
        if words.next().is_some_and(&wanted) {
            let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            total.hits += number();
            total.missed += number();
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_definitions_of_this_program_are_ours() {
        assert_eq!(ours("r4096:watcher_7_1f/watcher_7_1f_3 inet_sendmsg"), Some("watcher_7_1f/watcher_7_1f_3"));
        assert_eq!(ours("p:kprobes/watcher_like inet_sendmsg"), None);
        assert_eq!(ours(""), None);
    }

    #[test]
    fn a_profile_is_the_sum_of_its_lines() {
        let text = "  watcher_7_1f_0   10   1\n  watcher_7_1f_1   5   0\n  somebody_elses   99   99\n  broken\n";
        assert_eq!(sum(text, |name| name.starts_with("watcher_7_")), Profile { hits: 15, missed: 1 });
    }
}
