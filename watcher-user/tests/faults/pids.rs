//! Many processes, and the same pid many times.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;

use crate::{
    netns::Netns,
    scene::{trial, watched},
    stage::Stage,
    suite::Suite,
    sys,
};

pub fn trials() -> Vec<Trial> {
    let small = has_small_pidns();
    if !small {
        eprintln!("not here: a PID namespace with a pid_max of its own (Linux 6.14, user namespaces)");
    }
    vec![
        trial("twenty_thousand_short_processes_have_their_bytes", || watched(&[], swarm)),
        trial("a_pid_that_two_hundred_processes_had_is_two_hundred_processes", || watched(&[], same_pid)),
        trial("pids_that_wrap_in_a_namespace_are_different_processes", || watched(&[], wrapped))
            .with_ignored_flag(!small),
    ]
}

/// Whether a PID namespace can have a `pid_max` of its own here.
fn has_small_pidns() -> bool {
    let tried = sys::fork(|| i32::from(sys::fork_in_small_pidns("400", || 0).and_then(sys::Forked::join).is_err()));
    tried.and_then(sys::Forked::join).is_ok()
}

const SWARM: usize = 20_000;

fn swarm(suite: &Suite) -> Result<()> {
    let netns = Netns::new()?;
    let mut stage = Stage::new(suite);
    let (_, address) = stage.open_in(&netns, &format!("swarm-server v4 {SWARM}"))?;
    let swarm = stage.start_in(&netns, &format!("swarm {address} {SWARM}"))?;
    stage.ended(swarm)?;
    let reports = stage.finish()?;
    let pids: BTreeSet<u32> = reports.iter().filter(|r| r.tx > 0).map(|r| r.pid).collect();
    ensure!(pids.len() == SWARM, "{} processes sent", pids.len());
    Ok(())
}

const SAME: u64 = 200;

fn same_pid(suite: &Suite) -> Result<()> {
    let watcher = suite.watcher().context("no watcher")?;
    let mut stage = Stage::new(suite);
    stage.leaky();
    let (_, address) = stage.open(&format!("swarm-server v4 {SAME}"))?;
    let (cue, pid) = stage.open(&format!("same-pid {address} {SAME}"))?;
    let pid: u32 = pid.parse()?;
    stage.ended(cue)?;
    stage.finish()?;
    // Each sends another number of bytes: 1, 2, 3, …
    let all: BTreeSet<u64> = (1..=SAME).collect();
    let seen = |ended: &BTreeSet<(u32, String, u64, u64)>| -> Vec<u64> {
        ended.iter().filter(|(p, _, tx, _)| *p == pid && *tx > 0).map(|(_, _, tx, _)| *tx).collect()
    };
    watcher.wait("the end of them all", |s| (seen(&s.ended_processes).len() as u64 >= SAME).then_some(()))?;
    watcher.two_more_objects()?;
    let seen = seen(&watcher.state().ended_processes);
    ensure!(seen.len() == all.len() && seen.iter().copied().collect::<BTreeSet<_>>() == all, "{seen:?}");
    Ok(())
}

/// From 300 on a namespace's pids are given again.
const MOST: u64 = 310;
const WRAPPING: u64 = 600;

fn wrapped(suite: &Suite) -> Result<()> {
    let mut stage = Stage::new(suite);
    let (_, address) = stage.open(&format!("swarm-server v4 {WRAPPING}"))?;
    let cue = stage.start(&format!("small-pidns {address} {MOST} {WRAPPING}"))?;
    stage.ended(cue)?;
    let reports = stage.finish()?;
    let again: u64 = reports.iter().map(|r| r.number("again")).sum();
    ensure!(again >= WRAPPING - MOST, "only {again} pids came again");
    let pids: BTreeSet<u32> = reports.iter().filter(|r| r.tx > 0).map(|r| r.pid).collect();
    ensure!(pids.len() as u64 == WRAPPING, "{} processes sent", pids.len());
    eprintln!("{again} pids came again");
    Ok(())
}
