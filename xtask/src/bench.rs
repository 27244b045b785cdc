//! `cargo xtask bench`: what watcher costs and whether it keeps up, as a table. It measures the release binary.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::privilege::is_root;
use crate::run::{cargo, run};
use crate::{repo, setup};

pub mod actors;
mod agent;
mod alternate;
mod asked;
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
pub mod peers;
mod releases;
mod round_trips;
mod scaling;
mod short_connections;
mod stats;
mod subject;
mod summary;
mod table;

use asked::Asked;
use subject::Subject;
use table::Row;

/// What `cargo xtask bench --help` prints.
pub const HELP: &str = "\
cargo xtask bench [NAME…] [--pairs N] [--quick] [--peers] [--gib N] [--write] [--watcher PATH]

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
  history            a year of a busy desktop: the file, a write, an answer (minutes)

Only by name:

  peers              nethogs, bandwhich, rustnet, iftop, tcplife, tcptop and watcher beside
                     the same traffic (half an hour)
  releases           whether the kernel tells of the end of each of 40 million sockets, and
                     watcher of each that it does not (minutes)
  overhead           what docs/overhead.md says: `cargo xtask vm --cost`, and these
    scaling          1 to 100,000 active flows, 1 to 10,000 processes
    flame            the daemon's flame graph, and what takes most of its time
    hooks            nanoseconds of each program, on each rung that this kernel has

  --pairs N       how many pairs of runs (default 5; of `peers` 1)
  --quick         a tenth of the work: to see that it runs, not for figures
  --peers         get what `peers` and `packets` compare with; without a NAME, run `peers`
  --gib N         `peers`: bytes of its bulk transfer each way (default 20, quickly 2)
  --write         write docs/peers.md and its chart, or docs/overhead.md from what its parts
                  have last measured
  --watcher PATH  measure this binary instead of building one; `packets` and `peers` need
                  one that was built with --features pcap
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
    (PEERS, peers::rows),
];

/// Takes too long to be run unasked.
const PEERS: &str = "peers";

/// Asks about the kernel more than about watcher.
const RELEASES: &[(&str, Bench)] = &[("releases", releases::rows)];

/// Those that make docs/overhead.md.
const OVERHEAD: &[(&str, Bench)] = &[("scaling", scaling::rows), ("flame", flame::rows), ("hooks", hooks::rows)];

/// What was asked for.
#[derive(Debug)]
pub struct Plan {
    subject: Subject,
    /// One that can count packets.
    packets: Subject,
    pairs: usize,
    /// Of `peers`: how many (with none, nobody is timed), how much is done in each, and how many times longer than usual programs
    /// are waited for.
    peer_pairs: usize,
    work: peers::Work,
    patience: u32,
    write: bool,
    quick: bool,
}

impl Plan {
    /// An amount of work, or a tenth of it.
    fn scaled(&self, amount: u64) -> u64 {
        if self.quick { amount / 10 } else { amount }
    }
}

/// Runs the verb.
pub fn main(args: lexopt::Parser) -> Result<()> {
    let Some(asked) = Asked::read(args)? else {
        print!("{HELP}");
        return Ok(());
    };
    let chosen = asked.chosen()?;
    let (program, counting) = asked.programs(&chosen)?;
    if !is_root() {
        return Err(asked.again_as_root([&program, &counting]));
    }
    if asked.peers {
        peers::install(peers::ALL.iter());
    }
    let [subject, packets] = [program, counting].map(|program| Subject { program });
    let (pairs, peer_pairs) = (asked.pairs.unwrap_or(5), asked.pairs.unwrap_or(1));
    let Asked { gib, quick, write, .. } = asked;
    let work = peers::Work::asked(gib, quick);
    let measured = measure(&chosen, &Plan { subject, packets, pairs, peer_pairs, work, patience: 1, write, quick });
    let has_page = OVERHEAD.iter().any(|(part, _)| chosen.iter().any(|(name, _)| name == part));
    if write && has_page { overhead::write().and(measured) } else { measured }
}

fn measure(chosen: &[&(&str, Bench)], plan: &Plan) -> Result<()> {
    let mut rows = Vec::new();
    for (name, bench) in chosen {
        eprintln!("== {name}");
        rows.extend(bench(plan).unwrap_or_else(|error| vec![Row::must(*name, false, format!("{error:#}"))]));
    }
    judged(&rows)
}

/// Prints them; an error if a limit is missed.
fn judged(rows: &[Row]) -> Result<()> {
    print!("{}", table::markdown(rows));
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
    run(cargo().args(["build", "--release"]).args(what))
}

/// The quotient of two counts.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark stay far below 2^52")]
fn ratio(dividend: u64, divisor: u64) -> f64 {
    dividend as f64 / divisor as f64
}
