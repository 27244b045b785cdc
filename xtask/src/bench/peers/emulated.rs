//! The comparison inside of an emulated machine, whose kernel has what this one may lack: an actor there says what came out,
//! `cargo xtask vm --peers` hears it here.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::contestants::Scope;
use super::jobs::{self, Job};
use super::said::Bytes;
use super::trial::Measured;
use super::{ALL, Cell, Contestant, Shown, Work, machine, page, row, tried, write};
use crate::bench::subject::Subject;
use crate::bench::{Plan, judged};

/// An emulated processor loads programs slowly.
const PATIENCE: u32 = 3;

/// Begins a line about the machine, and one about a program in a job.
const MACHINE: &str = "@@machine ";
const CELL: &str = "@@peer ";

/// Those that see what happens on a whole machine. They see nothing but TCP, watcher apart.
pub fn contestants() -> impl Iterator<Item = &'static Contestant> {
    ALL.iter().filter(|one| one.sees == Scope::Machine)
}

fn jobs() -> impl Iterator<Item = &'static Job> {
    jobs::ALL.iter().filter(|job| job.is_tcp)
}

/// With this watcher.
pub fn plan(program: PathBuf) -> Plan {
    let subject = Subject { program };
    Plan {
        packets: subject.clone(),
        subject,
        pairs: 0,
        peer_pairs: 0,
        work: Work::emulated(),
        patience: PATIENCE,
        write: false,
        quick: false,
    }
}

/// As the actor `peers WATCHER`: says a line for each job and program.
pub fn main(args: &[String]) -> Result<()> {
    let plan = plan(args.first().context("peers WATCHER")?.into());
    println!("{MACHINE}{}", machine::described());
    for job in jobs() {
        for contestant in contestants() {
            println!("{CELL}{}", said(job, contestant, &tried(job, contestant, &plan)));
        }
    }
    Ok(())
}

/// Prints what the machine's console said, and makes a page of it where that is wanted.
pub fn report(console: &str, plan: &Plan, is_wanted: bool) -> Result<()> {
    let (machine, all) = heard(console)?;
    if is_wanted {
        write("peers-kprobes.md", &page::markdown(&page::EMULATED, machine, &all, plan))?;
    }
    let rows = all.iter().flat_map(|shown| shown.cells.iter().map(|(one, cell)| row(shown.job, one, cell)));
    judged(&rows.collect::<Vec<_>>())
}

fn said(job: &Job, contestant: &Contestant, cell: &Result<Measured, String>) -> Value {
    let of_both = |bytes: Bytes| [bytes.received, bytes.sent];
    match cell {
        Err(why) => json!({ "job": job.name, "program": contestant.name, "left_out": why }),
        Ok(one) => json!({
            "job": job.name,
            "program": contestant.name,
            "reported": of_both(one.reported),
            "right": one.right,
            "payload": of_both(one.payload),
            "expected": one.expected,
            "resident": one.resident,
            "maps": one.maps,
        }),
    }
}

fn heard(console: &str) -> Result<(&str, Vec<Shown>)> {
    let machine = console.lines().find_map(|line| line.strip_prefix(MACHINE)).context("the machine did not begin")?;
    let lines = console.lines().filter_map(|line| serde_json::from_str(line.strip_prefix(CELL)?).ok());
    let lines: Vec<Value> = lines.collect();
    let cell = |job: &Job, contestant: &'static Contestant| -> Result<Cell> {
        let line = lines.iter().find(|line| line["job"] == job.name && line["program"] == contestant.name);
        let outcome = line.and_then(outcome);
        Ok((contestant, outcome.with_context(|| format!("nothing was heard of {} in {}", contestant.name, job.name))?))
    };
    let shown = |job| Ok(Shown { job, cells: contestants().map(|one| cell(job, one)).collect::<Result<_>>()? });
    let all: Vec<Shown> = jobs().map(shown).collect::<Result<_>>()?;
    if lines.len() != all.iter().map(|shown| shown.cells.len()).sum::<usize>() {
        bail!("more was heard than there are jobs and programs");
    }
    Ok((machine, all))
}

fn outcome(line: &Value) -> Option<Result<Measured, String>> {
    if let Some(why) = line["left_out"].as_str() {
        return Some(Err(why.to_owned()));
    }
    let of_both = |key: &str| Some(Bytes { received: line[key][0].as_u64()?, sent: line[key][1].as_u64()? });
    let figure = |key: &str| line[key].as_u64();
    Some(Ok(Measured {
        reported: of_both("reported")?,
        right: figure("right")?,
        payload: of_both("payload")?,
        expected: figure("expected")?,
        resident: figure("resident")?,
        maps: figure("maps")?,
        times: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console() -> String {
        let measured = Measured {
            reported: Bytes { received: 1, sent: 2 },
            right: 3,
            payload: Bytes { received: 4, sent: 5 },
            expected: 9,
            resident: 7 << 20,
            maps: 0,
            times: None,
        };
        let cell = |one: &Contestant| if one.needs_kprobes { Err("none \"here\"".to_owned()) } else { Ok(measured) };
        let lines =
            jobs().flat_map(|job| contestants().map(move |one| format!("{CELL}{}\n", said(job, one, &cell(one)))));
        format!("noise\n{MACHINE}a machine\n{}@@end\n", lines.collect::<String>())
    }

    #[test]
    fn a_page_of_what_was_heard_tells_no_times() {
        let console = console();
        let (machine, all) = heard(&console).unwrap();
        let page = page::markdown(&page::EMULATED, machine, &all, &plan("/nowhere/watcher".into()));
        assert!(page.contains("\nMeasured on a machine.\n"), "{page}");
        assert!(
            page.contains("| program | reported / true | right / true | memory, MiB |\n| --- | --- | --- | --- |\n")
        );
        assert!(
            page.contains("\n| tcplife | 0.333 | 0.333 | 7.0 |\n| tcptop | left out: none \"here\" | | |\n"),
            "{page}"
        );
        assert!(!page.contains("processor, s") && !page.contains("UDP flood"), "{page}");
    }

    #[test]
    fn a_line_that_is_missing_is_an_error() {
        let console = console();
        let without = console.lines().filter(|line| !line.contains("\"loopback\"")).collect::<Vec<_>>().join("\n");
        let error = heard(&without).err().unwrap().to_string();
        assert_eq!(error, "nothing was heard of watcher in loopback");
    }
}
