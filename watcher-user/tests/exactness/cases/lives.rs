//! Processes that come and go, and watchers that come late.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};

use super::Case;
use crate::{report::Report, stage::Stage, state::Lifecycles, suspend, verdict, watcher::Watcher};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("exec_keeps_the_count_and_changes_the_name", exec),
        Case::new("a_process_that_lives_for_one_request_has_its_name_and_bytes", one_request),
        Case::new("a_pid_used_again_is_another_process", same_pid),
        Case::new("five_thousand_connections_are_all_in_the_record", churn),
        Case::new("a_connection_that_existed_before_watcher_counts_from_then_on", existed),
        Case::new("a_udp_socket_that_existed_before_watcher_counts_from_then_on", existed_udp),
        Case::new("a_listener_that_existed_before_watcher_accepts_into_the_record", old_listener),
        Case::new("two_watchers_at_once_are_both_right", two_watchers),
        Case::new("a_watcher_that_was_killed_leaves_nothing_for_long", killed),
        Case::new("a_machine_that_was_suspended_has_every_byte", suspended)
            .needs("a machine that may be suspended", suspend::is_possible()),
    ]
}

/// This executable under another name, for as long as this lives.
struct Alias(PathBuf);

impl Alias {
    fn new(name: &str) -> Result<Self> {
        let this = std::env::current_exe()?;
        let folder = this.parent().context("no folder")?.join(format!("exactness-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        std::fs::hard_link(&this, &path).with_context(|| path.display().to_string())?;
        ensure!(std::fs::metadata(&path)?.nlink() > 1, "not a link");
        Ok(Self(path))
    }
}

impl Drop for Alias {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
        // Succeeds with the last alias.
        self.0.parent().map(std::fs::remove_dir);
    }
}

impl AsRef<Path> for Alias {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

fn named(stage_suite: &crate::suite::Suite, pid: u32, name: &str) -> Result<()> {
    let Some(watcher) = stage_suite.watcher() else { return Ok(()) };
    let state = watcher.state();
    let seen = state.processes.get(&pid).map(|p| p.name.clone());
    ensure!(seen.as_deref() == Some(name), "process {pid} is {name}, watcher says {seen:?}");
    Ok(())
}

fn exec(mut stage: Stage<'_>) -> Result<()> {
    let after = Alias::new("after-exec")?;
    let (_, address) = stage.open("turns-server v4 1000 500 2000 700")?;
    let client = stage.start(&format!("exec-client {address} {}", after.0.display()))?;
    let (suite, pid) = (stage.suite(), stage.pid(client));
    stage.finish()?;
    named(suite, pid, "after-exec")
}

fn one_request(mut stage: Stage<'_>) -> Result<()> {
    let alias = Alias::new("one-request")?;
    let (_, address) = stage.open("stream-server tcp v4 send 100 5000")?;
    let client = stage.start_as(alias.as_ref(), &format!("stream-client tcp {address} send 100 5000"))?;
    let (suite, pid) = (stage.suite(), stage.pid(client));
    stage.finish()?;
    named(suite, pid, "one-request")
}

/// Starts processes until one has the pid of the one before.
fn same_pid(mut stage: Stage<'_>) -> Result<()> {
    let suite = stage.suite();
    stage.leaky();
    let cue = stage.start("datagram-send 127.0.0.1:9 1111")?;
    let pid = stage.pid(cue);
    stage.finish()?;
    let start = |pid| suite.watcher().and_then(|w| w.state().processes.get(&pid).map(|p| p.start_time.clone()));
    let first = start(pid);
    let mut stage = Stage::new(suite);
    stage.leaky();
    for _ in 0..200 {
        std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string())?;
        let cue = stage.start("datagram-send 127.0.0.1:9 22")?;
        stage.ended(cue)?;
        if stage.pid(cue) != pid {
            continue;
        }
        if let Some(watcher) = suite.watcher() {
            watcher.wait("the second process of that pid", |s| {
                s.processes.get(&pid).filter(|p| Some(&p.start_time) > first.as_ref()).map(|_| ())
            })?;
        }
        return stage.finish().map(|_| ());
    }
    bail!("pid {pid} does not come again")
}

const CHURN: u64 = 5_000;
/// Seconds.
const SUSPENDED: u32 = 5;

fn churn(mut stage: Stage<'_>) -> Result<()> {
    let objects_before = stage.suite().watcher().map_or(0, |w| w.state().objects);
    let (server, address) = stage.open(&format!("churn-server v4 {CHURN}"))?;
    let client = stage.start(&format!("churn-client {address} {CHURN}"))?;
    let (suite, pids) = (stage.suite(), [stage.pid(server), stage.pid(client)]);
    stage.finish()?;
    let Some(watcher) = suite.watcher() else { return Ok(()) };
    let before = suite.before()?.connections;
    // Both ends are sockets of this machine.
    let expected = Lifecycles { opened: 2 * CHURN, established: 2 * CHURN, closed: 2 * CHURN, failed: 0 };
    let grown = |now: Lifecycles| Lifecycles {
        opened: now.opened - before.opened,
        established: now.established - before.established,
        closed: now.closed - before.closed,
        failed: now.failed - before.failed,
    };
    let settled = watcher.wait("10,000 ends of connections", |s| {
        (grown(s.totals.connections).closed >= expected.closed).then_some(s.totals.connections)
    });
    let now = settled.unwrap_or_else(|_| watcher.state().totals.connections);
    let state = watcher.state();
    // Anything else that opened or closed a connection of this machine meanwhile is in the record by name.
    let others = state.connections.values().filter(|c| c.protocol == "tcp" && !pids.contains(&c.pid));
    let strangers = others.filter(|c| c.since > objects_before).count() as u64;
    let grown = grown(now);
    ensure!(
        strangers > 0 || grown == expected,
        "the record grew by {grown:?}, not {expected:?}, and nobody else had a connection"
    );
    for (grown, expected) in
        [(grown.opened, expected.opened), (grown.established, expected.established), (grown.closed, expected.closed)]
    {
        ensure!(grown.abs_diff(expected) <= 2 * strangers, "{grown} of {expected}, and {strangers} of others");
    }
    for pid in pids {
        let rows = state.connections_of(pid).filter(|c| c.closed.is_some()).count() as u64;
        ensure!(rows == CHURN, "process {pid} has {rows} closed connections in the record, not {CHURN}");
    }
    Ok(())
}

/// Two watchers see the rest of a conversation: one from its start, one that comes now.
fn finish_with_latecomer(stage: Stage<'_>, go: impl FnOnce(&mut Stage<'_>) -> Result<()>) -> Result<()> {
    let mut stage = stage;
    let late = stage.suite().watcher().map(|_| Watcher::start()).transpose()?;
    go(&mut stage)?;
    let reports = stage.finish()?;
    let Some(late) = late else { return Ok(()) };
    let rest: Vec<Report> = reports.iter().map(Report::since_pause).collect();
    verdict::equal(&late, &rest).context("the watcher that came late")?;
    late.two_more_objects()?;
    verdict::truthful(&Default::default(), &late.state()).context("the watcher that came late")?;
    for r in &rest {
        let state = late.state();
        let seeded: Vec<bool> = state.connections_of(r.pid).map(|c| c.seeded).collect();
        ensure!(seeded == [true], "process {}: seeded should be [true] and is {seeded:?}", r.pid);
    }
    late.stop()
}

fn existed(mut stage: Stage<'_>) -> Result<()> {
    let (server, address) = stage.open("pausing-server v4")?;
    let (client, _) = stage.open(&format!("pausing-client {address}"))?;
    stage.announced(server)?;
    finish_with_latecomer(stage, |stage| {
        stage.go(server)?;
        stage.go(client)
    })
}

fn existed_udp(mut stage: Stage<'_>) -> Result<()> {
    let (a, a_address) = stage.open("pausing-datagrams v4")?;
    let (b, b_address) = stage.open("pausing-datagrams v4")?;
    stage.tell(a, &b_address)?;
    stage.tell(b, &a_address)?;
    stage.announced(a)?;
    stage.announced(b)?;
    finish_with_latecomer(stage, |stage| {
        stage.go(a)?;
        stage.go(b)
    })
}

fn old_listener(mut stage: Stage<'_>) -> Result<()> {
    let (_, address) = stage.open("prefork-server v4 2 3")?;
    let late = stage.suite().watcher().map(|_| Watcher::start()).transpose()?;
    stage.start(&format!("rounds-client {address} 6"))?;
    let reports = stage.finish()?;
    let Some(late) = late else { return Ok(()) };
    verdict::equal(&late, &reports).context("the watcher that came late")?;
    for r in &reports {
        let state = late.state();
        let wrong = state.connections_of(r.pid).find(|c| c.seeded || c.direction.is_none());
        ensure!(wrong.is_none(), "a new connection is marked as old: {wrong:#?}");
    }
    late.stop()
}

fn two_watchers(mut stage: Stage<'_>) -> Result<()> {
    let second = stage.suite().watcher().map(|_| Watcher::start()).transpose()?;
    let (_, address) = stage.open("stream-server tcp v4 send 50000 70000")?;
    stage.start(&format!("stream-client tcp {address} send 50000 70000"))?;
    let suite = stage.suite();
    let reports = stage.finish()?;
    let Some(second) = second else { return Ok(()) };
    verdict::equal(&second, &reports).context("the second watcher")?;
    second.stop()?;
    // The first goes on being right when the second has gone.
    let mut stage = Stage::new(suite);
    let (_, address) = stage.open("datagram-take v4 2")?;
    stage.start(&format!("datagram-send {address} 100 900"))?;
    stage.finish().map(|_| ())
}

/// Probes of the process, in the kernel's list of them.
fn probes_of(pid: u32) -> Result<usize> {
    let ours = format!("watcher_{pid}_");
    match std::fs::read_to_string("/sys/kernel/tracing/kprobe_events") {
        Ok(list) => Ok(list.lines().filter(|line| line.contains(&ours)).count()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(e.into()),
    }
}

/// What is not the kernel's to clean up, the next one cleans up, and leaves alone what is in use.
fn killed(stage: Stage<'_>) -> Result<()> {
    let Some(first) = stage.suite().watcher() else { return Ok(()) };
    let in_use = probes_of(first.pid())?;
    let killed = Watcher::start()?;
    let pid = killed.pid();
    ensure!(probes_of(pid)? == in_use, "one watcher has other probes than another");
    killed.kill()?;
    let next = Watcher::start()?;
    ensure!(probes_of(pid)? == 0, "probes of process {pid}, which was killed, are still there");
    let pid = next.pid();
    next.stop()?;
    ensure!(probes_of(pid)? == 0, "process {pid} left probes behind");
    ensure!(probes_of(first.pid())? == in_use, "somebody removed probes that are in use");
    let mut stage = stage;
    let (_, address) = stage.open("datagram-take v4 2")?;
    stage.start(&format!("datagram-send {address} 100 900"))?;
    stage.finish().map(|_| ())
}

/// In the middle of a conversation. Ticks stop meanwhile and the boot clock does not: who the two are must not change.
fn suspended(mut stage: Stage<'_>) -> Result<()> {
    let (server, address) = stage.open("pausing-server v4")?;
    let (client, _) = stage.open(&format!("pausing-client {address}"))?;
    stage.announced(server)?;
    let (suite, pids) = (stage.suite(), [stage.pid(server), stage.pid(client)]);
    let begun = || match suite.watcher() {
        None => Ok(Vec::new()),
        Some(watcher) => watcher.wait("both processes", |state| {
            let begun = |pid| Some((state.processes.get(pid)?.start_time.clone(), state.connections_of(*pid).count()));
            pids.iter().map(begun).collect::<Option<Vec<_>>>()
        }),
    };
    let before = begun()?;
    let asleep = suspend::suspend(SUSPENDED)?;
    // The alarm may be set long before the last processor stops.
    ensure!(asleep.as_secs() > 0, "it was suspended for {asleep:?} only");
    stage.go(server)?;
    stage.go(client)?;
    stage.finish()?;
    let after = begun()?;
    ensure!(after == before, "starts, and numbers of connections: {before:?} before, {after:?} afterwards");
    Ok(())
}
