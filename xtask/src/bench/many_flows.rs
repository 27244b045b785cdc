//! Rows: what watcher itself takes, processor and memory, own_memory, with ten thousand flows that are active every second.

use anyhow::Result;

use super::Plan;
use super::actors::Actor;
use super::kernel::{cpu_seconds, map_bytes, memory, own_memory};
use super::subject::Watcher;
use super::table::Row;

const FLOWS: u64 = 10_000;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// One run for both figures.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let seconds = plan.scaled(30).max(5);
    let watcher = Watcher::start(&plan.subject)?;
    // Both ends of a connection are here, and each is a flow.
    let mut actor = Actor::start(&["flows", &(FLOWS / 2).to_string(), &seconds.to_string()])?;
    // What opening them costs is another matter.
    watcher.after_lines(2)?;
    let before = cpu_seconds(watcher.pid())?;
    actor.go()?;
    actor.line()?;
    let spent = cpu_seconds(watcher.pid())? - before;
    let (resident, peak) = (own_memory(watcher.pid())?, memory(watcher.pid(), "VmHWM")?);
    let maps = map_bytes(watcher.pid())?;
    watcher.stop()?;
    let percent = 100.0 * spent / f64::from(u32::try_from(seconds)?);
    let mebibytes = |bytes: u64| super::ratio(bytes, 1) / MEBIBYTE;
    let note = format!(
        "{:.1} resident, {:.1} at its peak, {:.1} in the kernel's maps",
        mebibytes(resident),
        mebibytes(peak),
        mebibytes(maps)
    );
    let total = mebibytes(resident + maps);
    Ok(vec![
        Row::at_most(format!("user-space CPU, 1 Hz, {FLOWS} active flows"), 5.0, percent, "% of a core", ""),
        Row::at_most(format!("memory with {FLOWS} flows, maps included"), 40.0, total, "MiB", &note),
    ])
}
