//! The watcher beside the programs: started before them, ended after them, and what it takes meanwhile.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::bench::kernel::{cpu_seconds, own_memory};

/// Time that servers and clients may take beyond what was asked for.
const MORE: Duration = Duration::from_secs(600);

/// One `watcher doctor --verify --json`.
pub struct Watcher {
    child: Child,
    begun: Instant,
    usage: Usage,
    // Closed, it would be told of a broken pipe.
    _complaints: BufReader<ChildStderr>,
}

/// What it took.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Memory of its own, bytes, by seconds since it began.
    pub memory: Vec<(u64, u64)>,
    /// Seconds of CPU.
    pub cpu: f64,
    /// Seconds that it ran.
    pub seconds: f64,
}

impl Watcher {
    /// Starts it and waits until it counts.
    pub fn start(program: &Path, time: Duration) -> Result<Self> {
        let time = format!("{}s", (time + MORE).as_secs());
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .arg(program)
            .args(["doctor", "--verify", "--json", "--for", &time])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut complaints = BufReader::new(child.stderr.take().context("its complaints were asked for")?);
        let mut line = String::new();
        complaints.read_line(&mut line)?;
        if !line.contains("looking for") {
            complaints.read_to_string(&mut line)?;
            child.wait()?;
            bail!("watcher does not count: {}", line.trim());
        }
        Ok(Self { child, begun: Instant::now(), usage: Usage::default(), _complaints: complaints })
    }

    /// Looks at what it takes.
    pub fn sample(&mut self) -> Result<()> {
        let pid = self.child.id();
        self.usage.memory.push((self.begun.elapsed().as_secs(), own_memory(pid)?));
        self.usage.cpu = cpu_seconds(pid)?;
        self.usage.seconds = self.begun.elapsed().as_secs_f64();
        Ok(())
    }

    /// Ends it, and returns what it says.
    pub fn verdict(mut self) -> Result<(Value, Usage)> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT).context("ending watcher")?;
        let mut text = String::new();
        self.child.stdout.take().context("its output was asked for")?.read_to_string(&mut text)?;
        self.child.wait()?;
        let verdict = serde_json::from_str(&text).with_context(|| format!("watcher said {text:?}"))?;
        Ok((verdict, std::mem::take(&mut self.usage)))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Gone already after `verdict`; then both fail, and that is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
