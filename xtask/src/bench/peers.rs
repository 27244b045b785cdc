//! Watcher and other programs, each beside the same traffic: what they report, whose they say it is, what they cost.

use std::fs;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::{Plan, Row};
use crate::repo;

mod better;
mod contestants;
pub mod emulated;
mod jobs;
mod looking;
mod machine;
mod page;
mod said;
mod stage;
mod trial;

pub use contestants::{ALL, Contestant, install};
pub use jobs::{QUIC, Work};
pub use looking::Looking;
use trial::Measured;

/// What one job showed of each program that could be tried, in the order of [`ALL`].
struct Shown {
    job: &'static jobs::Job,
    cells: Vec<Cell>,
}

/// What came out, or why nothing did.
type Cell = (&'static Contestant, Result<Measured, String>);

/// One program at a time, and nobody between them.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    machine::have_tracefs();
    let mut rows = Vec::new();
    let mut all = Vec::new();
    for job in jobs::ALL {
        let cells: Vec<Cell> = ALL.iter().map(|contestant| (contestant, tried(job, contestant, plan))).collect();
        rows.extend(cells.iter().map(|(contestant, cell)| row(job, contestant, cell)));
        all.push(Shown { job, cells });
    }
    if plan.write {
        write("peers.md", &page::markdown(&page::HERE, &machine::described(), &all, plan))?;
        write("peers.svg", &page::chart(&all)?)?;
    }
    Ok(rows)
}

/// A file of the documentation.
fn write(name: &str, text: &str) -> Result<()> {
    let path = repo::root().join("docs").join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn tried(job: &jobs::Job, contestant: &'static Contestant, plan: &Plan) -> Result<Measured, String> {
    let begun = Instant::now();
    let measure = if plan.peer_pairs == 0 { trial::untimed } else { trial::measure };
    let outcome = match contestant.program(plan) {
        _ if contestant.needs_kprobes && !machine::has_kprobes() => {
            Err("this kernel has no kprobes; peers-kprobes.md is of one that has".into())
        }
        Some(program) => measure(job, contestant, &program, plan).map_err(|error| format!("{error:#}")),
        None => Err("it is not on PATH, nor was it to be had (--peers)".into()),
    };
    eprintln!("  {}: {}: {:.0} s", job.name, contestant.name, begun.elapsed().as_secs_f64());
    outcome
}

fn row(job: &jobs::Job, contestant: &Contestant, cell: &Result<Measured, String>) -> Row {
    let what = format!("{}: {}", job.name, contestant.name);
    let is_watched = matches!(contestant.comes, contestants::Comes::Watcher);
    match cell {
        Err(why) if is_watched => Row::must(what, false, why),
        Err(why) => Row::told(what, format!("left out: {why}")),
        Ok(measured) => {
            let told = page::told(contestant, measured);
            if is_watched { Row::must(what, measured.is_exact(), told) } else { Row::told(what, told) }
        }
    }
}
