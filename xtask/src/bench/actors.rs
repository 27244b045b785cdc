//! Processes that make traffic of known size: this executable started again as `bench-actor KIND …`.
//!
//! An actor prints a line when it is ready, waits for a line, works, and prints what it did. What it counts is what its
//! own calls returned.

use std::ffi::CString;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

use crate::run::shown;

mod calls;
mod connections;
mod crowd;
mod datagrams;
mod flows;
mod requests;
mod round_trips;
mod sockets;
mod streams;

/// The hidden verb that an actor is started with.
pub const VERB: &str = "bench-actor";

/// Runs as an actor.
pub fn main(args: &[String]) -> Result<()> {
    let (kind, args) = args.split_first().context("an actor's kind comes first")?;
    match kind.as_str() {
        "calls" => calls::main(args),
        "connect" => connections::client(args),
        "accept" => connections::server(args),
        "crowd" => crowd::main(args),
        "churn" => connections::churn(args),
        "datagrams" => datagrams::main(args),
        "sink" => datagrams::sink(),
        "sockets" => sockets::main(args),
        "flows" => flows::main(args),
        "hooks" => super::hooks::main(args),
        "peers" => super::peers::emulated::main(args),
        "ping" => round_trips::client(args),
        "pong" => round_trips::server(args),
        "request-server" => requests::server(args),
        "request-client" => requests::client(args),
        "request-crowd" => requests::crowd(args),
        "request-one" => requests::one(args),
        "stream-server" => streams::server(args),
        "stream-client" => streams::client(args),
        "stream-parent" => streams::parent(args),
        "stream-child" => streams::child(args),
        _ => bail!("there is no actor `{kind}`"),
    }
}

/// A started actor; killed when dropped.
pub struct Actor {
    child: Child,
    output: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub ready: String,
}

impl Actor {
    /// Starts one and waits until it is ready.
    pub fn start(args: &[&str]) -> Result<Self> {
        Self::start_by(Command::new, args)
    }

    /// The same, somewhere else: `by` makes the command that starts a program there, as the same process.
    pub fn start_by(by: impl FnOnce(PathBuf) -> Command, args: &[&str]) -> Result<Self> {
        let mut command = by(std::env::current_exe().context("cannot tell where xtask itself lies")?);
        command.arg(VERB).args(args);
        Self::start_program(command)
    }

    /// Another program that speaks as actors do.
    pub fn start_program(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start `{}`", shown(&command)))?;
        let output = BufReader::new(child.stdout.take().context("the child's output was asked for")?);
        let mut actor = Self { child, output, ready: String::new() };
        actor.ready = actor.line().with_context(|| format!("actor `{}`", shown(&command)))?;
        Ok(actor)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to go on.
    pub fn go(&mut self) -> Result<()> {
        let input = self.child.stdin.as_mut().context("the child's input was asked for")?;
        writeln!(input, "go").context("the actor is gone")
    }

    /// What it says next.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line).context("cannot hear the actor")? == 0 {
            bail!("the actor ended without a word");
        }
        Ok(line.trim().to_owned())
    }

    /// Waits until it has ended by itself, whatever it still says.
    pub fn ended(&mut self) {
        while self.line().is_ok() {}
    }

    /// The numbers it says next.
    pub fn numbers<const N: usize>(&mut self) -> Result<[u64; N]> {
        let numbers = self.any_numbers()?;
        numbers.try_into().map_err(|other| anyhow::anyhow!("{N} numbers were expected, not {other:?}"))
    }

    /// The same, however many they are.
    pub fn any_numbers(&mut self) -> Result<Vec<u64>> {
        let line = self.line()?;
        line.split(' ').map(str::parse).collect::<Result<_, _>>().with_context(|| format!("not numbers: `{line}`"))
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        // Most have ended by themselves; then both fail, and that is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says a line to who started this actor.
fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("nobody listens any more")
}

/// Waits until whoever started this actor says something, or is gone.
fn wait() -> Result<()> {
    io::stdin().lock().read_line(&mut String::new()).map(drop).context("cannot read standard input")
}

fn number<T: FromStr>(args: &[String], at: usize) -> Result<T> {
    args.get(at).and_then(|arg| arg.parse().ok()).with_context(|| format!("argument {at} is not a number"))
}

/// What the kernel calls this process: all actors are the same executable.
fn named(name: &str) -> Result<()> {
    let name = CString::new(name).context("a name without zeros")?;
    prctl::set_name(&name).context("cannot have a name")
}

/// Stays on one processor: where the scheduler puts the two ends decides otherwise.
fn pin(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu).context("no such processor")?;
    sched_setaffinity(Pid::from_raw(0), &set).with_context(|| format!("cannot stay on processor {cpu}"))
}

/// Lets this process have `files` descriptors.
fn allow_files(files: u64) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < files {
        setrlimit(Resource::RLIMIT_NOFILE, files, hard.max(files))
            .with_context(|| format!("cannot have {files} descriptors"))?;
    }
    Ok(())
}
