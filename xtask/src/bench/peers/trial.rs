//! One job beside one program, and beside nobody.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::contestants::{Contestant, Scope};
use super::jobs::Job;
use super::looking::{Costs, Looking};
use super::said::{Bytes, Owner, Said};
use super::stage::{Outcome, Stage};
use crate::bench::{Plan, ratio};

/// Before each job, with an onlooker or without: a (virtual) processor that has just been busy is faster than one that comes from rest.
const REST: Duration = Duration::from_secs(1);

/// What one program said of one job, and what it took.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// All that it said, and what of that stood with the right process.
    pub reported: Bytes,
    pub right: u64,
    /// What the processes' calls moved, and what the program would say if it missed nothing: with headers, where it counts them.
    pub payload: Bytes,
    pub expected: u64,
    /// Bytes.
    pub resident: u64,
    pub maps: u64,
    /// Nothing where seconds are those of an emulated processor.
    pub times: Option<Times>,
}

/// What a program took and took away.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Processor time from just before the traffic to the last figures, seconds.
    pub cpu: f64,
    /// Throughput beside it by that beside nobody.
    pub speed: f64,
    /// How long the job took beside nobody, seconds.
    pub alone: f64,
}

/// One run beside a program.
struct Run {
    measured: Measured,
    cpu: f64,
    rate: f64,
}

impl Measured {
    /// Of what there was to report.
    pub fn reported_share(&self) -> f64 {
        ratio(self.reported.sum(), self.expected)
    }

    /// Of the same.
    pub fn right_share(&self) -> f64 {
        ratio(self.right, self.expected)
    }

    /// Whether it has every byte of payload with the process that moved it, and no other.
    pub fn is_exact(&self) -> bool {
        self.right == self.payload.sum() && self.reported == self.payload
    }
}

/// The pair of runs with the middle ratio of throughputs.
pub fn measure(job: &Job, contestant: &'static Contestant, program: &Path, plan: &Plan) -> Result<Measured> {
    let mut pairs = Vec::new();
    for _ in 0..plan.peer_pairs {
        let Run { measured, cpu, rate } = beside(job, contestant, program, plan)?;
        let (without, alone) = alone(job, plan)?;
        pairs.push((measured, Times { cpu, speed: rate / without, alone }));
    }
    pairs.sort_by(|(_, one), (_, other)| one.speed.total_cmp(&other.speed));
    let (measured, times) = pairs.get(pairs.len() / 2).copied().context("no pair of runs was asked for")?;
    Ok(Measured { times: Some(times), ..measured })
}

/// One run beside it, where what that takes means nothing.
pub fn untimed(job: &Job, contestant: &'static Contestant, program: &Path, plan: &Plan) -> Result<Measured> {
    Ok(beside(job, contestant, program, plan)?.measured)
}

/// Throughput, and seconds.
fn alone(job: &Job, plan: &Plan) -> Result<(f64, f64)> {
    let mut stage = (job.set)(&plan.work)?;
    thread::sleep(REST);
    let outcome = (stage.act)(&mut stage)?;
    Ok((rate(&outcome), ratio(outcome.microseconds, 1_000_000)))
}

fn beside(job: &Job, contestant: &'static Contestant, program: &Path, plan: &Plan) -> Result<Run> {
    let mut stage = (job.set)(&plan.work)?;
    let command = match contestant.sees {
        Scope::Namespace => stage.onlooker(program),
        Scope::Machine => Command::new(program),
    };
    let looking = Looking::start(contestant, command, &stage.device, plan.patience)?;
    let (wire, costs) = (stage.wire()?, looking.costs()?);
    thread::sleep(REST);
    let outcome = (stage.act)(&mut stage)?;
    looking.settle(|| stage.stir())?;
    let (wire_after, costs_after) = (stage.wire()?, looking.costs().context("it did not last")?);
    let said = looking.end()?;
    let payload = outcome.moved.iter().fold(Bytes::default(), |sum, one| sum.plus(one.bytes));
    let (frames, packets) = (wire_after.bytes - wire.bytes, wire_after.packets - wire.packets);
    let Costs { cpu, resident, maps } = costs_after;
    let expected = contestant.counts.of(frames, packets, payload.sum());
    let measured = Measured {
        reported: reported(&said, contestant, &stage, &outcome),
        right: right(&said, &outcome, expected),
        payload,
        expected,
        resident,
        maps,
        times: None,
    };
    Ok(Run { measured, cpu: cpu - costs.cpu, rate: rate(&outcome) })
}

fn rate(outcome: &Outcome) -> f64 {
    ratio(outcome.work, outcome.microseconds)
}

/// Where nobody else is, everything. Who sees the whole machine is asked for the processes of this run alone, without those at the
/// far end: that can only take from its figure.
fn reported(said: &Said, contestant: &Contestant, stage: &Stage, outcome: &Outcome) -> Bytes {
    if contestant.sees == Scope::Namespace {
        return said.sum(|_| true);
    }
    let moved = outcome.moved.iter().map(|one| one.pid);
    let all = moved.chain([stage.client.pid(), stage.server.pid()]);
    let ours: HashSet<u32> = all.filter(|pid| !stage.elsewhere.contains(pid)).collect();
    said.sum(|owner| matches!(owner, Owner::Process(pid, _) if ours.contains(pid)))
}

/// With each process at most what it moved, by the program's own way of counting: what is more is somebody else's.
fn right(said: &Said, outcome: &Outcome, expected: u64) -> u64 {
    let payload: u64 = outcome.moved.iter().map(|one| one.bytes.sum()).sum();
    let at_most = |moved: u64| ratio(expected, payload) * ratio(moved, 1);
    let of = |owner: &Owner| {
        let own = outcome.moved.iter().filter(|one| owner.is(one.pid, one.name));
        at_most(own.map(|one| one.bytes.sum()).sum())
    };
    let right = said.owners().into_iter().map(|(owner, bytes)| ratio(bytes.sum(), 1).min(of(owner)));
    whole(right.sum())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of bytes")]
fn whole(bytes: f64) -> u64 {
    bytes.round() as u64
}
