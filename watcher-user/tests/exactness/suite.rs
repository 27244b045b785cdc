//! What all tests share: the one watcher that looks on during the whole run.

use std::sync::Mutex;

use anyhow::{Result, anyhow, bail};

use crate::{
    packets::{self, Showing},
    report::Report,
    state::{Connection, Totals},
    verdict,
    watcher::Watcher,
};

/// With this in the environment no watcher runs: actors are checked against each other and against TCP_INFO. It tests the
/// tests, and says so.
pub const STANDALONE: &str = "EXACTNESS_STANDALONE";

/// What the watcher under test counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Calls: to the byte, by process.
    Ebpf,
    /// Packets: to the byte by socket where no test says why not; the owner is the right one or none.
    Packets,
}

impl Backend {
    /// By what the watcher is given.
    pub fn under_test() -> Self {
        let args = std::env::var("WATCHER_ARGS").unwrap_or_default();
        if args.split_whitespace().any(|word| word == "pcap") { Self::Packets } else { Self::Ebpf }
    }
}

/// The run.
pub struct Suite {
    watcher: Option<Watcher>,
    backend: Backend,
    before: Mutex<Totals>,
    /// Of the running test, and what its processes counted.
    showing: Mutex<(Showing, Vec<Report>)>,
}

impl Suite {
    /// Starts the watcher.
    pub fn start() -> Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            bail!(
                "the exactness suite needs root, to load eBPF programs and make network namespaces: `cargo xtask test`"
            );
        }
        if std::env::var_os(STANDALONE).is_some() {
            eprintln!("{STANDALONE} is set: no watcher runs, only the actors are tested");
            return Ok(Self::with(None, Backend::Ebpf));
        }
        Ok(Self::with(Some(Watcher::start()?), Backend::under_test()))
    }

    /// A run with a watcher that was started otherwise, or with none.
    pub fn with(watcher: Option<Watcher>, backend: Backend) -> Self {
        let showing = Mutex::new((Showing::Equal, Vec::new()));
        Self { watcher, backend, before: Mutex::default(), showing }
    }

    /// The watcher that looks on; `None` only in a run that tests the tests.
    pub fn watcher(&self) -> Option<&Watcher> {
        self.watcher.as_ref()
    }

    /// What the watcher counts.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Remembers where a test begins.
    pub fn begin(&self, showing: Showing) -> Result<()> {
        *self.showing()? = (showing, Vec::new());
        if let Some(w) = &self.watcher {
            *self.before()? = w.state().totals.clone();
        }
        Ok(())
    }

    /// The totals when the running test began.
    pub fn before(&self) -> Result<std::sync::MutexGuard<'_, Totals>> {
        self.before.lock().map_err(|_| anyhow!("an earlier test panicked"))
    }

    fn showing(&self) -> Result<std::sync::MutexGuard<'_, (Showing, Vec<Report>)>> {
        self.showing.lock().map_err(|_| anyhow!("an earlier test panicked"))
    }

    /// The row of the only TCP connection of a process, when it has ended; `None` where that is looked for by process.
    pub fn ended_by_packets(&self, pid: u32) -> Result<Option<Connection>> {
        let Some(watcher) = self.watcher.as_ref().filter(|_| self.backend == Backend::Packets) else { return Ok(None) };
        packets::ending(watcher, &self.showing()?.1, pid).map(Some)
    }

    /// Holds what processes counted against what watcher says.
    pub fn judge(&self, reports: &[Report]) -> Result<()> {
        let mut showing = self.showing()?;
        showing.1 = reports.to_vec();
        self.watcher.as_ref().map_or(Ok(()), |w| match self.backend {
            Backend::Ebpf => verdict::equal(w, reports),
            Backend::Packets => packets::equal(w, reports, showing.0),
        })
    }

    /// Looks at the truth equations when a test is over.
    pub fn end(&self) -> Result<()> {
        let Some(w) = &self.watcher else { return Ok(()) };
        w.two_more_objects()?;
        let state = w.state();
        if self.backend == Backend::Packets {
            return packets::honest(&*self.before()?, &state);
        }
        verdict::truthful(&*self.before()?, &state)?;
        if state.inexact_objects > 0 {
            bail!(
                "{} of {} objects say that they are not exact, or not from eBPF",
                state.inexact_objects,
                state.objects
            );
        }
        Ok(())
    }

    /// Stops the watcher.
    pub fn stop(self) -> Result<()> {
        self.watcher.map_or(Ok(()), Watcher::stop)
    }
}
