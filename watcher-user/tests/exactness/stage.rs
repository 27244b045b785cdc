//! Runs one test: starts actors, gathers what they counted, and holds it against what watcher says.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    netns::Netns,
    patience::patience,
    report::{Line, Report},
    suite::Suite,
    verdict,
};

/// How long a test waits for an actor, in seconds.
const PATIENCE: u64 = 45;

/// What should hold between the counts of the actors themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conservation {
    /// Everything sent by one was received by another.
    Closed,
    /// Bytes get lost, or change on the way, by the nature of the test.
    Open,
}

/// One test in progress.
pub struct Stage<'a> {
    suite: &'a Suite,
    actors: Vec<Running>,
    reports: Vec<Report>,
    conservation: Conservation,
}

/// A started actor.
#[derive(Clone, Copy)]
pub struct Cue(usize);

struct Running {
    script: String,
    child: Child,
    lines: Receiver<String>,
}

impl<'a> Stage<'a> {
    /// An empty one.
    pub fn new(suite: &'a Suite) -> Self {
        Self { suite, actors: Vec::new(), reports: Vec::new(), conservation: Conservation::Closed }
    }

    /// What is sent here is not what is received.
    pub fn leaky(&mut self) {
        self.conservation = Conservation::Open;
    }

    /// The watchers that look on.
    pub fn suite(&self) -> &'a Suite {
        self.suite
    }

    /// Starts an actor; `script` is its name and arguments.
    pub fn start(&mut self, script: &str) -> Result<Cue> {
        self.start_as(&std::env::current_exe()?, script)
    }

    /// Starts an actor inside a network namespace.
    pub fn start_in(&mut self, netns: &Netns, script: &str) -> Result<Cue> {
        self.start(&format!("--netns {} {script}", netns.name()))
    }

    /// Starts an actor from a copy of this executable under another name.
    pub fn start_as(&mut self, exe: &Path, script: &str) -> Result<Cue> {
        self.start_by(Command::new(exe), script)
    }

    /// Starts an actor by a command for this executable, without arguments yet.
    pub fn start_by(&mut self, mut command: Command, script: &str) -> Result<Cue> {
        let mut child = command
            .arg("--actor")
            .args(script.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {script}"))?;
        let out = child.stdout.take().context("no stdout")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        self.actors.push(Running { script: script.to_owned(), child, lines });
        Ok(Cue(self.actors.len() - 1))
    }

    /// The next thing that an actor announces.
    pub fn announced(&mut self, who: Cue) -> Result<String> {
        let actor = &self.actors[who.0];
        loop {
            match self.line(actor)? {
                Some(Line::Announcement { announce }) => return Ok(announce),
                Some(Line::Report(r)) => self.reports.push(r),
                None => bail!("{} ended without saying what the test waits for", actor.script),
            }
        }
    }

    /// Starts an actor and waits for what it announces first.
    pub fn open(&mut self, script: &str) -> Result<(Cue, String)> {
        let cue = self.start(script)?;
        let said = self.announced(cue)?;
        Ok((cue, said))
    }

    /// The same inside a network namespace.
    pub fn open_in(&mut self, netns: &Netns, script: &str) -> Result<(Cue, String)> {
        self.open(&format!("--netns {} {script}", netns.name()))
    }

    /// Lets a waiting actor go on.
    pub fn go(&mut self, who: Cue) -> Result<()> {
        self.tell(who, "go")
    }

    /// Tells a waiting actor what it waits for.
    pub fn tell(&mut self, who: Cue, what: &str) -> Result<()> {
        let actor = &mut self.actors[who.0];
        let stdin = actor.child.stdin.as_mut().context("no stdin")?;
        stdin.write_all(format!("{what}\n").as_bytes()).with_context(|| actor.script.clone())
    }

    /// Waits until an actor has ended, and its children.
    pub fn ended(&mut self, who: Cue) -> Result<()> {
        let actor = &self.actors[who.0];
        while let Some(line) = self.line(actor)? {
            match line {
                Line::Report(r) => self.reports.push(r),
                Line::Announcement { announce } => bail!("{} said unasked: {announce}", actor.script),
            }
        }
        Ok(())
    }

    /// The process of an actor.
    pub fn pid(&self, who: Cue) -> u32 {
        self.actors[who.0].child.id()
    }

    /// A process that cannot count for itself, and what it must have moved.
    pub fn expect(&mut self, report: Report) {
        self.reports.push(report);
    }

    fn line(&self, actor: &Running) -> Result<Option<Line>> {
        match actor.lines.recv_timeout(patience(PATIENCE)) {
            Ok(line) => Ok(Some(serde_json::from_str(&line).with_context(|| format!("{} said {line}", actor.script))?)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                bail!("{} is silent for {} s", actor.script, patience(PATIENCE).as_secs())
            }
        }
    }

    /// Waits for all actors and demands equality of their counts with watcher's.
    pub fn finish(self) -> Result<Vec<Report>> {
        let suite = self.suite;
        let reports = self.gathered()?;
        suite.judge(&reports)?;
        Ok(reports)
    }

    /// Waits for all actors, and hands out what they counted.
    pub fn gathered(mut self) -> Result<Vec<Report>> {
        for i in 0..self.actors.len() {
            self.ended(Cue(i))?;
        }
        let reports = std::mem::take(&mut self.reports);
        for actor in &mut self.actors {
            let status = actor.child.wait()?;
            ensure!(status.success(), "{} ended with {status}", actor.script);
        }
        if self.conservation == Conservation::Closed {
            verdict::conserved(&reports)?;
        }
        Ok(reports)
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        for actor in &mut self.actors {
            // Ended actors are gone already; one that still runs belongs to a test that failed.
            actor.child.kill().ok();
            actor.child.wait().ok();
        }
    }
}
