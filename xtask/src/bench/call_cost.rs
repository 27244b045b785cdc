//! Row: what a send or receive call costs more, by the kernel's own clock.

use anyhow::Result;

use super::actors::Actor;
use super::kernel::{BpfStats, program_runs, runs_between};
use super::subject::Watcher;
use super::table::Row;
use super::{Plan, ratio};

const CALLS: u64 = 400_000;
const MANY: u64 = 100_000;
/// The program that does nothing, at this moment and by the same clock.
const FLOOR: &str = "watcher_floor";

/// All programs' run time during a known number of calls, over that number.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let _stats = BpfStats::enable()?;
    let many = plan.scaled(MANY);
    let cases = [("udp", 1), ("unconnected", 1), ("tcp", 1), ("udp", many), ("unconnected", many)];
    cases.into_iter().map(|(kind, flows)| row(plan, kind, flows)).collect()
}

fn row(plan: &Plan, kind: &str, flows: u64) -> Result<Row> {
    let watcher = Watcher::start_with(&plan.subject, &["--floor"])?;
    // A process may not have a hundred thousand descriptors everywhere; one unconnected socket has as many remotes.
    let share = if kind == "unconnected" { flows } else { flows.min(9_000) };
    let actors = flows.div_ceil(share);
    let calls = (plan.scaled(CALLS) / actors).to_string();
    let mut actors =
        (0..actors).map(|_| Actor::start(&["calls", kind, &share.to_string(), &calls])).collect::<Result<Vec<_>>>()?;
    for actor in &mut actors {
        actor.go()?;
        actor.line()?;
    }
    let before = program_runs(watcher.pid())?;
    let mut calls = 0;
    for actor in &mut actors {
        actor.go()?;
        let [own] = actor.numbers()?;
        calls += own;
    }
    let mut between = runs_between(&before, &program_runs(watcher.pid())?);
    watcher.stop()?;
    let floor =
        between.extract_if(.., |name, _| name.starts_with(FLOOR)).map(|(_, runs)| runs).next().unwrap_or_default();
    let nanoseconds: u64 = between.values().map(|runs| runs.nanoseconds).sum();
    let mut busiest: Vec<_> = between.iter().collect();
    busiest.sort_by_key(|(_, runs)| std::cmp::Reverse(runs.count));
    let note: Vec<String> = busiest
        .iter()
        .take(4)
        .map(|(name, runs)| format!("{name} {:.0} ns × {}", ratio(runs.nanoseconds, runs.count), runs.count))
        .collect();
    let mut note = note;
    note.insert(0, format!("an empty program {:.0} ns", ratio(floor.nanoseconds, floor.count)));
    let limit = if flows == 1 { 50.0 } else { 80.0 };
    let what = format!("added cost of a call, {kind}, {flows} flow{}", if flows == 1 { "" } else { "s" });
    Ok(Row::at_most(what, limit, ratio(nanoseconds, calls), "ns", &note.join(", ")))
}
