//! Whose byte it is: whoever made the call.

use anyhow::{Result, ensure};

use super::Case;
use crate::stage::{Cue, Stage};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("many_threads_are_one_process", |mut stage| {
            let (_, address) = stage.open("many-server v4 16")?;
            stage.start(&format!("threads-client {address} 8"))?;
            stage.finish().map(|_| ())
        }),
        Case::new("a_forked_child_owns_what_it_sends", forked),
        Case::new("a_descriptor_passed_by_scm_rights_belongs_to_who_uses_it", passed),
        Case::new("a_descriptor_taken_by_pidfd_getfd_belongs_to_who_uses_it", stolen),
        Case::new("a_process_in_a_pid_namespace_is_known_by_its_outer_pid", |mut stage| {
            let (_, address) = stage.open("many-server v4 1")?;
            stage.start(&format!("pidns-client {address}"))?;
            stage.finish().map(|_| ())
        }),
        Case::new("unix_sockets_are_no_network", |mut stage| {
            let (_, address) = stage.open("many-server v4 1")?;
            stage.start(&format!("unix-chatter {address}"))?;
            stage.finish().map(|_| ())
        }),
        Case::new("reuseport_workers_own_what_they_accept", |stage| {
            reuseport(stage, "reuseport-worker", "rounds-client")
        }),
        Case::new("udp_reuseport_workers_own_what_they_receive", |stage| {
            reuseport(stage, "reuseport-udp-worker", "udp-askers")
        }),
        Case::new("preforked_children_own_what_they_accept", |mut stage| {
            let (_, address) = stage.open("prefork-server v4 4 5")?;
            stage.start(&format!("rounds-client {address} 20"))?;
            stage.finish().map(|_| ())
        }),
        Case::new("a_child_forked_for_a_connection_owns_what_it_serves", |mut stage| {
            let (_, address) = stage.open("fork-per-connection-server v4 5")?;
            stage.start(&format!("rounds-client {address} 5"))?;
            stage.finish().map(|_| ())
        }),
    ]
}

fn forked(mut stage: Stage<'_>) -> Result<()> {
    // 3 processes: 100,000 + 100,001 + 100,002.
    let (_, address) = stage.open("stream-server tcp v4 send 300003 500000 first")?;
    stage.start(&format!("forking-client {address} 2 100000"))?;
    let reports = stage.finish()?;
    ensure!(reports.len() == 4, "{} processes reported", reports.len());
    Ok(())
}

fn passed(mut stage: Stage<'_>) -> Result<()> {
    let (_, address) = stage.open("stream-server tcp v4 send 3500 4000")?;
    let (_, name) = stage.open(&format!("fd-taker exactness-{}", std::process::id()))?;
    stage.start(&format!("fd-giver {address} {name}"))?;
    stage.finish().map(|_| ())
}

fn stolen(mut stage: Stage<'_>) -> Result<()> {
    let (_, address) = stage.open("stream-server tcp v4 send 3500 4000")?;
    let (holder, fd) = stage.open(&format!("fd-holder {address}"))?;
    stage.open(&format!("fd-thief {} {fd}", stage.pid(holder)))?;
    stage.go(holder)?;
    stage.finish().map(|_| ())
}

fn reuseport(mut stage: Stage<'_>, worker: &str, client: &str) -> Result<()> {
    let (first, address) = stage.open(&format!("{worker} 127.0.0.1:0"))?;
    let mut workers = vec![first];
    for _ in 0..3 {
        workers.push(stage.open(&format!("{worker} {address}"))?.0);
    }
    let client: Cue = stage.start(&format!("{client} {address} 60"))?;
    stage.ended(client)?;
    for worker in workers {
        stage.go(worker)?;
    }
    let busy = stage.finish()?.iter().filter(|r| r.rx > 0).count();
    ensure!(busy > 2, "the kernel gave all connections to {} worker", busy - 1);
    Ok(())
}
