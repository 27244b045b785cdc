//! The same scenarios, counted by packets: by socket, because packets name no process.

use std::{fmt::Write as _, net::SocketAddr};

use anyhow::{Result, bail, ensure};

use crate::{
    report::{Flow, Report},
    state::{Connection, State, Totals},
    verdict::conversations,
    watcher::Watcher,
};

/// Waits until each socket has moved what its process counted, and demands that no other process is named for it.
pub fn equal(watcher: &Watcher, reports: &[Report]) -> Result<()> {
    let all: Vec<(u32, Flow)> =
        reports.iter().flat_map(|r| conversations(&r.flows).into_iter().map(|flow| (r.pid, flow))).collect();
    let settled = watcher.wait("each socket's bytes", |state| {
        all.iter().all(|(pid, flow)| moved(state, *pid, flow) == (flow.tx, flow.rx)).then_some(())
    });
    let state = watcher.state();
    let mut wrong = String::new();
    for (pid, flow) in &all {
        let (tx, rx) = moved(&state, *pid, flow);
        if (tx, rx) != (flow.tx, flow.rx) {
            writeln!(wrong, "  process {pid} {flow:?}: watcher has (tx, rx) {:?}", (tx, rx))?;
        }
        for row in rows(&state, flow).filter(|row| row.pid != *pid && row.pid != 0) {
            writeln!(wrong, "  process {pid} {flow:?}: watcher says it is of {} ({})", row.pid, row.name)?;
        }
    }
    if !wrong.is_empty() {
        bail!("packets do not add up:\n{wrong}");
    }
    settled
}

/// Rows of a socket, whoever has it. Of datagrams, the address may have been given by the kernel for each.
fn rows<'s>(state: &'s State, flow: &'s Flow) -> impl Iterator<Item = &'s Connection> {
    state
        .connections
        .values()
        .filter(move |c| c.protocol == flow.protocol && same(c.local(), flow.local) && same(c.remote(), flow.remote))
}

fn same(row: Option<SocketAddr>, said: SocketAddr) -> bool {
    row.is_some_and(|row| row.port() == said.port() && (said.ip().is_unspecified() || row.ip() == said.ip()))
}

fn moved(state: &State, pid: u32, flow: &Flow) -> (u64, u64) {
    let of = rows(state, flow).filter(|row| row.pid == pid || row.pid == 0);
    of.fold((0, 0), |(tx, rx), row| (tx + row.tx_bytes, rx + row.rx_bytes))
}

/// Packets are never called exact, and none was lost.
pub fn honest(before: &Totals, state: &State) -> Result<()> {
    ensure!(
        state.inexact_objects == state.objects,
        "{} of {} objects call packets exact",
        state.objects - state.inexact_objects,
        state.objects
    );
    let frames = |totals: &Totals| totals.losses["frames"].as_u64().unwrap_or_default();
    let lost = frames(&state.totals) - frames(before);
    ensure!(lost == 0, "{lost} packets were lost in this test");
    Ok(())
}
