//! Programs that nobody here wrote: they cannot report, but they say what they did.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::channel,
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::patience::patience;

/// Seconds.
const PATIENCE: u64 = 60;

/// A program that runs.
pub struct Program {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    name: String,
}

impl Program {
    /// Starts one; `words` are its name and arguments.
    pub fn start(words: &[&str]) -> Result<Self> {
        let (name, args) = words.split_first().context("no program")?;
        let spawned = Command::new(name).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = match spawned {
            Err(e) if e.kind() == ErrorKind::NotFound => bail!("{name} is missing: `cargo xtask setup` installs it"),
            other => other.with_context(|| words.join(" "))?,
        };
        let out = child.stdout.take().map(BufReader::new);
        Ok(Self { child, out, name: words.join(" ") })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads its output up to a line that contains `what`.
    pub fn wait_for(&mut self, what: &str) -> Result<()> {
        let out = self.out.as_mut().context("its output was read")?;
        for line in out.lines() {
            if line?.contains(what) {
                return Ok(());
            }
        }
        bail!("{} ended without saying {what}", self.name)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(i32::try_from(self.pid())?), signal)?)
    }

    /// Waits for its end; what it said.
    pub fn finish(mut self) -> Result<String> {
        let mut out = self.out.take().context("its output was read")?;
        let (sender, said) = channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).ok();
            sender.send(text).ok();
        });
        let text = said.recv_timeout(patience(PATIENCE)).with_context(|| format!("{} does not end", self.name))?;
        let status = self.child.wait()?;
        ensure!(status.success(), "{} ended with {status}: {text}", self.name);
        Ok(text)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Only one that still runs is hurt by this: one that was waited for is gone.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
