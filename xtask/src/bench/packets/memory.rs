//! Row: memory of the collector of packets with ten thousand flows.

use anyhow::Result;

use super::super::actors::Actor;
use super::super::kernel::{memory, packet_rings};
use super::super::subject::Watcher;
use super::super::{Plan, Row, ratio};

const FLOWS: u64 = 10_000;
const SECONDS: &str = "6";
const MEBIBYTE: u64 = 1024 * 1024;

/// What is resident; what libpcap shares with the kernel is told beside it.
pub fn row(plan: &Plan) -> Result<Row> {
    let one = with(plan, 1)?;
    let two = with(plan, 2)?;
    let mebibytes = |bytes: u64| ratio(bytes, MEBIBYTE);
    let note = format!(
        "without the {:.1} shared with the kernel for frames, which are there without flows too; {:.1} at its peak with \
         them; with {} connections over loopback, which are twice as many flows, {:.1} resident, {:.1} at its peak, both \
         with them",
        mebibytes(one.rings),
        mebibytes(one.peak),
        FLOWS,
        mebibytes(two.resident),
        mebibytes(two.peak),
    );
    let what = format!("memory of the collector of packets, {FLOWS} flows");
    Ok(Row::at_most(what, 40.0, mebibytes(one.resident - one.rings), "MiB resident", &note))
}

/// Bytes.
struct Memory {
    resident: u64,
    peak: u64,
    rings: u64,
}

/// As many processes with [`FLOWS`] each: one alone may not have descriptors for all.
fn with(plan: &Plan, processes: usize) -> Result<Memory> {
    let watcher = Watcher::start_with(&plan.packets, &["--backend", "pcap"])?;
    // Both ends of a connection are here, and each is a flow.
    let connections = (FLOWS / 2).to_string();
    let actors = (0..processes).map(|_| Actor::start(&["flows", &connections, SECONDS]));
    let mut actors: Vec<Actor> = actors.collect::<Result<_>>()?;
    actors.iter_mut().try_for_each(Actor::go)?;
    for actor in &mut actors {
        actor.line()?;
    }
    let said = watcher.after_lines(2)?;
    // Their connections are open still.
    for actor in &actors {
        let counted = said.processes.get(&actor.pid()).copied().unwrap_or_default();
        anyhow::ensure!(counted.0 > 0 && counted.1 > 0, "nothing was counted of the connections");
    }
    anyhow::ensure!(!said.claimed_exact, "packets were claimed to be exact");
    let pid = watcher.pid();
    let found = Memory { resident: memory(pid, "VmRSS")?, peak: memory(pid, "VmHWM")?, rings: packet_rings(pid)? };
    watcher.stop()?;
    Ok(found)
}
