//! Programs at the entries and exits of kernel functions.
//!
//! An exit takes a return instance for as long as the call lasts, and perf's own probes have `max(10, 2 * CPUs)` of them
//! (register_kretprobe, kernel/kprobes.c): as many calls can be asleep at once. Probes of tracefs have as many as they are made
//! with, wait for modules that are not loaded yet, and are listed with how often each was hit, which proves that no hit went
//! without its program. They take root's files: the others are for who has capabilities only.

mod tracefs;

use std::{
    fs, io,
    net::{Ipv4Addr, UdpSocket},
    os::fd::{BorrowedFd, OwnedFd},
    time::Duration,
};

pub use tracefs::Profile;
use tracefs::Tracefs;

use super::raw;

/// Where the kernel keeps the type of perf's own probes.
const PERF_TYPE: &str = "/sys/bus/event_source/devices/kprobe/type";

/// Where in a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At its first instruction.
    Entry,
    /// When it has returned.
    Exit,
}

/// A function of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The module that has it where it is not built in.
    pub module: Option<&'static str>,
}

/// Why a program could not be put at a function.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// This kernel does not have it, and no module will bring it.
    #[error("this kernel has no function {0}")]
    Missing(&'static str),
    /// A module may bring it, and this kind of probe does not wait.
    #[error("the module {0} is not loaded; root's watcher would wait for it")]
    NotLoaded(&'static str),
    /// Neither of the two.
    #[error("this kernel has no kprobes ({0})")]
    NoProbes(io::Error),
    /// Something else.
    #[error("probing {function}: {source}")]
    Io {
        /// Which function.
        function: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Every probe of this process.
#[derive(Debug)]
pub struct Kprobes {
    through: Through,
    attached: Vec<Attached>,
}

#[derive(Debug)]
enum Through {
    Tracefs(Tracefs),
    /// The type of perf's own probes; and why not the other.
    Perf(u32, io::Error),
}

#[derive(Debug)]
struct Attached {
    function: &'static str,
    symbol: &'static str,
    /// In tracefs.
    name: Option<String>,
    event: OwnedFd,
}

impl Kprobes {
    /// None yet.
    ///
    /// # Errors
    /// Where the kernel has none.
    pub fn new(tracefs: bool) -> Result<Self, ProbeError> {
        let tried = if tracefs { Tracefs::new() } else { Err(io::Error::other("left out by --without")) };
        let through = match tried {
            Ok(tracefs) => Through::Tracefs(tracefs),
            Err(why) => {
                let kind = fs::read_to_string(PERF_TYPE).map_err(ProbeError::NoProbes)?;
                let kind = kind.trim().parse().map_err(io::Error::other).map_err(ProbeError::NoProbes)?;
                Through::Perf(kind, why)
            }
        };
        Ok(Self { through, attached: Vec::new() })
    }

    /// Why calls that are asleep may be lost, when they are more than the kernel keeps instances for.
    #[must_use]
    pub fn weakness(&self) -> Option<String> {
        match &self.through {
            Through::Tracefs(_) => None,
            Through::Perf(_, why) => Some(format!(
                "no probes through tracefs ({why}): calls are lost, and told, when too many are asleep at once"
            )),
        }
    }

    /// Puts a program at a function.
    ///
    /// # Errors
    /// When there is no such function, or the kernel refuses.
    pub fn attach(
        &mut self,
        place: Place,
        function: Function,
        symbol: &'static str,
        program: BorrowedFd<'_>,
    ) -> Result<(), ProbeError> {
        let failed = |source: io::Error| match (source.kind(), function.module) {
            (io::ErrorKind::NotFound, None) => ProbeError::Missing(function.name),
            (io::ErrorKind::NotFound, Some(module)) => ProbeError::NotLoaded(module),
            _ => ProbeError::Io { function: function.name, source },
        };
        let (name, event) = match &mut self.through {
            Through::Tracefs(tracefs) => {
                let (name, event) = tracefs.attach(place, function, program).map_err(failed)?;
                (Some(name), event)
            }
            Through::Perf(kind, _) => {
                let event = raw::perf_kprobe(*kind, function.name, place == Place::Exit, program);
                (None, event.map_err(failed)?)
            }
        };
        self.attached.push(Attached { function: function.name, symbol, name, event });
        Ok(())
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
        if let (Through::Tracefs(tracefs), Some(name)) = (&self.through, name) {
            tracefs.remove(&name);
        }
    }

    /// How often the kernel came by, since the beginning; `None` where it does not tell.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        self.profile_of(|_| true)
    }

    fn profile_of(&self, wanted: impl Fn(&Attached) -> bool) -> Option<Profile> {
        let Through::Tracefs(tracefs) = &self.through else { return None };
        let named = |name: &str| self.attached.iter().any(|probe| probe.name.as_deref() == Some(name) && wanted(probe));
        // A file that cannot be read now is read the next time.
        tracefs.profile(named).ok()
    }

    /// Whether a function is what datagrams of this process pass through. One that the compiler has put into its caller still has
    /// a symbol and takes a probe, and is never called. Where nothing is known nothing is objected.
    #[must_use]
    pub fn fires(&self, function: &str, ran: impl Fn() -> u64) -> bool {
        const DATAGRAMS: u64 = 32;
        let probes = self.attached.iter().filter(|probe| probe.function == function).count() as u64;
        let count = || self.profile_of(|probe| probe.function == function).map_or_else(&ran, |profile| profile.hits);
        let before = count();
        exchange(DATAGRAMS).is_err() || count() - before >= DATAGRAMS * probes
    }
}

/// Sends datagrams to itself.
fn exchange(datagrams: u64) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let address = socket.local_addr()?;
    (0..datagrams).try_for_each(|_| {
        socket.send_to(&[0], address)?;
        socket.recv(&mut [0]).map(drop)
    })
}

impl Drop for Kprobes {
    fn drop(&mut self) {
        while !self.attached.is_empty() {
            self.remove(self.attached.len() - 1);
        }
    }
}
