//! Rows: small datagrams into a network namespace as fast as they go, up to a million a second: how many are seen, and how many
//! with the right process. Once beside nothing, then beside the same traffic's other onlookers, one at a time.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::super::actors::Actor;
use super::super::kernel::cpu_seconds;
use super::super::netns::{SERVER, Veth};
use super::super::peers::{self, Contestant, Looking};
use super::super::subject::{Heard, Watcher};
use super::super::{Plan, Row, ratio};

/// A second, and for how many.
const FAST: (u64, u64) = (1_000_000, 10);
/// What everybody can follow: whether what a peer prints is understood shows there.
const SLOW: (u64, u64) = (1_000, 3);
/// Of a datagram: bytes of payload.
const SIZE: u64 = 32;

/// What became of what was sent.
struct Run {
    /// Bytes of payload, and datagrams.
    sent: u64,
    datagrams: u64,
    microseconds: u64,
    /// Processor time of watcher, seconds.
    spent: f64,
    sender: u32,
    before: Heard,
    after: Heard,
}

impl Run {
    fn seen(&self) -> u64 {
        let sum = |heard: &Heard| heard.totals["tx_bytes"].as_u64().unwrap_or(0);
        sum(&self.after) - sum(&self.before)
    }

    fn attributed(&self) -> u64 {
        self.after.processes.get(&self.sender).map_or(0, |(_, sent)| *sent)
    }

    fn dropped(&self) -> u64 {
        let frames = |heard: &Heard| heard.totals["losses"]["frames"].as_u64().unwrap_or(0);
        frames(&self.after) - frames(&self.before)
    }

    fn rate(&self) -> String {
        a_second(self.datagrams, self.microseconds)
    }
}

fn a_second(datagrams: u64, microseconds: u64) -> String {
    format!("{:.0} a second", ratio(datagrams, microseconds) * 1e6)
}

/// Shares are told, and nothing is asked of them: what a machine drops depends on its processors. What is asked is that it says so.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let fast = (FAST.0, plan.scaled(FAST.1).max(2));
    let mut rows = vec![Row::told("live: nobody looks", format!("the machine sends {}", undisturbed(fast)?))];
    rows.extend(told(&run(plan, None, fast)?.0, "live"));
    for peer in peers::ALL.iter().filter(|one| one.is_alike()) {
        let what = format!("live, beside {}", peer.name);
        match peer.find() {
            Some(program) => {
                let slow = run(plan, Some((peer, &program)), SLOW)?;
                let fast = run(plan, Some((peer, &program)), fast)?;
                rows.extend(told(&fast.0, &what));
                rows.push(beside(peer, &[slow, fast]));
            }
            None => rows.push(Row::told(what, "left out: it is not on PATH, nor was it to be had (--peers)")),
        }
    }
    Ok(rows)
}

/// What a peer has said of the sender.
struct Counted {
    bytes: u64,
    /// Processor time, seconds.
    spent: f64,
}

/// How many the machine sends that nobody looks at: more than that is not to be had here.
fn undisturbed((rate, seconds): (u64, u64)) -> Result<String> {
    let veth = Veth::new()?;
    let mut sink = sink(&veth)?;
    let mut sender = sender(&veth, &sink, rate, seconds)?;
    sender.go()?;
    let [_, datagrams, microseconds] = sender.numbers()?;
    sink.go()?;
    Ok(a_second(datagrams, microseconds))
}

/// In the namespace: where datagrams go.
fn sink(veth: &Veth) -> Result<Actor> {
    // What hosts of IPv6 tell each other by themselves is not to be counted among what was sent.
    veth.without_ipv6()?;
    Actor::start_by(|program| veth.server(program), &["sink"])
}

/// Who sends them, once told to.
fn sender(veth: &Veth, sink: &Actor, rate: u64, seconds: u64) -> Result<Actor> {
    let to = format!("{SERVER}:{}", sink.ready);
    let words = ["datagrams", &to, &rate.to_string(), &seconds.to_string(), &SIZE.to_string()];
    Actor::start_by(|program| veth.client(program), &words)
}

fn run(
    plan: &Plan,
    peer: Option<(&'static Contestant, &Path)>,
    (rate, seconds): (u64, u64),
) -> Result<(Run, Option<Counted>)> {
    let veth = Veth::new()?;
    let mut sink = sink(&veth)?;
    let subject = veth.client(&plan.packets.program);
    let watcher = Watcher::start_by(subject, &["--backend", "pcap"])?;
    let start = |(peer, program)| Looking::start(peer, veth.client(program), veth.client_device(), 1);
    let other = peer.map(start).transpose()?;
    let mut sender = sender(&veth, &sink, rate, seconds)?;
    let before = watcher.after_lines(1)?;
    let began = cpu_seconds(watcher.pid())?;
    sender.go()?;
    let [sent, datagrams, microseconds] = sender.numbers()?;
    // What is in the buffers still is part of it.
    let after = watcher.after_lines(3)?;
    let spent = cpu_seconds(watcher.pid())? - began;
    let pid = sender.pid();
    let counted = other.map(|other| counted(other, pid)).transpose()?;
    sink.go()?;
    watcher.stop().context("after the datagrams")?;
    Ok((Run { sent, datagrams, microseconds, spent, sender: pid, before, after }, counted))
}

fn counted(peer: Looking, sender: u32) -> Result<Counted> {
    peer.settle(|| Ok(()))?;
    let spent = peer.costs()?.cpu;
    let name = fs::read_to_string(format!("/proc/{sender}/comm")).context("the sender is gone")?;
    let said = peer.end()?;
    Ok(Counted { bytes: said.sum(|owner| owner.is(sender, name.trim())).sent, spent })
}

/// What a peer said of the sender, in datagrams, of each run. It may count headers as well.
fn beside(peer: &Contestant, runs: &[(Run, Option<Counted>)]) -> Row {
    let overhead = peer.counts.of_datagram();
    let one = |(run, counted): &(Run, Option<Counted>)| {
        let Some(Counted { bytes, spent }) = counted else { return format!("nothing at {}", run.rate()) };
        let share = ratio(*bytes, run.datagrams * (SIZE + overhead));
        format!("{share:.4} at {} ({spent:.1} s of a processor)", run.rate())
    };
    let said: Vec<String> = runs.iter().map(one).collect();
    let what = format!("{} beside it: share of datagrams with the right process", peer.name);
    Row::told(what, format!("{}; with {overhead} bytes of headers in each datagram's figure", said.join(", ")))
}

fn told(run: &Run, what: &str) -> Vec<Row> {
    let (seen, missing) = (run.seen(), run.sent.saturating_sub(run.attributed()) / SIZE);
    let shares = format!(
        "seen {:.4}, with the right process {:.4} of {} datagrams of {SIZE} bytes at {}; {} frames told as dropped; \
         {:.1} s of a processor",
        ratio(seen, run.sent),
        ratio(run.attributed(), run.sent),
        run.datagrams,
        run.rate(),
        run.dropped(),
        run.spent,
    );
    let unseen = run.sent.saturating_sub(seen) / SIZE;
    let is_told = seen <= run.sent && run.attributed() <= seen && unseen <= run.dropped();
    let told = format!(
        "{unseen} not seen, {} told; {missing} not with their process; {} bytes more than were sent",
        run.dropped(),
        seen.saturating_sub(run.sent),
    );
    vec![
        Row::told(format!("{what}: share of datagrams"), shares),
        Row::must(format!("{what}: no more than was sent, and what was not seen is told as dropped"), is_told, told),
        Row::must(
            format!("{what}: never claims to be exact"),
            !run.after.claimed_exact,
            if run.after.claimed_exact { "claimed" } else { "not once" },
        ),
    ]
}
