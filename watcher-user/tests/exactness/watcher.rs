//! A running `watcher top --json`, read by a thread.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Instant,
};

use anyhow::{Context as _, Result, anyhow, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{patience::patience, state::State};

/// How long watcher may take to say what a test waits for, in seconds.
pub const PATIENCE: u64 = 20;

type Shared = Arc<(Mutex<State>, Condvar)>;

/// One instance.
pub struct Watcher {
    child: Child,
    shared: Shared,
    reader: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts one and waits for its first object: from then on it counts.
    pub fn start() -> Result<Self> {
        Self::start_with(&["--by", "connection"])
    }

    /// The same with other arguments.
    pub fn start_with(args: &[&str]) -> Result<Self> {
        // Inside a virtual machine (`cargo xtask vm`) it lies elsewhere than where it was built. WATCHER_ARGS makes it count
        // in another way than the one that it would take here.
        let program = std::env::var_os("WATCHER_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_watcher").into());
        let mut command = Command::new(program);
        command
            .args(["top", "--json", "--include-loopback", "--interval", "0.1", "--standalone"])
            .args(args)
            .args(std::env::var("WATCHER_ARGS").unwrap_or_default().split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // SAFETY: prctl is async-signal-safe and touches no memory of this process.
        unsafe { command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?)) };
        let mut child = command.spawn().context("starting watcher top --json")?;
        let out = child.stdout.take().context("watcher has no stdout")?;
        let err = child.stderr.take().context("watcher has no stderr")?;
        let shared = Shared::default();
        let reader = std::thread::spawn({
            let shared = shared.clone();
            move || read(out, err, &shared)
        });
        let watcher = Self { child, shared, reader: Some(reader) };
        watcher.wait("its first object", |s| (s.objects > 0).then_some(()))?;
        Ok(watcher)
    }

    /// The state now.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `found` finds something.
    pub fn wait<T>(&self, what: &str, mut found: impl FnMut(&State) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + patience(PATIENCE);
        let mut state = self.state();
        loop {
            if let Some(t) = found(&state) {
                return Ok(t);
            }
            if let Some(why) = &state.ended {
                bail!("waiting for {what}: watcher ended: {why}");
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let (seconds, objects, losses) = (patience(PATIENCE).as_secs(), state.objects, &state.totals.losses);
                bail!("waited {seconds} s for {what} ({objects} objects came, losses: {losses})");
            }
            state = self.shared.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for an object that was begun after this call: the one after the next.
    pub fn two_more_objects(&self) -> Result<()> {
        let now = self.state().objects;
        self.wait("two more objects", |s| (s.objects >= now + 2).then_some(()))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no last words.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| anyhow!("the reader of watcher's output panicked"))?;
        }
        Ok(())
    }

    /// SIGTERM, and its last words.
    pub fn stop(mut self) -> Result<()> {
        let status = self.terminate()?;
        if !status.success() {
            let state = self.state();
            bail!("watcher ended with {status} on SIGTERM: {}", state.ended.as_deref().unwrap_or(""));
        }
        Ok(())
    }

    fn terminate(&mut self) -> Result<std::process::ExitStatus> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        let ended = self.wait("the end of its output", |s| s.ended.is_some().then_some(()));
        if ended.is_err() && self.state().ended.is_none() {
            self.child.kill()?;
        }
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| anyhow!("the reader of watcher's output panicked"))?;
        }
        Ok(self.child.wait()?)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if self.reader.is_some() {
            self.terminate().ok();
        }
    }
}

/// Reads objects until there are no more, then says why.
fn read(out: std::process::ChildStdout, mut err: std::process::ChildStderr, shared: &Shared) {
    let stderr = std::thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).ok();
        text
    });
    let mut why = String::new();
    for line in BufReader::new(out).lines() {
        match line.map_err(anyhow::Error::from).and_then(|l| Ok(serde_json::from_str(&l)?)) {
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
    why += stderr.join().unwrap_or_default().trim();
    shared.0.lock().unwrap_or_else(PoisonError::into_inner).ended = Some(why);
    shared.1.notify_all();
}
