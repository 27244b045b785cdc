//! A running `watcher top --json`, read by a thread: the newest state of everything that it ever mentioned.

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::row::{Object, Row};

/// How long watcher may take to say what a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was said so far.
#[derive(Debug, Default)]
pub struct Said {
    objects: u64,
    inexact: u64,
    exited: HashSet<u32>,
    rows: HashMap<(u32, u64, u32, Option<String>), Row>,
    /// Why nothing more comes.
    ended: Option<String>,
}

impl Said {
    fn apply(&mut self, object: Object) {
        self.objects += 1;
        self.inexact += u64::from(!object.exact);
        for process in object.processes {
            if process.exited {
                self.exited.insert(process.pid);
            } else {
                self.exited.remove(&process.pid);
            }
        }
        for row in object.connections {
            self.rows.insert((row.pid, row.cookie, row.epoch, row.remote.clone()), row);
        }
    }

    /// Every row so far.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// Whether a process has ended.
    pub fn has_ended(&self, pid: u32) -> bool {
        self.exited.contains(&pid)
    }
}

type Shared = Arc<(Mutex<Said>, Condvar)>;

/// One instance.
pub struct Watcher {
    child: Child,
    shared: Shared,
    // Removed with it.
    _config: tempfile::NamedTempFile,
}

impl Watcher {
    /// Starts one that asks nobody, and waits for its first object: from then on it counts.
    pub fn start(more: &[&str]) -> Result<Self> {
        ensure!(nix::unistd::geteuid().is_root(), "this needs root, to load eBPF programs: `cargo xtask test`");
        let config = tempfile::NamedTempFile::new()?;
        std::fs::write(config.path(), "[names]\nptr = false\n")?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
        command
            .args(["top", "--json", "--include-loopback", "--by", "connection", "--interval", "0.2", "--standalone"])
            .arg("--config")
            .arg(config.path())
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DIALTONE_WATCHER_")) {
            command.env_remove(name);
        }
        // Should this process be killed, its pipe breaks, and it ends.
        let mut child = command.spawn().context("starting watcher top --json")?;
        let out = child.stdout.take().context("watcher has no stdout")?;
        let err = child.stderr.take().context("watcher has no stderr")?;
        let shared = Shared::default();
        std::thread::spawn({
            let shared = shared.clone();
            move || read(out, err, &shared)
        });
        let watcher = Self { child, shared, _config: config };
        watcher.wait("its first object", |said| (said.objects > 0).then_some(()))?;
        Ok(watcher)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `found` finds something.
    pub fn wait<T>(&self, what: &str, mut found: impl FnMut(&Said) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = found(&said) {
                return Ok(found);
            }
            if let Some(why) = &said.ended {
                bail!("waiting for {what}: watcher ended: {why}");
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("waited {PATIENCE:?} for {what} ({} objects came)", said.objects);
            }
            said = self.shared.1.wait_timeout(said, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for an object that was begun after this call: the one after the next.
    pub fn two_more_objects(&self) -> Result<()> {
        let now = self.wait("an object", |said| Some(said.objects))?;
        self.wait("two more objects", |said| (said.objects >= now + 2).then_some(()))
    }

    /// SIGTERM, and its last words: nothing was ever inexact.
    pub fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid())?), Signal::SIGTERM)?;
        let status = self.child.wait()?;
        let (why, inexact) = {
            let mut said = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
            while said.ended.is_none() {
                said = self.shared.1.wait(said).unwrap_or_else(PoisonError::into_inner);
            }
            (said.ended.clone().unwrap_or_default(), said.inexact)
        };
        ensure!(status.success(), "watcher ended with {status}: {why}");
        ensure!(inexact == 0, "{inexact} objects were not exact");
        Ok(())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads objects until there are no more, then says why.
fn read(out: std::process::ChildStdout, mut err: std::process::ChildStderr, shared: &Shared) {
    let mut why = String::new();
    for line in BufReader::new(out).lines() {
        match line.map_err(anyhow::Error::from).and_then(|line| Ok(serde_json::from_str(&line)?)) {
            Ok(object) => {
                shared.0.lock().unwrap_or_else(PoisonError::into_inner).apply(object);
                shared.1.notify_all();
            }
            Err(e) => {
                why = format!("its output is not as docs/json.md says: {e:#}; ");
                break;
            }
        }
    }
    err.read_to_string(&mut why).ok();
    shared.0.lock().unwrap_or_else(PoisonError::into_inner).ended = Some(why);
    shared.1.notify_all();
}
