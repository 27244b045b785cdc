//! Boots a virtual machine and listens to its console until it switches itself off, or its time is over.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::kernels::Unpacked;
use crate::run::shown;

/// How a machine's time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// As outside.
    Real,
    /// A nanosecond with each instruction, and at once where the processor waits.
    Instructions,
}

/// A machine that is ready.
#[derive(Debug)]
pub struct Machine {
    /// What boots.
    pub kernel: Unpacked,
    /// Its file system.
    pub initramfs: PathBuf,
    /// How many processors it has.
    pub processors: u32,
    /// How its time passes.
    pub clock: Clock,
    /// Where its console goes, line by line.
    pub log: PathBuf,
}

/// Ends the emulator with this process, by its own id.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Machine {
    fn command(&self) -> Command {
        let arch = self.kernel.arch;
        let (program, machine) = arch.qemu().split_first().unwrap_or((&"false", &[]));
        let mut command = Command::new(program);
        // Emulated: nested virtualisation is not to be relied on, and where it is broken it hangs.
        command.args(machine).args(["-cpu", self.kernel.processor]);
        command.args(match self.clock {
            Clock::Real => &["-accel", "tcg,thread=multi"][..],
            Clock::Instructions => &["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"],
        });
        command.arg("-smp").arg(self.processors.to_string()).args(["-m", "2G", "-no-reboot", "-nic", "none"]);
        command.args(["-display", "none", "-monitor", "none", "-serial", "stdio"]);
        command.arg("-kernel").arg(&self.kernel.image).arg("-initrd").arg(&self.initramfs);
        command.arg("-append").arg(format!("console={} quiet panic=-1 no_console_suspend", arch.console()));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// Boots it and waits for its end, of which `seen` hears line by line. `first` is the log's first line. An error if it
    /// is not over after `at_most`.
    pub fn boot(&self, first: &str, at_most: Duration, mut seen: impl FnMut(&str)) -> Result<()> {
        let mut command = self.command();
        // Whatever ends this thread's process ends the machine.
        // SAFETY: prctl is async-signal-safe and touches no memory of this process.
        unsafe { command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?)) };
        let mut emulator = Emulator(command.spawn().with_context(|| format!("cannot start `{}`", shown(&command)))?);
        let out = emulator.0.stdout.take().context("qemu has no output")?;
        let mut log = File::create(&self.log).with_context(|| format!("cannot write {}", self.log.display()))?;
        writeln!(log, "{first}")?;
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
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    writeln!(log, "{line}")?;
                    seen(&line);
                }
                Err(RecvTimeoutError::Timeout) => {
                    writeln!(log, "@@overdue {}", at_most.as_secs())?;
                    return Ok(());
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }
}
