//! The processes whose bytes are counted: real processes, real sockets, and their own count of what each call returned.

mod calls;
mod conversation;
mod crowd;
mod datagram;
mod datagram_odd;
mod ending;
mod life;
mod raw;
mod serving;
mod shared;
mod socket;
mod stream;
mod stream_odd;
mod stream_open;
mod swarm;
mod tls;
mod uring;

use std::{
    io::{BufRead as _, Write as _},
    process::ExitCode,
    str::FromStr,
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;

use crate::{
    netns,
    patience::patience,
    report::{Flow, Line, Report},
    sys,
};

pub use uring::has_send_zc;

/// No actor lives longer, whatever happens to it: seconds.
pub fn lifetime() -> u32 {
    u32::try_from(patience(120).as_secs()).unwrap_or(u32::MAX)
}

type Play = fn(&mut Actor, &mut Args) -> Result<()>;

const CAST: &[&[(&str, Play)]] = &[
    crowd::CAST,
    datagram::CAST,
    ending::CAST,
    life::CAST,
    raw::CAST,
    datagram_odd::CAST,
    serving::CAST,
    shared::CAST,
    stream::CAST,
    stream_odd::CAST,
    stream_open::CAST,
    swarm::CAST,
];

/// How it went, if this process was started to be an actor.
pub fn played() -> Option<ExitCode> {
    let mut words = std::env::args().skip(1);
    if words.next()? != "--actor" {
        return None;
    }
    let played = play(words.collect()).inspect_err(|e| eprintln!("{e:#}"));
    Some(if played.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays the actor that the words name, and reports.
fn play(words: Vec<String>) -> Result<()> {
    sys::die_after(lifetime());
    let mut args = Args(words.into_iter());
    let mut name: String = args.next("actor")?;
    if name == "--netns" {
        netns::enter(&args.next::<String>("namespace")?)?;
        name = args.next("actor")?;
    }
    let (_, part) =
        CAST.iter().copied().flatten().find(|(n, _)| *n == name).with_context(|| format!("no actor {name}"))?;
    let mut actor = Actor::new();
    part(&mut actor, &mut args).with_context(|| format!("actor {name} (pid {})", std::process::id()))?;
    actor.report()
}

/// The words after an actor's name.
pub struct Args(std::vec::IntoIter<String>);

impl Args {
    /// The next word, parsed.
    pub fn next<T: FromStr>(&mut self, what: &str) -> Result<T>
    where
        T::Err: std::fmt::Display,
    {
        let word = self.0.next().with_context(|| format!("{what} is missing"))?;
        word.parse().map_err(|e| anyhow!("{what} is {word}: {e}"))
    }

    /// Whether the next word is `flag`; then it is taken.
    pub fn flag(&mut self, flag: &str) -> bool {
        let found = self.0.as_slice().first().is_some_and(|w| w == flag);
        if found {
            self.0.next();
        }
        found
    }

    /// All that is left.
    pub fn rest(&mut self) -> Vec<String> {
        self.0.by_ref().collect()
    }
}

/// One process and its count.
pub struct Actor(Report);

impl Actor {
    /// The count of this process, from zero. A forked child makes its own.
    pub fn new() -> Self {
        Self(Report { pid: std::process::id(), ..Report::default() })
    }

    /// A sending call returned `n`.
    pub fn sent(&mut self, n: usize) {
        self.0.tx += n as u64;
    }

    /// A receiving call took `n` out of the queue.
    pub fn received(&mut self, n: usize) {
        self.0.rx += n as u64;
    }

    /// Adds a whole conversation.
    pub fn add(&mut self, flow: Flow) {
        self.0.tx += flow.tx;
        self.0.rx += flow.rx;
        self.0.flows.push(flow);
    }

    /// The conversations, for another count of the same process.
    pub fn into_flows(self) -> impl Iterator<Item = Flow> {
        self.0.flows.into_iter()
    }

    /// Notes something for the test.
    pub fn note(&mut self, key: &str, value: impl Into<Value>) {
        self.0.extra.insert(key.to_owned(), value.into());
    }

    /// Adds to a number noted for the test.
    pub fn add_to_note(&mut self, key: &str, n: u64) {
        let sum = self.0.number(key) + n;
        self.note(key, sum);
    }

    /// The count so far.
    pub fn count(&mut self) -> &mut Report {
        &mut self.0
    }

    /// Tells the test something it waits for.
    pub fn announce(&self, what: impl std::fmt::Display) -> Result<()> {
        say(&Line::Announcement { announce: what.to_string() })
    }

    /// Waits until the test says go, and what it says.
    pub fn await_go(&self) -> Result<String> {
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).context("waiting for go")? == 0 {
            bail!("the test went away");
        }
        Ok(line.trim_end().to_owned())
    }

    /// Says the count. Each process does this once.
    pub fn report(self) -> Result<()> {
        say(&Line::Report(self.0))
    }
}

/// A line in one write, so that those of parent and children do not mix (they are shorter than PIPE_BUF).
fn say(line: &Line) -> Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    std::io::stdout().write_all(text.as_bytes()).context("saying the count")?;
    Ok(())
}

/// Runs `play` in a forked child that counts for itself and reports.
pub fn fork(play: impl FnOnce(&mut Actor) -> Result<()>) -> Result<sys::Forked> {
    Ok(sys::fork(|| {
        let mut actor = Actor::new();
        match play(&mut actor).and_then(|()| actor.report()) {
            Ok(()) => 0,
            Err(e) => {
                eprintln!("forked child {}: {e:#}", std::process::id());
                1
            }
        }
    })?)
}

/// Whether this kernel has what not every kernel has.
pub fn kernel_has_sctp() -> bool {
    socket::Transport::Sctp.socket(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).is_ok()
}

pub use tls::kernel_has_tls;
