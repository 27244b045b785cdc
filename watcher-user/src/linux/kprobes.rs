//! Programs at the entries and exits of kernel functions, through tracefs.
//!
//! Probes can be made through perf alone, but not like this: a return probe has as many instances as it was made with, a call that
//! sleeps holds one, and perf makes `max(10, 2 * CPUs)` of them (register_kretprobe, kernel/kprobes.c); tracefs takes a number.
//! And for probes of tracefs the kernel tells how often each was hit, which proves that no hit went without its program.
//!
//! Probes of tracefs are not the kernel's to remove when this process ends. They are removed here when it ends as it should;
//! what others left behind, who were killed, is idle, and removed at the next start.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    net::{Ipv4Addr, UdpSocket},
    os::fd::{BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::fcntl::{Flock, FlockArg};

use super::{host::now_boot, raw};

/// Where tracefs is mounted, or debugfs has it.
const MOUNTS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// What the groups of this program's probes begin with.
const PREFIX: &str = "watcher_";
/// Return instances: the most that tracefs takes (KRETPROBE_MAXACTIVE_MAX, kernel/trace/trace_kprobe.c). 64 bytes each.
const INSTANCES: u32 = 4096;

/// Where in a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At its first instruction.
    Entry,
    /// When it has returned.
    Exit,
}

/// A function that is not there, or what the system said.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// This kernel does not have it.
    #[error("this kernel has no function {0}")]
    Missing(&'static str),
    /// No tracefs.
    #[error("tracefs is not mounted; try: mount -t tracefs tracefs /sys/kernel/tracing")]
    NoTracefs,
    /// Something else.
    #[error("{doing} {function}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which function.
        function: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// How often the kernel came by this program's probes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Profile {
    /// Ran into one.
    pub hits: u64,
    /// Passed one over.
    pub missed: u64,
}

/// Every probe of this process.
#[derive(Debug)]
pub struct Kprobes {
    tracefs: PathBuf,
    /// Also what the names of the probes begin with: in the profile they stand alone.
    group: String,
    made: u32,
    attached: Vec<Attached>,
}

#[derive(Debug)]
struct Attached {
    name: String,
    symbol: &'static str,
    event: Option<OwnedFd>,
}

impl Kprobes {
    /// None yet. Removes what is left of processes that were killed.
    ///
    /// # Errors
    /// Without tracefs.
    pub fn new() -> Result<Self, ProbeError> {
        let tracefs = MOUNTS.map(PathBuf::from).into_iter().find(|path| path.join("kprobe_events").exists());
        let tracefs = tracefs.ok_or(ProbeError::NoTracefs)?;
        let group = format!("{PREFIX}{}_{:x}", std::process::id(), now_boot());
        let this = Self { tracefs, group, made: 0, attached: Vec::new() };
        this.sweep();
        Ok(this)
    }

    /// Puts a program at a function. One of a module that is not loaded takes effect when it is.
    ///
    /// # Errors
    /// When there is no such function, or the kernel refuses.
    pub fn attach(
        &mut self,
        place: Place,
        (function, module): (&'static str, Option<&'static str>),
        symbol: &'static str,
        program: BorrowedFd<'_>,
    ) -> Result<(), ProbeError> {
        // Held until the probe is in use: another process that starts would take it for one that was left behind.
        let lock = self.events().and_then(|file| Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, e)| e.into()));
        let failed = |doing| move |source| ProbeError::Io { doing, function, source };
        let mut events = lock.map_err(failed("opening kprobe_events for"))?;
        let name = format!("{}_{}", self.group, self.made);
        self.made += 1;
        let what = match place {
            Place::Entry => format!("p:{}/{name}", self.group),
            Place::Exit => format!("r{INSTANCES}:{}/{name}", self.group),
        };
        self.define(&mut events, &what, function, module)?;
        self.attached.push(Attached { name, symbol, event: None });
        let event = self.open(program).map_err(failed("probing"));
        match event {
            Ok(event) => {
                self.attached.last_mut().expect("pushed a moment ago").event = Some(event);
                Ok(())
            }
            Err(e) => {
                self.remove(self.attached.len() - 1);
                Err(e)
            }
        }
    }

    /// A function of a module is named with it when the module is loaded or might be later: such a probe outlives it. A module
    /// that is built in has no name.
    fn define(
        &self,
        events: &mut File,
        what: &str,
        function: &'static str,
        module: Option<&'static str>,
    ) -> Result<(), ProbeError> {
        let mut define = |symbol: &str| events.write_all(format!("{what} {symbol}\n").as_bytes());
        let loaded = |module| Path::new("/sys/module").join(module).join("initstate").exists();
        let qualified = |module| format!("{module}:{function}");
        let made = match module {
            Some(module) if loaded(module) => define(&qualified(module)),
            Some(module) => define(function).or_else(|_| define(&qualified(module))),
            None => define(function),
        };
        made.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ProbeError::Missing(function),
            _ => ProbeError::Io { doing: "making a probe at", function, source },
        })
    }

    /// The last probe that was made gets its program.
    fn open(&self, program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let name = &self.attached.last().expect("made before").name;
        let id = fs::read_to_string(self.tracefs.join("events").join(&self.group).join(name).join("id"))?;
        raw::perf_tracepoint(id.trim().parse().map_err(io::Error::other)?, program)
    }

    /// Takes away every probe of a program.
    pub fn detach(&mut self, symbol: &str) {
        while let Some(at) = self.attached.iter().rposition(|probe| probe.symbol == symbol) {
            self.remove(at);
        }
    }

    fn remove(&mut self, at: usize) {
        let Attached { name, event, .. } = self.attached.remove(at);
        // A probe in use cannot be removed.
        drop(event);
        self.undefine(&format!("{}/{name}", self.group));
    }

    /// A failure leaves a probe that costs nothing, until the next start.
    fn undefine(&self, event: &str) {
        let _ = self.events().and_then(|mut file| file.write_all(format!("-:{event}\n").as_bytes()));
    }

    /// Removes the probes of processes that were killed. Those in use the kernel keeps.
    fn sweep(&self) {
        let Ok(Ok(_lock)) = self.events().map(|file| Flock::lock(file, FlockArg::LockExclusive)) else { return };
        let list = fs::read_to_string(self.tracefs.join("kprobe_events")).unwrap_or_default();
        for event in list.lines().filter_map(ours) {
            self.undefine(event);
        }
    }

    fn events(&self) -> io::Result<File> {
        // Truncating it would remove everybody's probes.
        OpenOptions::new().append(true).open(self.tracefs.join("kprobe_events"))
    }

    /// How often the kernel came by, since the beginning.
    ///
    /// # Errors
    /// When the kernel's file cannot be read.
    pub fn profile(&self) -> io::Result<Profile> {
        let text = fs::read_to_string(self.tracefs.join("kprobe_profile"))?;
        Ok(sum(&text, |name| self.is_ours(name)))
    }

    /// The same of one program.
    pub fn profile_of(&self, symbol: &str) -> io::Result<Profile> {
        let text = fs::read_to_string(self.tracefs.join("kprobe_profile"))?;
        Ok(sum(&text, |name| self.attached.iter().any(|probe| probe.symbol == symbol && probe.name == name)))
    }

    fn is_ours(&self, name: &str) -> bool {
        name.strip_prefix(&self.group).is_some_and(|rest| rest.starts_with('_'))
    }
}

impl Drop for Kprobes {
    fn drop(&mut self) {
        while !self.attached.is_empty() {
            self.remove(self.attached.len() - 1);
        }
    }
}

/// Sends datagrams to itself and looks whether the kernel came by a program's probes as often. Without a loopback interface
/// nothing is known, and nothing objected.
pub fn fires(kprobes: &Kprobes, symbol: &str) -> bool {
    const DATAGRAMS: u64 = 32;
    let exchange = || {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let address = socket.local_addr()?;
        (0..DATAGRAMS).try_for_each(|_| {
            socket.send_to(&[0], address)?;
            socket.recv(&mut [0]).map(drop)
        })
    };
    let hits = || kprobes.profile_of(symbol).map(|profile| profile.hits);
    match (hits(), exchange(), hits()) {
        (Ok(before), Ok(()), Ok(after)) => after - before >= DATAGRAMS,
        _ => true,
    }
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
