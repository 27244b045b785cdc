//! Runs the commands of alerts in a process of its own, which is there before the daemon gives up what commands need
//! (`sandbox/`): executing, and writing elsewhere.
//!
//! It takes no commands. It is told which alert has fired and with what figures, and looks up the command in the
//! configuration, which it reads by itself: whoever took over the daemon could run what its owner wrote down, no more.

use std::{io, os::unix::net::UnixStream as Pair, sync::Arc};

use nix::{
    libc,
    sys::wait::waitpid,
    unistd::{ForkResult, Pid, fork},
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixStream, unix::OwnedWriteHalf},
    signal::unix::{SignalKind, signal},
    sync::{Mutex, Semaphore},
    task::JoinSet,
};

use super::{
    Limits,
    command::{self, Output},
};
use crate::{agent::Options, config::Config, text::with_causes};

/// What the daemon says, a line each.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// The configuration has changed.
    Reload,
    /// Run the command of this alert.
    Run { id: u64, alert: String, environment: Vec<(String, String)> },
}

/// What became of an order to run.
#[derive(Serialize, Deserialize)]
pub(super) struct Done {
    pub id: u64,
    pub failed: Option<String>,
}

/// The daemon's end.
#[derive(Debug)]
pub struct Helper {
    pair: Option<Pair>,
    process: Pid,
}

impl Helper {
    /// Begins it. This process must have one thread and no runtime of tokio's: parent and child would read the signals of both
    /// from one pipe.
    ///
    /// # Errors
    /// There are no descriptors or processes left.
    pub fn begin(options: &Options) -> io::Result<Self> {
        let (ours, theirs) = Pair::pair()?;
        // SAFETY: there is one thread, so the child finds no lock held by another and may do anything.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(Self { pair: Some(ours), process: child }),
            ForkResult::Child => {
                drop(ours);
                let options = options.clone();
                // A thread that is in no runtime yet.
                let served = std::thread::spawn(move || serve(theirs, &options)).join();
                // What the parent registered to be done at exit is the parent's.
                // SAFETY: ends this process, whatever it holds.
                unsafe { libc::_exit(i32::from(!matches!(served, Ok(Ok(()))))) }
            }
        }
    }

    /// The way to it, once.
    pub(super) fn take(&mut self) -> Option<Pair> {
        self.pair.take()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It ends when nobody can tell it anything any more, and kills what it runs.
        drop(self.pair.take());
        waitpid(self.process, None).ok();
    }
}

fn serve(pair: Pair, options: &Options) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_name(c"watcher-alerts").ok();
    drop_privileges();
    pair.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(obey(pair, options));
    runtime.shutdown_background();
    ended
}

async fn obey(pair: Pair, options: &Options) -> io::Result<()> {
    // A service's signals go to all of its processes; this one ends after the daemon has. Caught, not ignored: commands
    // would inherit that.
    let _caught = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let (read, write) = UnixStream::from_std(pair)?.into_split();
    let write = Arc::new(Mutex::new(write));
    let mut config = options.configuration().map_err(io::Error::other);
    let mut lines = BufReader::new(read).lines();
    let mut running = JoinSet::new();
    let places = Arc::new(Semaphore::new(Limits::default().at_once));
    while let Some(line) = lines.next_line().await? {
        while running.try_join_next().is_some() {}
        match serde_json::from_str(&line)? {
            Order::Reload => config = options.configuration().map_err(io::Error::other),
            Order::Run { id, alert, environment } => {
                let words = words(&config, &alert);
                let (write, places) = (write.clone(), places.clone());
                running.spawn(async move {
                    let _place = places.acquire().await;
                    let failed = match words {
                        Ok(words) => run(&words, environment).await,
                        Err(why) => Some(why),
                    };
                    answer(&write, &Done { id, failed }).await.ok();
                });
            }
        }
    }
    // What still runs is dropped, and killed by that.
    Ok(())
}

fn words(config: &io::Result<Config>, alert: &str) -> Result<Vec<String>, String> {
    let config = config.as_ref().map_err(|why| format!("the configuration cannot be read: {why}"))?;
    let found = config.alerts.iter().find(|one| *one.rule.name == *alert);
    found.map(|one| one.command.clone()).ok_or_else(|| "no alert has that name any more".to_owned())
}

/// Why it failed, if it did. Of the environment only what is about the alert is taken.
async fn run(words: &[String], mut environment: Vec<(String, String)>) -> Option<String> {
    environment.retain(|(name, _)| name.starts_with("WATCHER_"));
    let ran = command::run(words, &environment, Limits::default().within, Output::Dropped).await;
    ran.err().map(|error| with_causes(&error))
}

async fn answer(to: &Mutex<OwnedWriteHalf>, done: &Done) -> io::Result<()> {
    let line = serde_json::to_string(done)? + "\n";
    to.lock().await.write_all(line.as_bytes()).await
}

/// The service holds capabilities as ambient ones, which a program that it starts would inherit.
#[cfg(target_os = "linux")]
pub(super) fn drop_privileges() {
    caps::clear(None, caps::CapSet::Ambient).ok();
}

#[cfg(not(target_os = "linux"))]
pub(super) fn drop_privileges() {}
