//! A running daemon.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::subject::Subject;

/// `watcher run`; killed when dropped.
pub struct Daemon(Child);

impl Daemon {
    /// Starts it and waits until it says that it counts.
    pub fn start(subject: &Subject, state: &Path) -> Result<Self> {
        let mut command = Command::new(&subject.program);
        command.arg("run").arg("--state").arg(state).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Self(command.spawn().context("cannot start the daemon")?);
        let begun = Instant::now();
        while !state.join("summary.json").exists() {
            if begun.elapsed() > Duration::from_secs(20) {
                bail!("the daemon wrote no summary.json");
            }
            sleep(Duration::from_millis(20));
        }
        Ok(daemon)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ends it as a user would; how long that took.
    pub fn stop(mut self) -> Result<Duration> {
        let begun = Instant::now();
        kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM).context("cannot end the daemon")?;
        self.0.wait()?;
        Ok(begun.elapsed())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Already gone after `stop`; then both fail, and that is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
