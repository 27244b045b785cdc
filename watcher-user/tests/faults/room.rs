//! Rings and maps that are full, and a reader that does not come.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    netns::Netns,
    report::Report,
    scene::{lost, trial, watched},
    stage::Stage,
    state::Lifecycles,
    suite::Suite,
    watcher::Watcher,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_ring_of_one_page_loses_no_byte_and_no_connection", || {
            watched(&["--ring-bytes", "4096", "--max-waiting", "1048576"], one_page)
        }),
        trial("a_ring_of_one_page_loses_nothing_where_releases_are_told_as_well", || {
            watched(&["--ring-bytes", "4096", "--max-waiting", "1048576", "--tell-releases"], one_page)
        }),
        trial("a_flow_map_of_64_entries_is_exact_by_process", || {
            watched(&["--max-flows", "64", "--by", "connection"], sixty_four)
        }),
        trial("a_watcher_that_was_stopped_under_load_has_every_byte", || watched(&["--by", "connection"], stopped)),
    ]
}

const CONNECTIONS: u64 = 200_000;
const CLIENTS: u64 = 4;

fn one_page(suite: &Suite) -> Result<()> {
    let watcher = suite.watcher().context("no watcher")?;
    let netns = Netns::new()?;
    let mut stage = Stage::new(suite);
    let (_, address) = stage.open_in(&netns, &format!("churn-server v4 {CONNECTIONS}"))?;
    let client = format!("churn-client {address} {}", CONNECTIONS / CLIENTS);
    let clients = (0..CLIENTS).map(|_| stage.start_in(&netns, &client)).collect::<Result<Vec<_>>>()?;
    for client in clients {
        stage.ended(client)?;
    }
    let reports = stage.finish()?;
    // Both ends are sockets of this machine.
    let all = Lifecycles { opened: 2 * CONNECTIONS, established: 2 * CONNECTIONS, closed: 2 * CONNECTIONS, failed: 0 };
    let closed = watcher.wait("400,000 ends", |s| (s.totals.connections.closed >= all.closed).then_some(()));
    let state = watcher.state();
    let seen = state.totals.connections;
    let strangers = state.processes.keys().filter(|pid| reports.iter().all(|r| r.pid != **pid)).count();
    closed.with_context(|| format!("{seen:?}: {:?}", state.totals.losses))?;
    // Only when somebody else on this machine had a connection meanwhile may there be more.
    ensure!(
        seen == all || strangers > 0 && seen.opened >= all.opened,
        "{seen:?}, not {all:?}: {:?}",
        state.totals.losses
    );
    ensure!(lost(&state, "map_full") == 0, "a record found no room");
    ensure!(lost(&state, "ring_full") > 0, "the ring was never full: this test shows nothing");
    eprintln!("ring full {} times; {seen:?}; others' processes: {strangers}", lost(&state, "ring_full"));
    Ok(())
}

/// What processes counted, without their conversations.
fn by_process(reports: Vec<Report>) -> Vec<Report> {
    reports.into_iter().map(|r| Report { flows: Vec::new(), ..r }).collect()
}

/// Sockets that answer so many remotes each need a flow for each of them.
fn answer(stage: &mut Stage<'_>, askers: usize, sockets: usize) -> Result<()> {
    let (first, address) = stage.open("reuseport-udp-worker 127.0.0.1:0")?;
    let (second, _) = stage.open(&format!("reuseport-udp-worker {address}"))?;
    let asking =
        (0..askers).map(|_| stage.start(&format!("udp-askers {address} {sockets}"))).collect::<Result<Vec<_>>>()?;
    for cue in asking {
        stage.ended(cue)?;
    }
    stage.go(first)?;
    stage.go(second)
}

fn sixty_four(suite: &Suite) -> Result<()> {
    let watcher = suite.watcher().context("no watcher")?;
    let mut stage = Stage::new(suite);
    answer(&mut stage, 5, 200)?;
    let reports = stage.gathered()?;
    ensure!(reports.iter().filter(|r| r.flows.len() > 64).count() > 0, "too few remotes: this test shows nothing");
    suite.judge(&by_process(reports))?;
    let full = lost(&watcher.state(), "map_full");
    ensure!(full > 0, "the flow map was never full: this test shows nothing");
    eprintln!("flow map full {full} times");
    // Sockets that have ended left their room: what comes now has its flows by name again.
    let mut stage = Stage::new(suite);
    answer(&mut stage, 2, 20)?;
    stage.finish()?;
    ensure!(lost(&watcher.state(), "map_full") == full, "there was no room for 40 flows");
    Ok(())
}

/// How long watcher stands still under load, at least.
const STANDSTILL: Duration = Duration::from_secs(60);

/// A watcher that does not run.
pub struct Stopped(Pid);

impl Stopped {
    pub fn new(watcher: &Watcher) -> Result<Self> {
        let pid = Pid::from_raw(i32::try_from(watcher.pid())?);
        kill(pid, Signal::SIGSTOP)?;
        Ok(Self(pid))
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        kill(self.0, Signal::SIGCONT).ok();
    }
}

fn stopped(suite: &Suite) -> Result<()> {
    const LOAD: u64 = 40_000;
    const HELD: u64 = 200;
    let watcher = suite.watcher().context("no watcher")?;
    let netns = Netns::new()?;
    let mut stage = Stage::new(suite);
    // Opened and used before, used after, and idle or busy meanwhile.
    let (server, address) = stage.open("pausing-server v4")?;
    let (client, _) = stage.open(&format!("pausing-client {address}"))?;
    stage.announced(server)?;
    // Open before, and ended when there is no room for their records.
    let (holding, address) = stage.open(&format!("swarm-server v4 {HELD}"))?;
    let (held, _) = stage.open(&format!("hold {address} {HELD}"))?;
    watcher.two_more_objects()?;
    let before = watcher.state().objects;

    let stopped = Stopped::new(watcher)?;
    let begun = Instant::now();
    while begun.elapsed() < STANDSTILL {
        let (_, address) = stage.open_in(&netns, &format!("churn-server v4 {LOAD}"))?;
        let churn = stage.start_in(&netns, &format!("churn-client {address} {LOAD}"))?;
        stage.ended(churn)?;
    }
    // There is no room any more for what these processes would tell of themselves.
    let (_, address) = stage.open_in(&netns, "swarm-server v4 1000")?;
    let swarm = stage.start_in(&netns, &format!("swarm {address} 1000"))?;
    stage.go(server)?;
    stage.ended(swarm)?;
    stage.go(held)?;
    stage.ended(held)?;
    let stood = begun.elapsed();
    let objects = watcher.state().objects;
    drop(stopped);
    stage.go(client)?;

    let pids = [stage.pid(holding), stage.pid(held)];
    stage.finish()?;
    for pid in pids {
        watcher.wait("the end of connections whose records found no room", |s| {
            let ended = s.connections_of(pid).filter(|c| c.remote.is_some() && c.closed.is_some()).count() as u64;
            (ended == HELD && s.connections_of(pid).all(|c| c.closed.is_some() || c.remote.is_none())).then_some(())
        })?;
    }
    let state = watcher.state();
    let full = [lost(&state, "ring_full"), lost(&state, "map_full"), lost(&state, "process_events")];
    ensure!(objects <= before + 1, "it was not stopped: {before} objects, then {objects}");
    ensure!(full.iter().all(|n| *n > 0), "not full: {full:?}: this test shows nothing");
    eprintln!("stood still for {stood:?}; ring full, maps full, process events lost: {full:?}");
    Ok(())
}
