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
mod first_frame;
mod history;
pub mod kernel;
mod many_flows;
mod names;
pub mod netns;
mod packets;
mod peers;
mod round_trips;
mod short_connections;
mod stats;
mod subject;
mod summary;
mod table;

use subject::Subject;
use table::Row;

/// What `cargo xtask bench --help` prints.
pub const HELP: &str = "\
cargo xtask bench [NAME…] [--pairs N] [--quick] [--peers [--gib N] [--write]] [--watcher PATH]

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
  peers              nethogs, bandwhich, rustnet, iftop, tcplife, tcptop and watcher beside
                     the same traffic; only where it is asked for (half an hour)

  --pairs N       how many pairs of runs (default 5; of `peers` 1)
  --quick         a tenth of the work: to see that it runs, not for figures
  --peers         get what `peers` and `packets` compare with; without a NAME, run `peers`
  --gib N         `peers`: bytes of its bulk transfer each way (default 20, quickly 2)
  --write         `peers`: write docs/peers.md and docs/peers.svg
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

/// What was asked for.
#[derive(Debug)]
pub struct Plan {
    subject: Subject,
    /// One that can count packets.
    packets: Subject,
    pairs: usize,
    /// Of `peers`.
    peer_pairs: usize,
    gib: Option<u64>,
    write: bool,
    quick: bool,
}

impl Plan {
    /// An amount of work, or a tenth of it.
    fn scaled(&self, amount: u64) -> u64 {
        if self.quick { amount / 10 } else { amount }
    }
}

/// What was typed.
#[derive(Default)]
struct Asked {
    names: Vec<String>,
    pairs: Option<usize>,
    gib: Option<u64>,
    quick: bool,
    peers: bool,
    write: bool,
    program: Option<PathBuf>,
    /// How this starts itself again: the watcher that counts packets.
    counting: Option<PathBuf>,
}

/// Runs the verb.
pub fn main(args: lexopt::Parser) -> Result<()> {
    let Some(asked) = asked(args)? else {
        print!("{HELP}");
        return Ok(());
    };
    let chosen = chosen(&asked)?;
    let is_chosen = |wanted: &str| chosen.iter().any(|(name, _)| *name == wanted);
    if asked.write && (asked.quick || !is_chosen(PEERS)) {
        bail!("--write is for a whole run of `{PEERS}`");
    }
    // What is built was built before this became root.
    let (program, counting) = if let Some(counting) = asked.counting.clone() {
        (asked.program.clone().context("--packets-watcher comes with --watcher")?, counting)
    } else {
        if is_chosen("packets") {
            cargo_build(&["--package", "macos-pcap", "--example", "throughput"])?;
        }
        if is_chosen(PEERS) {
            cargo_build(&["--package", "watcher-user", "--example", peers::QUIC])?;
        }
        match asked.program.clone() {
            Some(program) => (program.clone(), program),
            None => build(is_chosen("packets") || is_chosen(PEERS), chosen.iter().any(|(name, _)| *name != "packets"))?,
        }
    };
    if !is_root() {
        return Err(again_as_root(&asked, [&program, &counting]));
    }
    if asked.peers {
        peers::install();
    }
    let [subject, packets] = [program, counting].map(|program| Subject { program });
    let Asked { pairs, gib, quick, write, .. } = asked;
    let (pairs, peer_pairs) = (pairs.unwrap_or(5), pairs.unwrap_or(1));
    measure(&chosen, &Plan { subject, packets, pairs, peer_pairs, gib, write, quick })
}

/// Nothing where help was asked for.
fn asked(mut args: lexopt::Parser) -> Result<Option<Asked>> {
    let mut asked = Asked::default();
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Value(name) => asked.names.push(name.to_string_lossy().into_owned()),
            lexopt::Arg::Long("pairs") => {
                asked.pairs = Some(args.value()?.to_string_lossy().parse().context("--pairs N")?);
            }
            lexopt::Arg::Long("gib") => asked.gib = Some(args.value()?.to_string_lossy().parse().context("--gib N")?),
            lexopt::Arg::Long("quick") => asked.quick = true,
            lexopt::Arg::Long("peers") => asked.peers = true,
            lexopt::Arg::Long("write") => asked.write = true,
            lexopt::Arg::Long("packets-watcher") => asked.counting = Some(PathBuf::from(args.value()?)),
            lexopt::Arg::Long("watcher") => asked.program = Some(PathBuf::from(args.value()?)),
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(asked))
}

/// Those that were named; else all but one, or that one.
fn chosen(asked: &Asked) -> Result<Vec<&'static (&'static str, Bench)>> {
    let names = &asked.names;
    if let Some(unknown) = names.iter().find(|name| !BENCHES.iter().any(|(known, _)| known == name)) {
        bail!("there is no bench `{unknown}`\n\n{HELP}");
    }
    let is_meant = |name: &str| {
        if names.is_empty() { (name == PEERS) == asked.peers } else { names.iter().any(|wanted| wanted == name) }
    };
    Ok(BENCHES.iter().filter(|(name, _)| is_meant(name)).collect())
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

fn cargo_build(what: &[&str]) -> Result<()> {
    run(Command::new("cargo").current_dir(repo::root()).args(["build", "--release"]).args(what))
}

/// Starts xtask again through sudo; returns only when that fails.
fn again_as_root(asked: &Asked, [program, counting]: [&Path; 2]) -> anyhow::Error {
    let again = || -> Result<Command> {
        let mut command = as_root(std::env::current_exe().context("cannot tell where xtask itself lies")?)?;
        command.arg("bench").args(&asked.names).arg("--watcher").arg(program).arg("--packets-watcher").arg(counting);
        let numbers = [("--pairs", asked.pairs.map(|pairs| pairs as u64)), ("--gib", asked.gib)];
        for (flag, number) in numbers {
            command.args(number.map(|number| format!("{flag}={number}")));
        }
        for (flag, is_set) in [("--quick", asked.quick), ("--peers", asked.peers), ("--write", asked.write)] {
            command.args(is_set.then_some(flag));
        }
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
