//! The watcher under test: a child that prints a JSON object a second, read as it comes.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::run::shown;

/// Which program is measured.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The watcher binary.
    pub program: PathBuf,
}

/// What the JSON lines have said so far.
#[derive(Debug, Default, Clone)]
pub struct Heard {
    /// How many lines came.
    pub lines: u64,
    /// The object `totals` of the last line.
    pub totals: Value,
    /// The last figures of each process, also of those that are gone: (received, sent).
    pub processes: HashMap<u32, (u64, u64)>,
    /// Whether any line said that it was exact.
    pub claimed_exact: bool,
    ended: bool,
}

/// A running watcher; killed when dropped.
pub struct Watcher {
    child: Child,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

impl Watcher {
    /// Starts it and waits until its first line says that it counts.
    pub fn start(subject: &Subject) -> Result<Self> {
        Self::start_with(subject, &[])
    }

    /// The same with further arguments.
    pub fn start_with(subject: &Subject, more: &[&str]) -> Result<Self> {
        Self::begin(subject, more, hear)
    }

    /// One whose words are taken and not listened to: to understand them costs more than to say them.
    pub fn start_unheard(subject: &Subject, more: &[&str]) -> Result<Self> {
        Self::begin(subject, more, |heard, _| heard.lines += 1)
    }

    /// The same, started by a command that becomes it, in a network namespace.
    pub fn start_by(command: Command, more: &[&str]) -> Result<Self> {
        Self::begin_by(command, more, hear)
    }

    fn begin(subject: &Subject, more: &[&str], hear: fn(&mut Heard, &str)) -> Result<Self> {
        Self::begin_by(Command::new(&subject.program), more, hear)
    }

    fn begin_by(mut command: Command, more: &[&str], hear: fn(&mut Heard, &str)) -> Result<Self> {
        let mut child = command
            .args(["top", "--standalone", "--json", "--include-loopback", "--interval", "1"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", shown(&command)))?;
        let stdout = child.stdout.take().context("the child's output was asked for")?;
        let heard = Arc::new((Mutex::default(), Condvar::new()));
        thread::spawn({
            let heard = Arc::clone(&heard);
            move || listen(stdout, &heard, hear)
        });
        let watcher = Self { child, heard };
        watcher.after_lines(1).context("watcher did not begin to count")?;
        Ok(watcher)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many lines it has printed.
    pub fn lines(&self) -> u64 {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).lines
    }

    /// What it says once it has printed `lines` more lines.
    pub fn after_lines(&self, lines: u64) -> Result<Heard> {
        let (mutex, changed) = &*self.heard;
        let deadline = Instant::now() + Duration::from_secs(30 + 2 * lines);
        let mut heard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = heard.lines + lines;
        while heard.lines < wanted {
            if heard.ended {
                bail!("watcher ended");
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                bail!("watcher printed nothing for too long");
            };
            heard = changed.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(heard.clone())
    }

    /// Ends it as a user would, and waits until its programs are out of the kernel's way.
    pub fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).context("cannot end watcher")?;
        self.child.wait().context("cannot wait for watcher")?;
        Ok(())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Already gone after `stop`; then both fail, and that is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stdout: ChildStdout, heard: &(Mutex<Heard>, Condvar), hear: fn(&mut Heard, &str)) {
    let (mutex, changed) = heard;
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        hear(&mut mutex.lock().unwrap_or_else(PoisonError::into_inner), &line);
        changed.notify_all();
    }
    mutex.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
    changed.notify_all();
}

fn hear(heard: &mut Heard, line: &str) {
    let Ok(mut object) = serde_json::from_str::<Value>(line) else { return };
    heard.lines += 1;
    heard.claimed_exact |= object["exact"] == true;
    heard.totals = object["totals"].take();
    for process in object["processes"].as_array().into_iter().flatten() {
        let figure = |name: &str| process[name].as_u64();
        if let (Some(pid), Some(rx), Some(tx)) = (figure("pid"), figure("rx_bytes"), figure("tx_bytes")) {
            heard.processes.insert(u32::try_from(pid).unwrap_or(u32::MAX), (rx, tx));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_left_the_list_keeps_its_last_figures() {
        let mut heard = Heard::default();
        let line = r#"{"totals":{"rx_bytes":7},"processes":[{"pid":5,"rx_bytes":3,"tx_bytes":4}]}"#;
        hear(&mut heard, line);
        hear(&mut heard, r#"{"totals":{"rx_bytes":8},"processes":[]}"#);
        assert_eq!(heard.lines, 2);
        assert_eq!(heard.totals["rx_bytes"], 8);
        assert_eq!(heard.processes[&5], (3, 4));
    }
}
