//! A program that looks on.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::contestants::{Contestant, root};
use super::said::Said;
use crate::bench::kernel::{cpu_seconds, map_bytes, memory};

/// Longer than this nobody waits for its last words.
const PATIENCE: Duration = Duration::from_secs(30);

/// One that runs; killed when dropped. What it prints goes into a file, to be understood once nothing is measured any more.
pub struct Looking {
    child: Child,
    contestant: &'static Contestant,
    patience: u32,
    words: PathBuf,
}

/// What it costs.
#[derive(Debug, Clone, Copy)]
pub struct Costs {
    /// Processor time since it began, seconds.
    pub cpu: f64,
    /// The most that was resident, and what the kernel holds for it in eBPF maps: bytes.
    pub resident: u64,
    pub maps: u64,
}

impl Looking {
    /// Starts it as `command`, or as what that becomes, beside traffic on `device`, and leaves it to itself for `patience` times as
    /// long as it needs.
    pub fn start(contestant: &'static Contestant, mut command: Command, device: &str, patience: u32) -> Result<Self> {
        let folder = root();
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let [words, complaints] = ["out", "err"].map(|what| folder.join(format!("said.{what}")));
        let create = |path: &Path| File::create(path).with_context(|| format!("cannot write {}", path.display()));
        command.args(contestant.args.iter().map(|word| if *word == "DEVICE" { device } else { word }));
        // Nobody types, and nobody hangs up either: at the end of its input one may look for more without a rest.
        command.stdin(Stdio::piped()).stdout(create(&words)?).stderr(create(&complaints)?);
        let child = command.spawn().with_context(|| format!("cannot start {}", contestant.name))?;
        let mut looking = Self { child, contestant, patience, words };
        thread::sleep(Duration::from_secs(contestant.before) * patience);
        if looking.child.try_wait()?.is_some() {
            let said = fs::read_to_string(&complaints).unwrap_or_default();
            bail!("it ended at once: {}", said.lines().next_back().unwrap_or("without a word").trim());
        }
        Ok(looking)
    }

    /// What it has cost so far.
    pub fn costs(&self) -> Result<Costs> {
        let pid = self.child.id();
        Ok(Costs { cpu: cpu_seconds(pid)?, resident: memory(pid, "VmHWM")?, maps: map_bytes(pid)? })
    }

    /// Waits until it has shown everything; `stir` makes one more packet.
    pub fn settle(&self, stir: impl FnOnce() -> Result<()>) -> Result<()> {
        let half = Duration::from_secs(self.contestant.after) * self.patience / 2;
        thread::sleep(half);
        if self.contestant.waits {
            stir()?;
        }
        thread::sleep(half);
        Ok(())
    }

    /// Ends it as a user would, and understands what it said.
    pub fn end(mut self) -> Result<Said> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT).context("it is gone")?;
        let until = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        let mut said = Said::default();
        let file = File::open(&self.words).context("cannot read what it said")?;
        // Names may be anything.
        for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
            (self.contestant.read)(String::from_utf8_lossy(&line).trim_end_matches('\r'), &mut said);
        }
        Ok(said)
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
