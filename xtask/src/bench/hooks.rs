//! What each program takes when it runs, on every rung that this kernel has: rows, and a table for docs/overhead.md.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::Plan;
use super::actors::Actor;
use super::kernel::{BpfStats, Runs, program_runs, runs_between};
use super::overhead::{Piece, made_by};
use super::ratio;
use super::subject::{Subject, Watcher};
use super::table::Row;

/// Send calls of each kind; as many receive.
const CALLS: u64 = 100_000;
/// The program that does nothing: what it reads is in what the others read, too.
pub const FLOOR: &str = "watcher_floor";

/// The rungs to try, and the arguments that make watcher take them.
const RUNGS: &[(&str, &[&str])] = &[
    ("as found", &[]),
    ("as on Linux 7.0", &["--assume-traits"]),
    ("no length tracepoints", &["--without", "lengths"]),
    ("only kprobes", &["--without", "lengths", "--without", "fexit"]),
];

/// What programs took, by name.
pub type Costs = BTreeMap<String, Runs>;

/// A column of the table: what it is called, and what was measured or why that could not be.
pub type Column = (String, Result<Costs>);

/// Measures, and leaves the table for the page.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let calls = plan.scaled(CALLS);
    let measured = |(name, arguments): &(&str, &[&str])| ((*name).to_owned(), costs(&plan.subject, arguments, calls));
    let columns: Vec<Column> = RUNGS.iter().map(measured).collect();
    let text = format!(
        "Nanoseconds that a run takes by the kernel's clock (bpf_stats), less what a program reads that does nothing, and \
         how many runs.\n{calls} sends and receives each over UDP, connected and not, and over TCP, and short connections. \
         Programs whose names end in\n`_again`, `_bare` or `_behind` are the second ones of a hook that can be preempted.\n\n{}",
        table(&columns, Cell::Added)
    );
    Piece::named("hooks").write(&text, &made_by("bench hooks", plan.quick))?;
    let told = |(name, costs): &Column| {
        let said = costs.as_ref().map_or_else(|error| format!("left out: {error:#}"), |costs| sum(costs, calls));
        Row::told(format!("programs' time, {name}"), said)
    };
    Ok(columns.iter().map(told).collect())
}

fn sum(costs: &Costs, calls: u64) -> String {
    let all: u64 = costs.values().map(|runs| runs.nanoseconds).sum();
    format!(
        "{} programs ran, {:.0} µs in all, for {calls} sends and receives of each kind",
        costs.len(),
        ratio(all, 1000)
    )
}

/// What programs took while a fixed load ran. What an empty one takes is among it where that can be attached.
pub fn costs(subject: &Subject, arguments: &[&str], calls: u64) -> Result<Costs> {
    let _stats = BpfStats::enable()?;
    let with_floor = Watcher::start_unheard(subject, &[&["--floor", "--backend", "ebpf"], arguments].concat());
    let watcher = match with_floor {
        Ok(watcher) => watcher,
        Err(_) => Watcher::start_unheard(subject, &[&["--backend", "ebpf"], arguments].concat())
            .map_err(|error| complaint(subject, arguments).unwrap_or(error))?,
    };
    let before = program_runs(watcher.pid())?;
    let number = calls.to_string();
    for kind in ["udp", "unconnected", "tcp"] {
        let mut actor = Actor::start(&["calls", kind, "1", &number])?;
        actor.go()?;
        actor.line()?;
        actor.go()?;
        actor.line()?;
    }
    let mut actor = Actor::start(&["churn", &(calls / 50).to_string()])?;
    actor.go()?;
    actor.line()?;
    // The programs that read run too.
    watcher.after_lines(1)?;
    let between = runs_between(&before, &program_runs(watcher.pid())?);
    watcher.stop()?;
    Ok(by_name(between))
}

/// Why watcher does not count here, in its own words.
fn complaint(subject: &Subject, arguments: &[&str]) -> Option<anyhow::Error> {
    let mut command = Command::new(&subject.program);
    command.args(["top", "--standalone", "--once", "--backend", "ebpf"]).args(arguments);
    let output = command.stdin(Stdio::null()).output().ok().filter(|output| !output.status.success())?;
    let said = String::from_utf8_lossy(&output.stderr).trim().trim_start_matches("watcher: ").to_owned();
    (!said.is_empty()).then(|| anyhow::Error::msg(said))
}

/// One program may be loaded several times, each with an id behind its name.
fn by_name(runs: BTreeMap<String, Runs>) -> Costs {
    let mut costs = Costs::new();
    for (name, runs) in runs {
        let sum = costs.entry(name.split('#').next().unwrap_or(&name).to_owned()).or_default();
        sum.count += runs.count;
        sum.nanoseconds += runs.nanoseconds;
    }
    costs
}

/// As the actor `hooks WATCHER CALLS ARGUMENT…`: says a line for each program.
pub fn main(args: &[String]) -> Result<()> {
    let [program, calls, arguments @ ..] = args else { anyhow::bail!("hooks WATCHER CALLS ARGUMENT…") };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let calls = calls.parse().context("CALLS is no number")?;
    for (name, runs) in costs(&Subject { program: PathBuf::from(program) }, &arguments, calls)? {
        println!("{LINE}{name} {} {}", runs.count, runs.nanoseconds);
    }
    Ok(())
}

const LINE: &str = "@@runs ";

/// What such lines have said.
pub fn heard(text: &str) -> Costs {
    let line = |line: &str| {
        let mut words = line.strip_prefix(LINE)?.split_whitespace();
        let name = words.next()?.to_owned();
        let mut number = || words.next()?.parse().ok();
        let (count, nanoseconds) = (number()?, number()?);
        Some((name, Runs { nanoseconds, count }))
    };
    text.lines().filter_map(line).collect()
}

/// What a cell of the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// What a run adds to what an empty program's adds, and how many runs there were.
    Added,
    /// What a run reads.
    Whole,
}

/// Programs down, rungs or kernels across. Below it, what was left out.
pub fn table(columns: &[Column], cell: Cell) -> String {
    let measured: Vec<(&str, &Costs)> =
        columns.iter().filter_map(|(name, costs)| Some((name.as_str(), costs.as_ref().ok()?))).collect();
    let mut names: Vec<&str> = measured.iter().flat_map(|(_, costs)| costs.keys().map(String::as_str)).collect();
    // The empty one comes first, and what runs most before what runs less.
    let most = |name: &str| measured.iter().filter_map(|(_, costs)| Some(costs.get(name)?.count)).max();
    names.sort_by_key(|name| (*name != FLOOR, std::cmp::Reverse(most(name)), *name));
    names.dedup();
    let header: String = measured.iter().map(|(name, _)| format!(" {name} |")).collect();
    let mut text = format!("| program |{header}\n| --- |{}\n", " ---: |".repeat(measured.len()));
    for name in names {
        let cells: String = measured.iter().map(|(_, costs)| written(name, costs, cell)).collect();
        let name = if name == FLOOR { "an empty program" } else { name.strip_prefix("watcher_").unwrap_or(name) };
        text += &format!("| {name} |{cells}\n");
    }
    let missing = columns.iter().filter_map(|(name, costs)| Some((name, costs.as_ref().err()?)));
    missing.fold(text, |text, (name, why)| format!("{text}\nLeft out: {name}: {why:#}.\n"))
}

fn written(name: &str, costs: &Costs, cell: Cell) -> String {
    let each = |runs: &Runs| ratio(runs.nanoseconds, runs.count);
    let floor = costs.get(FLOOR).filter(|_| cell == Cell::Added && name != FLOOR).map_or(0.0, each);
    match (costs.get(name), cell) {
        (Some(runs), Cell::Added) => format!(" {:.0} × {} |", (each(runs) - floor).max(0.0), runs.count),
        (Some(runs), Cell::Whole) => format!(" {:.0} |", each(runs)),
        (None, _) => " |".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_actor_says_becomes_a_column() {
        let costs = heard("noise\n@@runs watcher_send 4 400\n@@runs watcher_floor 2 20\n@@runs watcher_cut 7\n");
        let columns = [("6.1".to_owned(), Ok(costs)), ("5.4".to_owned(), Err(anyhow::anyhow!("too old")))];
        let expected = "| program | 6.1 |\n| --- | ---: |\n| an empty program | 10 × 2 |\n| send | 90 × 4 |\n\n\
                        Left out: 5.4: too old.\n";
        assert_eq!(table(&columns, Cell::Added), expected);
    }

    #[test]
    fn programs_at_several_functions_are_one() {
        let runs = |count| Runs { nanoseconds: 10 * count, count };
        let costs = by_name(BTreeMap::from([("a#1".to_owned(), runs(1)), ("a#2".to_owned(), runs(2))]));
        assert_eq!(costs, BTreeMap::from([("a".to_owned(), runs(3))]));
    }
}
