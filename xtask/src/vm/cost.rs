//! `cargo xtask vm --cost`: how many instructions each program executes for a run, on other kernels.
//!
//! An emulated processor's time means nothing, unless the emulator lets it go on by a nanosecond with each instruction: then
//! the kernel's own measure of a program's time (bpf_stats) is the number of instructions, on every machine the same.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::boot::{Clock, Machine};
use super::errand::{self, Errand};
use super::image;
use super::variants::Variant;
use crate::bench::hooks::{Cell, Column, Costs, heard, table};
use crate::bench::overhead::{Piece, made_by};
use crate::{bench, setup};

/// One of each rung, and the newest.
const MACHINES: &[&str] = &["5.15", "6.1", "6.1-kprobes", "6.12", "7.2"];
/// Send calls of each kind.
const CALLS: &str = "2000";
const AT_MOST: Duration = Duration::from_secs(600);

/// Those to measure when nobody names any.
pub fn machines() -> Result<Vec<&'static Variant>> {
    MACHINES.iter().map(|name| Variant::named(name)).collect()
}

/// Boots them, so many at a time, and leaves the table for docs/overhead.md.
pub fn measure(variants: &[&'static Variant], jobs: usize, program: Option<PathBuf>) -> Result<()> {
    let mut missing = setup::install_packages(setup::Purpose::Vm)?;
    missing.extend(setup::install_packages(setup::Purpose::Bench)?);
    if !missing.is_empty() {
        bail!("could not be had: {}", missing.join(", "));
    }
    let watcher = match program {
        Some(program) => program,
        None => bench::build_watcher()?,
    };
    let prepared = variants.iter().rev().map(|variant| Ok((*variant, prepare(variant, &watcher)?)));
    let prepared = prepared.collect::<Result<Vec<_>>>()?;
    let kernels = prepared.iter().rev().map(|(variant, machine)| {
        format!("- **{}**: Linux {}, {}\n", variant.name, machine.kernel.release, variant.about)
    });
    let kernels: String = kernels.collect();
    let waiting = Mutex::new(prepared);
    let columns: Mutex<Vec<Column>> = Mutex::default();
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || {
        while let Some((variant, machine)) = next() {
            let name = variant.name.to_owned();
            eprintln!("vm: {name}: booting");
            let begun = Instant::now();
            let costs = boot(&machine);
            let verdict = costs.as_ref().map_or_else(|error| format!("{error:#}"), |_| "good".to_owned());
            eprintln!("vm: {name}: ended after {:.0} s, {verdict}", begun.elapsed().as_secs_f64());
            columns.lock().unwrap_or_else(PoisonError::into_inner).push((name, costs));
        }
    };
    thread::scope(|scope| (0..jobs).for_each(|_| drop(scope.spawn(work))));
    let mut columns = columns.into_inner().unwrap_or_else(PoisonError::into_inner);
    columns.sort_by_key(|(name, _)| variants.iter().position(|variant| name == variant.name));
    let text = table(&columns, Cell::Whole);
    print!("{text}");
    let about = format!(
        "Instructions for a run. The emulator lets time go on by a nanosecond with each instruction (`-icount`), so the kernel's\n\
         own measure of a program's time counts them: those of the program, of the kernel's functions that it calls, and of\n\
         the measuring itself, which is what an empty program shows where it can be attached (the kernels with length\n\
         tracepoints). Each kernel runs the same load: {CALLS} sends and receives over UDP, connected and not, and over TCP, \
         and short\nconnections.\n\n{kernels}\n{text}"
    );
    Piece::named("instructions").write(&about, &made_by("vm --cost", false))?;
    match columns.iter().filter(|(_, costs)| costs.is_err()).count() {
        0 => Ok(()),
        bad => bail!("{bad} of {} machines measured nothing: see target/vm/MACHINE/cost/console.log", columns.len()),
    }
}

fn prepare(variant: &Variant, watcher: &Path) -> Result<Machine> {
    let errand = Errand {
        name: "cost",
        actor: &format!("hooks /bin/watcher {CALLS} {}", variant.arguments),
        watcher: watcher.to_path_buf(),
        programs: vec![image::program("bpftool")?],
        processors: 1,
        clock: Clock::Instructions,
    };
    errand::prepare(variant, errand)
}

fn boot(machine: &Machine) -> Result<Costs> {
    let costs = heard(&errand::run(machine, "@@cost", AT_MOST, |_| ())?);
    if costs.is_empty() {
        bail!("no program ran");
    }
    Ok(costs)
}
