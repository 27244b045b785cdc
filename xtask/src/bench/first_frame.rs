//! Row: how long somebody who types `watcher top` looks at nothing.

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Plan;
use super::stats::median;
use super::table::Row;

/// A word of the table's heading: when it has been drawn, the frame has.
const HEADING: &[u8] = b"PID";

/// The median of several starts on a terminal of their own.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let starts = (0..plan.pairs.max(3)).map(|_| start(plan)).collect::<Result<Vec<f64>>>()?;
    Ok(vec![Row::at_most("first frame of `watcher top`", 500.0, median(&starts), "ms", "")])
}

/// Milliseconds from start to frame.
fn start(plan: &Plan) -> Result<f64> {
    let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(&size, None).context("cannot open a terminal")?;
    let (slave, mut master) = (File::from(terminal.slave), File::from(terminal.master));
    let begun = Instant::now();
    let mut command = Command::new(&plan.subject.program);
    command.args(["top", "--standalone"]).env("TERM", "xterm-256color");
    command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave.try_clone()?);
    let child = command.spawn().context("cannot start watcher")?;
    let _child = Ended(child);
    // Reading must end when the child does: it and nobody else may hold the terminal.
    drop((command, slave));
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let bytes = master.read(&mut buffer).unwrap_or(0);
        if bytes == 0 || begun.elapsed() > Duration::from_secs(20) {
            bail!("watcher drew no table: {}", String::from_utf8_lossy(&seen));
        }
        seen.extend_from_slice(&buffer[..bytes]);
        if seen.windows(HEADING.len()).any(|window| window == HEADING) {
            return Ok(begun.elapsed().as_secs_f64() * 1e3);
        }
    }
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It restores the terminal when asked politely; nobody looks at this one.
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}
