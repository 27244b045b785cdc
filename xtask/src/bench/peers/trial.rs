//! One job beside one program, and beside nobody.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::contestants::{Contestant, Scope};
use super::jobs::{Job, QUIC};
use super::looking::{Costs, Looking};
use super::said::{Bytes, Owner, Said};
use super::stage::{Outcome, Stage};
use crate::bench::Plan;

/// Before each job, with an onlooker or without: a (virtual) processor that has just been busy is faster than one that comes from rest.
const REST: Duration = Duration::from_secs(1);

/// What one program said of one job, and what it took.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// All that it said, and what of that stood with the right process.
    pub reported: Bytes,
    pub right: Bytes,
    /// What the processes' calls moved, and what the program would say if it missed nothing: with headers, where it counts them.
    pub payload: Bytes,
    pub expected: u64,
    /// From just before the traffic to the last figures.
    pub cpu: f64,
    pub resident: u64,
    pub maps: u64,
    /// Throughput beside it by that beside nobody.
    pub speed: f64,
}

impl Measured {
    /// Of what there was to report.
    pub fn reported_share(&self) -> f64 {
        crate::bench::ratio(self.reported.sum(), self.expected)
    }

    /// Of the same.
    pub fn right_share(&self) -> f64 {
        crate::bench::ratio(self.right.sum(), self.expected)
    }

    /// Whether it has every byte of payload with the process that moved it, and no other.
    pub fn is_exact(&self) -> bool {
        self.right == self.payload && self.reported == self.payload
    }
}

/// The pair of runs with the middle ratio of throughputs.
pub fn measure(job: &Job, contestant: &'static Contestant, program: &Path, plan: &Plan) -> Result<Measured> {
    let mut pairs = Vec::new();
    for _ in 0..plan.peer_pairs {
        let (with, mut measured) = beside(job, contestant, program, plan)?;
        let without = alone(job, plan)?;
        measured.speed = with / without;
        pairs.push(measured);
    }
    pairs.sort_by(|one, other| one.speed.total_cmp(&other.speed));
    pairs.get(pairs.len() / 2).copied().context("no pair of runs was asked for")
}

fn alone(job: &Job, plan: &Plan) -> Result<f64> {
    let mut stage = (job.set)(plan)?;
    thread::sleep(REST);
    Ok(rate(&(stage.act)(&mut stage)?))
}

fn beside(job: &Job, contestant: &'static Contestant, program: &Path, plan: &Plan) -> Result<(f64, Measured)> {
    let mut stage = (job.set)(plan)?;
    let command = match contestant.sees {
        Scope::Namespace => stage.onlooker(program),
        Scope::Machine => Command::new(program),
    };
    let looking = Looking::start(contestant, command, &stage.device)?;
    let (wire, costs) = (stage.wire()?, looking.costs()?);
    thread::sleep(REST);
    let outcome = (stage.act)(&mut stage)?;
    looking.settle();
    let (wire_after, costs_after) = (stage.wire()?, looking.costs().context("it did not last")?);
    let said = looking.end()?;
    let payload = outcome.moved.iter().fold(Bytes::default(), |sum, one| sum.plus(one.bytes));
    let (frames, packets) = (wire_after.bytes - wire.bytes, wire_after.packets - wire.packets);
    let Costs { cpu, resident, maps } = costs_after;
    let measured = Measured {
        reported: reported(&said, contestant, &stage),
        right: right(&said, &outcome),
        payload,
        expected: contestant.counts.of(frames, packets, payload.sum()),
        cpu: cpu - costs.cpu,
        resident,
        maps,
        speed: f64::NAN,
    };
    Ok((rate(&outcome), measured))
}

fn rate(outcome: &Outcome) -> f64 {
    crate::bench::ratio(outcome.work, outcome.microseconds)
}

/// Where nobody else is, everything. Who sees the whole machine is asked for processes of ours alone, without those at the far end:
/// that can only take from its figure.
fn reported(said: &Said, contestant: &Contestant, stage: &Stage) -> Bytes {
    if contestant.sees == Scope::Namespace {
        return said.sum(|_| true);
    }
    let own = std::env::current_exe().unwrap_or_default();
    let own = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_ours = |name: &str| name == own || name == QUIC || name.starts_with("bench-");
    said.sum(|owner| matches!(owner, Owner::Process(pid, name) if !stage.elsewhere.contains(pid) && is_ours(name)))
}

fn right(said: &Said, outcome: &Outcome) -> Bytes {
    let pids: HashSet<u32> = outcome.moved.iter().map(|one| one.pid).collect();
    let names: HashSet<&str> = outcome.moved.iter().map(|one| one.name).collect();
    said.sum(|owner| match owner {
        Owner::Nobody => false,
        Owner::Process(pid, _) => pids.contains(pid),
        Owner::Name(name) => names.contains(name.as_str()),
    })
}
