//! `watcher replay`: a capture file through the whole pipeline. Nothing is asked of this machine: owners are unknown, unless
//! PKTAP wrote them down, and time is the file's.

mod pipeline;
mod text;

use std::{
    fs::File,
    io::{self, Write as _},
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use macos_pcap::{
    engine::{Captured, Guess},
    files::{self, FileError, Skipped},
};
use watcher_core::Snapshot;

use self::pipeline::Pipeline;
use crate::{
    by::By,
    cli::Rows,
    clock::WallClock,
    connections,
    table::terminal_width,
    top::{self, Origin},
};

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The capture.
    pub file: PathBuf,
    /// Addresses of the machine that it is seen from; none to guess them.
    pub hosts: Vec<IpAddr>,
    /// What of it.
    pub view: View,
    /// As JSON.
    pub json: bool,
}

/// What of a capture is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The short report; as JSON the object of `top --json --by connection`.
    Summary,
    /// Every connection, newest first.
    Connections,
    /// The window that would be uploaded, with all names: JSON.
    Rollup,
}

/// Reads the file and prints what is in it. What was read before a fault is shown all the same.
///
/// # Errors
/// The file is none, is damaged or is cut off, or the output cannot be written.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let path = &options.file;
    let (hosts, are_guessed) = match &*options.hosts {
        [] => (guess(path)?, true),
        hosts => (hosts.to_vec(), false),
    };
    let mut pipeline = Pipeline::new(hosts.iter().copied());
    let read = read(path, |frame| pipeline.see(frame))?;
    let replayed = Replayed { hosts, are_guessed, outcome: pipeline.finish(), read };
    // Nothing to show, and a reason why.
    if replayed.outcome.seen.frames > 0 || replayed.read.is_ok() {
        show(options, &replayed)?;
    }
    replayed.read.map(drop).with_context(|| format!("reading {}", path.display()))
}

/// A file that was read as far as it goes.
struct Replayed {
    hosts: Vec<IpAddr>,
    are_guessed: bool,
    outcome: pipeline::Outcome,
    read: Result<Skipped, FileError>,
}

fn read(path: &Path, see: impl FnMut(&Captured<'_>)) -> anyhow::Result<Result<Skipped, FileError>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    // Whatever blocks while it is opened for reading twice is no file.
    anyhow::ensure!(file.metadata()?.is_file(), "{} is no file: write the capture to one first", path.display());
    Ok(files::read(file, see))
}

/// The file is read once for that alone: its fault, if it has one, is told by the second reading.
fn guess(path: &Path) -> anyhow::Result<Vec<IpAddr>> {
    let mut guess = Guess::new();
    drop(read(path, |frame| guess.see(frame))?);
    Ok(guess.hosts())
}

fn show(options: &Options, replayed: &Replayed) -> anyhow::Result<()> {
    let outcome = &replayed.outcome;
    let mut out = io::BufWriter::new(io::stdout().lock());
    if options.view != View::Summary || options.json {
        // Standard output is for whoever reads it by program.
        write!(io::stderr(), "{}", text::about(options, replayed)).ok();
    }
    // The file's times count from 1970: that is its moment of boot.
    let clock = WallClock::booted_at(Timestamp::UNIX_EPOCH);
    match options.view {
        View::Summary if options.json => object(&mut out, &outcome.snapshot, clock, outcome.started_at())?,
        View::Summary => out.write_all(text::summary(options, replayed, &TimeZone::system()).as_bytes())?,
        View::Connections => {
            let text = connections::of_snapshot(&outcome.snapshot, clock, options.json, terminal_width());
            out.write_all(text.as_bytes())?;
        }
        View::Rollup => {
            out.write_all(watcher_core::json::to_string_pretty(&outcome.rollup())?.as_bytes())?;
            out.write_all(b"\n")?;
        }
    }
    out.flush().context("writing what was read")
}

fn object(out: impl io::Write, snapshot: &Snapshot, clock: WallClock, since: Timestamp) -> anyhow::Result<()> {
    let rows = Rows { by: By::Connection, include_loopback: true, ..Rows::default() };
    top::write_past(out, snapshot, &Origin { daemon: None, since }, rows, clock)
}
