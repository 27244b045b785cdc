//! Boots a virtual machine and listens to its console until it switches itself off, or its time is over.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::kernels::Unpacked;
use crate::run::shown;

/// What the console said, and whether the machine had to be stopped.
#[derive(Debug)]
pub struct Console {
    /// Every line.
    pub text: String,
    /// It did not switch itself off in time.
    pub overdue: bool,
}

/// Ends the machine with this process, by its own id.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Boots a kernel with `initramfs`; the console goes to `log` too, line by line.
pub fn boot(kernel: &Unpacked, initramfs: &Path, log: &Path, at_most: Duration) -> Result<Console> {
    let mut command = Command::new("qemu-system-x86_64");
    // Emulated: nested virtualisation is not to be relied on, and where it is broken it hangs.
    command.args(["-accel", "tcg", "-cpu", kernel.processor, "-smp", "2", "-m", "2G", "-no-reboot", "-nic", "none"]);
    command.args(["-display", "none", "-monitor", "none", "-serial", "stdio"]);
    command.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(initramfs);
    command.args(["-append", "console=ttyS0 quiet panic=-1"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    // Whatever ends this process ends the machine.
    // SAFETY: prctl is async-signal-safe and touches no memory of this process.
    unsafe { command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?)) };
    let mut machine = Machine(command.spawn().with_context(|| format!("cannot start `{}`", shown(&command)))?);
    let out = machine.0.stdout.take().context("qemu has no output")?;
    let mut log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let deadline = Instant::now() + at_most;
    let mut text = String::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                writeln!(log, "{line}")?;
                text.push_str(&line);
                text.push('\n');
            }
            Err(RecvTimeoutError::Timeout) => return Ok(Console { text, overdue: true }),
            Err(RecvTimeoutError::Disconnected) => return Ok(Console { text, overdue: false }),
        }
    }
}
