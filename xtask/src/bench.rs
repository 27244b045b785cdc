//! `cargo xtask bench`: what watcher costs and whether it keeps up, as a table. It measures the release binary.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::privilege::{as_root, is_root};
use crate::run::run;
use crate::{repo, setup};

pub mod actors;
mod agent;
mod alternate;
mod bulk;
mod call_cost;
mod daemon;
mod first_frame;
mod flame;
mod history;
pub mod hooks;
pub mod kernel;
mod many_flows;
mod names;
pub mod netns;
pub mod overhead;
mod packets;
mod round_trips;
mod scaling;
mod short_connections;
mod stats;
mod subject;
mod summary;
mod table;

use subject::Subject;
use table::Row;

/// What `cargo xtask bench --help` prints.
pub const HELP: &str = "\
cargo xtask bench [NAME…] [--pairs N] [--quick] [--peers] [--write] [--watcher PATH]

Measures the release build of watcher and prints a Markdown table of limits and figures.
Runs with and without watcher alternate; ratios are medians of the pairs' ratios.

  call-cost          what a send or receive call costs more (the kernel's bpf_stats)
  bulk               iperf3 over a veth pair
  round-trips        one byte there and back over TCP
  short-connections  200,000 connections: all in the record, no byte off, the rate
  names              what names cost, and how many bytes of a browsing session have one
  many-flows         processor time and memory with 10,000 active flows
  first-frame        from start to the first frame of `watcher top`
  summary            how long `watcher summary` takes, with a daemon and without
  packets            --backend pcap: its parser, its memory, a million datagrams a second
  agent              the daemon: idle, after a million flows, its end
  overhead           by name only, its parts too: what docs/overhead.md says; `cargo xtask vm --cost` first
    scaling          1 to 100,000 active flows, 1 to 10,000 processes
    flame            the daemon's flame graph, and what takes most of its time
    hooks            nanoseconds of each program, on each rung that this kernel has
  history            a year of a busy desktop: the file, a write, an answer (minutes)

  --pairs N       how many pairs of runs (default 5)
  --quick         a tenth of the work: to see that it runs, not for figures
  --peers         get what `packets` is compared with: nethogs, bandwhich, rustnet
  --write         write docs/overhead.md from what its parts have last measured
  --watcher PATH  measure this binary instead of building one; `packets` needs one
                  that was built with --features pcap
";

type Bench = fn(&Plan) -> Result<Vec<Row>>;

const BENCHES: &[(&str, Bench)] = &[
    ("call-cost", call_cost::rows),
    ("bulk", bulk::rows),
    ("round-trips", round_trips::rows),
    ("short-connections", short_connections::rows),
    ("names", names::rows),
    ("many-flows", many_flows::rows),
    ("first-frame", first_frame::rows),
    ("summary", summary::rows),
    ("packets", packets::rows),
    ("agent", agent::rows),
    ("history", history::rows),
];

/// Those that make docs/overhead.md; only by name.
const OVERHEAD: &[(&str, Bench)] = &[("scaling", scaling::rows), ("flame", flame::rows), ("hooks", hooks::rows)];

/// What was asked for.
#[derive(Debug)]
pub struct Plan {
    subject: Subject,
    /// One that can count packets.
    packets: Subject,
    pairs: usize,
    quick: bool,
}

impl Plan {
    /// An amount of work, or a tenth of it.
    fn scaled(&self, amount: u64) -> u64 {
        if self.quick { amount / 10 } else { amount }
    }
}

/// Runs the verb.
pub fn main(mut args: lexopt::Parser) -> Result<()> {
    let mut names = Vec::new();
    let (mut pairs, mut quick, mut wants_peers, mut write) = (5, false, false, false);
    let (mut program, mut counting) = (None, None);
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Value(name) => names.push(name.to_string_lossy().into_owned()),
            lexopt::Arg::Long("pairs") => pairs = args.value()?.to_string_lossy().parse().context("--pairs N")?,
            lexopt::Arg::Long("quick") => quick = true,
            lexopt::Arg::Long("peers") => wants_peers = true,
            lexopt::Arg::Long("write") => write = true,
            // How this starts itself again.
            lexopt::Arg::Long("packets-watcher") => counting = Some(PathBuf::from(args.value()?)),
            lexopt::Arg::Long("watcher") => program = Some(PathBuf::from(args.value()?)),
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let chosen = chosen(&names)?;
    // What is built was built before this became root.
    let (program, counting) = if let Some(counting) = counting {
        (program.context("--packets-watcher comes with --watcher")?, counting)
    } else {
        let is_chosen = |wanted: &str| chosen.iter().any(|(name, _)| *name == wanted);
        if is_chosen("packets") {
            cargo_build(&["--package", "macos-pcap", "--example", "throughput"])?;
        }
        if is_chosen("flame") {
            flame::build()?;
        }
        let (program, counting) = match program {
            Some(program) => (program.clone(), program),
            None => build(is_chosen("packets"), chosen.iter().any(|(name, _)| *name != "packets"))?,
        };
        if names.iter().any(|name| name == overhead::NAME) {
            overhead::elsewhere(&program);
        }
        (program, counting)
    };
    if !is_root() {
        return Err(again_as_root(&names, pairs, [quick, wants_peers, write], [&program, &counting]));
    }
    if wants_peers {
        packets::peers::install();
    }
    let [subject, packets] = [program, counting].map(|program| Subject { program });
    let measured = measure(&chosen, &Plan { subject, packets, pairs, quick });
    if write { overhead::write().and(measured) } else { measured }
}

/// What somebody means by these names.
fn chosen(names: &[String]) -> Result<Vec<&'static (&'static str, Bench)>> {
    let is_named = |bench: &&(&str, Bench)| names.iter().any(|name| name == bench.0);
    let is_part =
        |name: &String| name == overhead::NAME || BENCHES.iter().chain(OVERHEAD).any(|(known, _)| known == name);
    if let Some(unknown) = names.iter().find(|name| !is_part(name)) {
        bail!("there is no bench `{unknown}`\n\n{HELP}");
    }
    let wants_page = names.iter().any(|name| name == overhead::NAME);
    let own = BENCHES.iter().filter(|bench| names.is_empty() || is_named(bench));
    Ok(own.chain(OVERHEAD.iter().filter(|bench| wants_page || is_named(bench))).collect())
}

fn measure(chosen: &[&(&str, Bench)], plan: &Plan) -> Result<()> {
    let mut rows = Vec::new();
    for (name, bench) in chosen {
        eprintln!("== {name}");
        rows.extend(bench(plan).unwrap_or_else(|error| vec![Row::must(*name, false, format!("{error:#}"))]));
    }
    print!("{}", table::markdown(&rows));
    let missed = rows.iter().filter(|row| !row.met).count();
    if missed > 0 {
        bail!("{missed} of {} limits missed", rows.len());
    }
    Ok(())
}

/// What users get, and the one that counts packets, which is linked with libpcap; each only where it is asked for.
fn build(packets: bool, others: bool) -> Result<(PathBuf, PathBuf)> {
    let missing = setup::install_packages(setup::Purpose::Bench)?;
    if !missing.is_empty() {
        bail!("could not be had: {}", missing.join(", "));
    }
    let watcher = ["--package", "watcher-user", "--bin", "watcher"];
    let program = repo::target_dir().join("release/watcher");
    let counting = program.with_file_name("watcher-packets");
    if packets {
        cargo_build(&[&watcher[..], &["--features", "pcap"]].concat())?;
        std::fs::copy(&program, &counting).with_context(|| format!("cannot write {}", counting.display()))?;
    }
    if others {
        cargo_build(&watcher)?;
    }
    Ok((program, counting))
}

/// What users get.
pub fn build_watcher() -> Result<PathBuf> {
    build(false, true).map(|(program, _)| program)
}

fn cargo_build(what: &[&str]) -> Result<()> {
    run(Command::new("cargo").current_dir(repo::root()).args(["build", "--release"]).args(what))
}

/// Starts xtask again through sudo; returns only when that fails.
fn again_as_root(
    names: &[String],
    pairs: usize,
    [quick, peers, write]: [bool; 3],
    [program, counting]: [&Path; 2],
) -> anyhow::Error {
    let again = || -> Result<Command> {
        let mut command = as_root(std::env::current_exe().context("cannot tell where xtask itself lies")?)?;
        command.arg("bench").args(names).args(["--pairs", &pairs.to_string(), "--watcher"]).arg(program);
        command.arg("--packets-watcher").arg(counting);
        command.args(quick.then_some("--quick")).args(peers.then_some("--peers"));
        command.args(write.then_some("--write"));
        Ok(command)
    };
    match again() {
        Ok(mut command) => anyhow::Error::new(command.exec()).context("cannot start through sudo"),
        Err(error) => error,
    }
}

/// The quotient of two counts.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark stay far below 2^52")]
fn ratio(dividend: u64, divisor: u64) -> f64 {
    dividend as f64 / divisor as f64
}
