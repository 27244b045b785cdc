//! Processes whose ends nobody told of.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;

use crate::{
    room::Stopped,
    scene::{lost, trial, watched},
    stage::Stage,
    state::State,
    suite::Suite,
    watcher::Watcher,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("an_end_that_nobody_tells_of_is_found", || watched(&["--without", "processes"], untold)),
        trial("a_process_that_is_still_ending_when_its_lost_end_is_looked_for_has_ended", || {
            watched(&["--ring-bytes", "4096", "--max-waiting", "1048576"], still_ending)
        }),
    ]
}

const CROWD: usize = 200;

/// Waits until so many processes have been told of as ended, and demands that this one has not.
fn ended_but_for(pid: u32, processes: usize, watcher: &Watcher) -> Result<()> {
    let ended = |s: &State| s.ended_processes.iter().map(|(pid, ..)| *pid).collect::<BTreeSet<_>>();
    watcher.wait("the ends of all others", |s| (ended(s).len() >= processes).then_some(()))?;
    let state = watcher.state();
    let one = state.processes.get(&pid).with_context(|| format!("process {pid} is not shown"))?;
    ensure!(!one.exited && !ended(&state).contains(&pid), "process {pid} has not ended: {one:?}");
    Ok(())
}

fn untold(suite: &Suite) -> Result<()> {
    let watcher = suite.watcher().context("no watcher")?;
    let mut stage = Stage::new(suite);
    let (_, address) = stage.open("swarm-server v4 1")?;
    let (held, _) = stage.open(&format!("hold {address} 1"))?;
    let (_, address) = stage.open(&format!("swarm-server v4 {CROWD}"))?;
    let swarm = stage.start(&format!("swarm {address} {CROWD}"))?;
    stage.ended(swarm)?;
    ended_but_for(stage.pid(held), CROWD, watcher)?;
    stage.go(held)?;
    stage.finish().map(|_| ())
}

fn still_ending(suite: &Suite) -> Result<()> {
    let watcher = suite.watcher().context("no watcher")?;
    let mut stage = Stage::new(suite);
    let (_, address) = stage.open(&format!("swarm-server v4 {}", CROWD + 1))?;
    let (slow, pid) = stage.open(&format!("slow-end {address}"))?;
    let pid: u32 = pid.parse()?;
    watcher.wait("what it sent", |s| s.processes.get(&pid).map(|_| ()))?;

    let stopped = Stopped::new(watcher)?;
    let swarm = stage.start(&format!("swarm {address} {CROWD}"))?;
    stage.ended(swarm)?;
    // There is no room any more for what it would tell.
    stage.go(slow)?;
    stage.announced(slow)?;
    drop(stopped);

    ended_but_for(pid, CROWD, watcher)?;
    let lost = lost(&watcher.state(), "process_events");
    ensure!(lost > 0, "no end was lost: this test shows nothing");
    eprintln!("process events lost: {lost}");
    stage.go(slow)?;
    stage.finish().map(|_| ())
}
