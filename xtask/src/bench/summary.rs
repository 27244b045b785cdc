//! Rows: how long `watcher summary` takes, with a daemon and without.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Plan;
use super::stats::median;
use super::table::Row;

/// Milliseconds.
const LIMIT: f64 = 50.0;

/// The medians of several calls.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let state = State::new()?;
    let mut daemon = state.run(plan)?;
    let times = |what: &str| -> Result<Row> {
        let calls = (0..plan.pairs.max(3) * 4).map(|_| state.call(plan)).collect::<Result<Vec<f64>>>()?;
        let slowest = calls.iter().copied().fold(0.0, f64::max);
        let note = format!("slowest of {}: {slowest:.1} ms", calls.len());
        Ok(Row::at_most(format!("`watcher summary`, {what}"), LIMIT, median(&calls), "ms", &note))
    };
    let with = times("daemon running");
    kill(Pid::from_raw(daemon.id().cast_signed()), Signal::SIGTERM).context("cannot end the daemon")?;
    daemon.wait().context("cannot wait for the daemon")?;
    Ok(vec![with?, times("no daemon")?])
}

/// A state directory, removed in the end.
struct State(PathBuf);

impl State {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("watcher-bench-summary-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    fn command(&self, program: &Path, verb: &str) -> Command {
        let mut command = Command::new(program);
        command.arg(verb).arg("--state").arg(&self.0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Starts a daemon, and waits for its first report.
    fn run(&self, plan: &Plan) -> Result<Child> {
        let program = &plan.subject.program;
        let mut child = self.command(program, "run").spawn().context("cannot start the daemon")?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.0.join("summary.json").exists() {
            if child.try_wait()?.is_some() || Instant::now() > deadline {
                child.kill().ok();
                bail!("the daemon writes no report: see `watcher run`");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(child)
    }

    /// Milliseconds.
    fn call(&self, plan: &Plan) -> Result<f64> {
        let begun = Instant::now();
        let status = self.command(&plan.subject.program, "summary").status().context("cannot start watcher")?;
        let took = begun.elapsed().as_secs_f64() * 1e3;
        if !status.success() {
            bail!("`watcher summary` ended with {status}");
        }
        Ok(took)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
