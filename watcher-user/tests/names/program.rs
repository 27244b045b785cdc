//! Programs that nobody here wrote.

use std::{
    io::{BufRead as _, BufReader, ErrorKind},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::place::Place;

const PATIENCE: Duration = Duration::from_secs(30);

/// A program that runs, and is killed when nobody needs it any more.
pub struct Program {
    child: Child,
    /// Of both outputs.
    lines: Receiver<String>,
    said: String,
    words: String,
}

impl Program {
    /// Starts one; `words` are its name and arguments.
    pub fn start(place: &Place, words: &[&str]) -> Result<Self> {
        let (name, args) = words.split_first().context("no program")?;
        let mut command = Command::new(name);
        command.args(args).env_remove("http_proxy").env_remove("https_proxy").env_remove("all_proxy");
        Self::spawn(place, command)
    }

    /// Starts what was put together elsewhere.
    pub fn spawn(place: &Place, mut command: Command) -> Result<Self> {
        let words = format!("{command:?}");
        let (reader, writer) = std::io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        place.take_in(&mut command)?;
        let child = match command.spawn() {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                bail!("{words}: the program is missing: `cargo xtask setup --for test` installs it")
            }
            other => other.with_context(|| words.clone())?,
        };
        // It holds the other end of the pipe.
        drop(command);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines, said: String::new(), words })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads what it says up to a line that contains `what`.
    pub fn wait_for(&mut self, what: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while let Some(line) = self.line(deadline)? {
            if line.contains(what) {
                return Ok(());
            }
        }
        bail!("{} ended without saying {what}: {}", self.words, self.said)
    }

    /// Waits for its end; what it said, and whether it was content.
    pub fn end(&mut self) -> Result<(String, bool)> {
        let deadline = Instant::now() + PATIENCE;
        while self.line(deadline)?.is_some() {}
        Ok((self.said.clone(), self.child.wait()?.success()))
    }

    /// Waits for its good end; what it said.
    pub fn finish(&mut self) -> Result<String> {
        let (said, content) = self.end()?;
        ensure!(content, "{} failed: {said}", self.words);
        Ok(said)
    }

    /// Asks it to end in good order, and waits.
    pub fn stop(mut self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid())?), signal)?;
        self.end().map(drop)
    }

    fn line(&mut self, deadline: Instant) -> Result<Option<String>> {
        match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                self.said.push_str(&line);
                self.said.push('\n');
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => bail!("{} does not go on: {}", self.words, self.said),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
