//! The daemon: collects all day, keeps a short report, writes the history, and uploads a rollup per window when the
//! user has opted in.
//!
//! ```text
//! Source ─batch─► Aggregator ─deltas─┬─► the open window ─► checkpoint, spool ─► delivery
//!                     │              ├─► the window of its whole life ─► summary.json
//!                     └─snapshot─┐   ├─► the ledger ─► history.db
//!                                │   └─► the log of ended connections, insights, alerts
//! process samples ─► both windows├─► control socket
//! ```
//! One thread collects; the control socket has another, and the disk is touched on threads where waiting holds up nobody.

mod ended;
mod life;
mod lock;
mod log;
mod lookups;
mod opened;
mod processes;
mod recorder;
pub mod sending;
mod summary;
mod uploads;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use sd_notify::NotifyState;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use watcher_core::Source;

pub use ended::{Ended, EndedLog};
pub(crate) use life::open_policy;
pub use lock::{Lock, LockError};
pub use log::{Complaints, Log, LogFormat};
pub use lookups::{Lookup, QueryLog};
pub use opened::{Opened, OpenedLog};
pub use processes::{ask, reload, restart, start, status, stop};
pub(crate) use summary::heaviest;
pub use summary::{FILE as SUMMARY_FILE, Flow, Summary};
pub use uploads::{SPOOL, endpoint, window};

use self::life::Life;
use crate::{
    alerts::Helper,
    config::{self, Config, Mode, Surroundings, state_directory},
    control::{self, Answer, Ask, Bounds, Server, Told},
    identity, sandbox,
};

/// Between two readings of the counters.
const READ_EVERY: Duration = Duration::from_secs(1);
/// Clients that ask for snapshots cannot make it read more often than this.
const READ_AT_MOST_EVERY: Duration = Duration::from_millis(200);

/// How the daemon was called.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration file, when it was named.
    pub config: Option<PathBuf>,
    /// Short windows, to see soon whether it works.
    pub mode: Mode,
    /// What flags say: flag, key, value.
    pub flags: Vec<(String, String, String)>,
    /// How lines of the log look.
    pub log: LogFormat,
    /// Give up what is not needed once it counts.
    pub sandbox: bool,
}

impl Options {
    /// The file that is read.
    #[must_use]
    pub fn file(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(config::FILE))
    }

    /// The configuration as it stands now: defaults, file, environment, flags.
    ///
    /// # Errors
    /// One of them says something wrong.
    pub fn configuration(&self) -> Result<Config, config::ConfigError> {
        let read = Config::defaults(self.mode).file(self.file(), self.config.is_some())?;
        let config = read.environment(|name| std::env::var_os(name))?;
        self.flags.iter().try_fold(config, |config, (flag, key, value)| config.flag(flag, key, value))
    }

    /// The same without the file: enough to find a daemon whose file has become wrong.
    ///
    /// # Errors
    /// The environment or a flag says something wrong.
    pub fn without_file(&self) -> Result<Config, config::ConfigError> {
        let config = Config::defaults(self.mode).environment(|name| std::env::var_os(name))?;
        self.flags.iter().try_fold(config, |config, (flag, key, value)| config.flag(flag, key, value))
    }

    /// What is said about names. A file that is wrong, or that this user may not read, says nothing.
    ///
    /// # Errors
    /// The environment or a flag says something wrong.
    pub fn names(&self) -> Result<config::Names, config::ConfigError> {
        Ok(self.configuration().or_else(|_| self.without_file())?.names)
    }

    /// Where the daemon may be that is meant. A file that is wrong, or that this user may not read, names no place.
    ///
    /// # Errors
    /// The environment or a flag says something wrong.
    pub fn places(&self) -> Result<Vec<control::Place>, config::ConfigError> {
        let config = self.configuration().or_else(|_| self.without_file())?;
        Ok(control::places(config.paths.state.as_deref(), &Surroundings::of_this_process()))
    }

    /// The state directory of a configuration; not made here.
    ///
    /// # Errors
    /// A user without a home named none.
    pub fn state(config: &Config) -> Result<PathBuf, config::StateError> {
        state_directory(config.paths.state.as_deref(), &Surroundings::of_this_process())
    }
}

/// Runs until SIGTERM or SIGINT. `open` starts the collector, once it is known that no other daemon runs. `helper` runs the
/// commands of alerts; without it this process does.
///
/// # Errors
/// The configuration is wrong, another daemon runs, or the collector cannot start or has failed.
pub async fn run<S: Source>(
    open: impl FnOnce(&Config) -> anyhow::Result<S>,
    options: Options,
    helper: Option<Helper>,
) -> anyhow::Result<()> {
    let log = Log::to_stderr(options.log);
    // What comes while this starts is obeyed once it has.
    let signals = Signals::listen()?;
    let config = options.configuration()?;
    let state = Options::state(&config)?;
    make_private(&state).with_context(|| format!("making the state directory {}", state.display()))?;
    let (lock, before) = Lock::take(&state)?;
    if let Some(pid) = before {
        log.warning(format_args!("process {pid} ran before and did not end in good order: its lock is taken over"));
    }
    let machine = identity::machine_id(&state)?;
    let (told, orders) = Told::new();
    let mut force = options.sandbox.then(|| sandbox::prepare(Some(&state)));
    let source = open(&config)?;
    let packets = source.quality().backend != "ebpf";
    let mut life = Life::begin(source, &options, config, state.clone(), machine, log, told.clone(), helper)?;
    let path = control::socket_path(&state);
    let server = Server::start(&path, told.clone(), Bounds::default())
        .with_context(|| format!("listening on {}", path.display()))?;
    if let Some(force) = &mut force {
        sandbox::close(force, packets);
        force.missing.iter().for_each(|why| log.info(format_args!("not given up: {why}")));
    }
    life.sandbox = force;
    log.info(format_args!("counting; state in {}, control socket {}", state.display(), path.display()));
    let ended = watch(life, options, (signals, told, orders), log).await;
    drop(server);
    lock.release();
    ended
}

/// 0700, with the folders above it.
fn make_private(state: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if state.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state)
}

/// The loop.
async fn watch<S: Source>(
    mut life: Life<S>,
    options: Options,
    (mut signals, told, mut orders): (Signals, Arc<Told>, mpsc::Receiver<control::Command>),
    log: Log,
) -> anyhow::Result<()> {
    let mut readings = tokio::time::interval(READ_EVERY);
    readings.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut read_at: Option<Instant> = None;
    let mut is_ready = false;
    loop {
        tokio::select! {
            biased;
            what = signals.next() => {
                if what == Asked::ToStop {
                    break;
                }
                notify(&[NotifyState::Reloading]);
                match life.reload(&options).await {
                    Ok(said) => log.info(said),
                    Err(why) => log.error(why),
                }
                notify(&[NotifyState::Ready]);
            }
            // Before what clients ask for: there may be no end of that.
            _ = readings.tick() => {
                life.read().await?;
                life.record();
                life.sample_if_due().await;
                read_at = Some(Instant::now());
                if !is_ready {
                    is_ready = true;
                    notify(&[NotifyState::Ready]);
                }
                let status = life.status_line();
                notify(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
            }
            Some((ask, reply)) = orders.recv() => match ask {
                Ask::Reload => drop(reply.send(life.reload(&options).await.into())),
                Ask::History(query) => {
                    rest(read_at).await;
                    life.recall(query, reply).await?;
                    read_at = Some(Instant::now());
                }
                Ask::UploadNow => life.send_now(reply),
                _ => drop(reply.send(Answer::Error("that is no command".to_owned()))),
            },
            () = told.wanted.notified() => {
                rest(read_at).await;
                life.read().await?;
                life.show();
                read_at = Some(Instant::now());
            }
        }
    }
    notify(&[NotifyState::Stopping]);
    log.info("stopping");
    life.end().await
}

/// Until the counters may be read again for a client.
async fn rest(read_at: Option<Instant>) {
    if let Some(rest) = read_at.and_then(|at| READ_AT_MOST_EVERY.checked_sub(at.elapsed())) {
        tokio::time::sleep(rest).await;
    }
}

/// Tells systemd, where it listens.
fn notify(state: &[NotifyState<'_>]) {
    sd_notify::notify(false, state).ok();
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            reload: of(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::ToStop,
            _ = self.interrupt.recv() => Asked::ToStop,
            _ = self.reload.recv() => Asked::ToReload,
        }
    }
}

/// What a signal asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    ToStop,
    ToReload,
}
