//! Equality, and a readable account of where it does not hold.

use std::{collections::HashMap, fmt::Write as _};

use anyhow::{Result, bail, ensure};

use crate::{
    report::{Flow, Report},
    state::{Connection, State, Totals},
    suite::Suite,
    watcher::Watcher,
};

/// Among the actors: what was sent was received. A fault here is the test's own.
pub fn conserved(reports: &[Report]) -> Result<()> {
    let (tx, rx) = reports.iter().fold((0, 0), |(tx, rx), r| (tx + r.tx, rx + r.rx));
    ensure!(tx == rx, "the actors sent {tx} and received {rx} by their own count: {reports:#?}");
    Ok(())
}

/// Waits until watcher has seen every process end, then demands that it counted what they counted.
pub fn equal(watcher: &Watcher, reports: &[Report]) -> Result<()> {
    let silent = |r: &Report| r.tx + r.rx + r.packet_tx + r.packet_rx == 0;
    for r in reports.iter().filter(|r| !silent(r)) {
        watcher.wait(&format!("the end of process {}", r.pid), |s| {
            s.processes.get(&r.pid).filter(|p| p.exited).map(|_| ())
        })?;
    }
    let mut wrong = String::new();
    let state = watcher.state();
    for r in reports {
        process(&state, r, &mut wrong)?;
        for f in conversations(&r.flows) {
            flow(&state, r.pid, &f, &mut wrong)?;
        }
    }
    if !wrong.is_empty() {
        bail!("watcher is not exact:\n{wrong}  losses: {}", state.totals.losses);
    }
    Ok(())
}

fn process(state: &State, r: &Report, wrong: &mut String) -> Result<()> {
    let seen =
        state.processes.get(&r.pid).map_or([0; 4], |p| [p.tx_bytes, p.rx_bytes, p.packet_tx_bytes, p.packet_rx_bytes]);
    let counted = [r.tx, r.rx, r.packet_tx, r.packet_rx];
    for ((what, counted), seen) in ["tx", "rx", "packet tx", "packet rx"].iter().zip(counted).zip(seen) {
        if counted != seen {
            writeln!(
                wrong,
                "  process {} {what}: it counted {counted}, watcher says {seen} ({})",
                r.pid,
                off(counted, seen)
            )?;
        }
    }
    Ok(())
}

fn off(counted: u64, seen: u64) -> String {
    if seen >= counted { format!("{} too many", seen - counted) } else { format!("{} missing", counted - seen) }
}

/// One for each pair of ends. The kernel may give a port again that another socket has just left: then one process has two
/// flows between the same ends, which of UDP are one row, and of TCP one row each.
fn conversations(flows: &[Flow]) -> Vec<Flow> {
    let mut merged: Vec<Flow> = Vec::with_capacity(flows.len());
    let mut places = HashMap::new();
    for f in flows {
        let at = *places.entry((&f.protocol, f.local, f.remote)).or_insert(merged.len());
        match merged.get_mut(at) {
            Some(same) => (same.tx, same.rx) = (same.tx + f.tx, same.rx + f.rx),
            None => merged.push(f.clone()),
        }
    }
    merged
}

/// Rows of one process for one conversation.
fn rows<'s>(state: &'s State, pid: u32, f: &Flow) -> Vec<&'s Connection> {
    state
        .connections_of(pid)
        .filter(|c| c.protocol == f.protocol && c.local() == Some(f.local) && c.remote() == Some(f.remote))
        .collect()
}

fn flow(state: &State, pid: u32, f: &Flow, wrong: &mut String) -> Result<()> {
    let rows = rows(state, pid, f);
    let seen = rows.iter().fold((0, 0), |(tx, rx), c| (tx + c.tx_bytes, rx + c.rx_bytes));
    if rows.is_empty() && f.tx + f.rx > 0 || seen != (f.tx, f.rx) {
        writeln!(wrong, "  process {pid} {f:?}: watcher has {} rows with (tx, rx) {seen:?}", rows.len())?;
        for c in state.connections_of(pid).take(10) {
            writeln!(wrong, "    {} {} -> {:?}: tx {} rx {}", c.protocol, c.local, c.remote, c.tx_bytes, c.rx_bytes)?;
        }
    }
    Ok(())
}

/// The truth equations: nothing that the kernel counted is unexplained, and nothing was made up. They hold for every socket
/// of this machine, not for those of the test alone.
pub fn truthful(before: &Totals, state: &State) -> Result<()> {
    let after = &state.totals;
    let grown = |f: fn(&Totals) -> u64| f(after) - f(before);
    let faults = [
        ("sockets unbalanced", grown(|t| t.truth.sockets_unbalanced)),
        ("excess rx bytes", grown(|t| t.truth.excess_rx_bytes)),
        ("excess tx bytes", grown(|t| t.truth.excess_tx_bytes)),
        ("unattributed rx bytes", grown(|t| t.unattributed_rx_bytes)),
        ("unattributed tx bytes", grown(|t| t.unattributed_tx_bytes)),
        ("dropped events", grown(|t| t.dropped_events)),
    ];
    let mut wrong = String::new();
    for (what, grown) in faults.iter().filter(|(_, grown)| *grown > 0) {
        writeln!(wrong, "  {what}: {grown} in this test")?;
    }
    let losses = &after.losses;
    ensure!(
        wrong.is_empty(),
        "the truth equations do not hold:\n{wrong}  losses: {losses}\n{}",
        newest_unbalanced(state)
    );
    Ok(())
}

fn newest_unbalanced(state: &State) -> String {
    let mut rows: Vec<&Connection> = state.connections.values().filter(|c| !c.balances()).collect();
    rows.sort_by_key(|c| std::cmp::Reverse(c.since));
    let line = |c: &&Connection| {
        let (tx, rx) = ((c.expected_tx_bytes, c.counted_tx_bytes), (c.expected_rx_bytes, c.counted_rx_bytes));
        let (pid, local, remote) = (c.pid, &c.local, c.remote.as_deref().unwrap_or("?"));
        format!("    {} ({pid}) {local} -> {remote}, {:?}: (expected, counted) tx {tx:?} rx {rx:?}\n", c.name, c.reason)
    };
    rows.iter().take(4).map(line).collect()
}

/// Waits for the record of the only TCP connection of a process, and demands how it began and ended.
pub fn ending(suite: &Suite, pid: u32, direction: &str, reason: &str, established: bool) -> Result<()> {
    let Some(watcher) = suite.watcher() else { return Ok(()) };
    let row = match suite.ended_by_packets(pid)? {
        Some(row) => row,
        None => ended(watcher, pid)?,
    };
    let said = (row.direction.as_deref(), row.reason.as_deref(), row.established.is_some());
    ensure!(
        said == (Some(direction), Some(reason), established),
        "process {pid}: (direction, reason, established) should be {:?} and is {said:?}",
        (direction, reason, established)
    );
    Ok(())
}

/// The only TCP connection of a process, when it has ended.
fn ended(watcher: &Watcher, pid: u32) -> Result<Connection> {
    watcher.wait(&format!("the end of the connection of process {pid}"), |s| {
        s.connections_of(pid).find(|c| c.protocol == "tcp" && c.closed.is_some()).map(|_| ())
    })?;
    let state = watcher.state();
    let rows: Vec<&Connection> = state.connections_of(pid).filter(|c| c.protocol == "tcp").collect();
    let [row] = rows[..] else { bail!("process {pid} has {} connections, not one: {rows:#?}", rows.len()) };
    Ok(row.clone())
}
