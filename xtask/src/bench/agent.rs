//! Rows: what the daemon takes while little happens, what it holds after a million flows, and how soon it ends.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::actors::Actor;
use super::daemon::Daemon;
use super::kernel::{cpu_seconds, map_bytes, own_memory};
use super::table::Row;
use super::{Plan, ratio};

/// Processes of a desktop-like machine.
const PROCESSES: usize = 300;
/// Both ends of a connection are here, and each is a flow.
const FLOWS: u64 = 1_000_000;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// One daemon, first idle, then after many connections.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let state = std::env::temp_dir().join(format!("watcher-bench-{}", std::process::id()));
    let daemon = Daemon::start(&plan.subject, &state)?;
    let crowd = Crowd::start()?;
    let idle = idle(plan, &daemon)?;
    drop(crowd);
    let mut rows = vec![idle];
    rows.extend(after_flows(plan, &daemon)?);
    let took = daemon.stop()?.as_secs_f64() * 1e3;
    rows.push(Row::at_most("shutdown of the daemon", 2000.0, took, "ms", ""));
    std::fs::remove_dir_all(&state)?;
    Ok(rows)
}

fn idle(plan: &Plan, daemon: &Daemon) -> Result<Row> {
    // Loading the programs and looking at every process for the first time is another matter.
    sleep(Duration::from_secs(11));
    let seconds = plan.scaled(120).max(12);
    let before = cpu_seconds(daemon.pid())?;
    sleep(Duration::from_secs(seconds));
    let percent = 100.0 * (cpu_seconds(daemon.pid())? - before) / ratio(seconds, 1);
    let what = format!("daemon CPU, idle, {PROCESSES} further processes, over {seconds} s");
    Ok(Row::at_most(what, 0.3, percent, "% of a core", "one poll each 5 s, one reading a second"))
}

fn after_flows(plan: &Plan, daemon: &Daemon) -> Result<Vec<Row>> {
    let connections = plan.scaled(FLOWS) / 2;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut actor = Actor::start(&["churn", &(connections / 4).to_string()])?;
        actor.go()?;
        let [_microseconds] = actor.numbers()?;
        // What has ended is listed for a while; then it folds.
        sleep(Duration::from_secs(2));
        held.push(ratio(own_memory(daemon.pid())? + map_bytes(daemon.pid())?, 1) / MEBIBYTE);
    }
    let flows = 2 * connections;
    let [first, second, third, last] = held[..] else { bail!("four measurements") };
    let note = format!("after each quarter: {first:.1}, {second:.1}, {third:.1}, {last:.1} MiB");
    Ok(vec![
        Row::at_most(format!("daemon memory after {flows} flows, maps included"), 60.0, last, "MiB", &note),
        Row::at_most("growth of it over the second half", 3.0, (last - second).max(0.0), "MiB", ""),
    ])
}

/// Processes that do nothing.
struct Crowd(Vec<Child>);

impl Crowd {
    fn start() -> Result<Self> {
        let one = |_| Command::new("sleep").arg("3600").stdin(Stdio::null()).spawn().context("cannot start `sleep`");
        (0..PROCESSES).map(one).collect::<Result<Vec<_>>>().map(Self)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
