//! Real networks: two namespaces and what is between them.

use anyhow::{Result, ensure};

use super::Case;
use crate::{netns::Netns, report::Report, stage::Stage, suite::Suite};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("another_network_namespace_v4", |stage| over_veth(stage, "10.77.0.2")),
        Case::new("another_network_namespace_v6", |stage| over_veth(stage, "fd77::2")),
        Case::new("udp_in_ip_fragments_v4", |stage| fragments(stage, "10.77.0.1", "10.77.0.2")),
        Case::new("udp_in_ip_fragments_v6", |stage| fragments(stage, "fd77::1", "fd77::2")),
        Case::new("udp_gso_over_a_network", |stage| datagrams(stage, ["10.77.0.1", "10.77.0.2"], "gso")),
        Case::new("lost_segments_are_counted_once", lossy),
        Case::new("small_segments_without_offload", |mut stage| {
            let (here, there) = Netns::pair()?;
            for ns in [&here, &there] {
                ns.ip("link set veth0 gso_max_segs 1")?;
            }
            let (_, address) = stage.open_in(&there, "stream-server tcp 10.77.0.2 send 3000000 1000000")?;
            stage.start_in(&here, &format!("stream-client tcp {address} send 3000000 1000000"))?;
            stage.finish().map(|_| ())
        }),
        sctp(),
        ktls("kernel_tls_counts_plain_text", "tls", "tls"),
        // What most programs use.
        ktls("kernel_tls_in_one_direction_counts_plain_text_in_both", "send/tls", "tls/send"),
    ]
}

fn over_veth(mut stage: Stage<'_>, host: &str) -> Result<()> {
    let (here, there) = Netns::pair()?;
    let (_, address) = stage.open_in(&there, &format!("stream-server tcp {host} send 3000000 1000000"))?;
    stage.start_in(&here, &format!("stream-client tcp {address} send 3000000 1000000"))?;
    let suite = stage.suite();
    let reports = stage.finish()?;
    not_loopback(suite, &reports)
}

fn not_loopback(suite: &Suite, reports: &[Report]) -> Result<()> {
    let Some(watcher) = suite.watcher() else { return Ok(()) };
    let state = watcher.state();
    for c in reports.iter().flat_map(|r| state.connections_of(r.pid)) {
        ensure!(!c.loopback, "traffic between namespaces is marked as loopback: {c:?}");
    }
    Ok(())
}

fn fragments(stage: Stage<'_>, here: &str, there: &str) -> Result<()> {
    datagrams(stage, [here, there], "plain")
}

fn datagrams(mut stage: Stage<'_>, hosts: [&str; 2], option: &str) -> Result<()> {
    let (here, there) = Netns::pair()?;
    let (server, server_address) = stage.open_in(&there, &format!("datagram-server {} send {option}", hosts[1]))?;
    let (client, client_address) = stage.open_in(&here, &format!("datagram-client {} send {option}", hosts[0]))?;
    stage.tell(server, &client_address)?;
    stage.tell(client, &server_address)?;
    let suite = stage.suite();
    let reports = stage.finish()?;
    not_loopback(suite, &reports)
}

/// A shallow queue in front of a fast sender (tbf takes GSO packets apart) drops what does not fit: real loss.
fn lossy(mut stage: Stage<'_>) -> Result<()> {
    let (here, there) = Netns::pair()?;
    here.run("tc", "qdisc add dev veth0 root tbf rate 50mbit burst 3000 limit 20000")?;
    let (_, address) = stage.open_in(&there, "stream-server tcp 10.77.0.2 send 4000000 1000")?;
    let client = stage.start_in(&here, &format!("stream-client tcp {address} send 4000000 1000"))?;
    let (suite, pid) = (stage.suite(), stage.pid(client));
    let reports = stage.finish()?;
    let retransmitted: u64 = reports.iter().map(|r| r.number("retransmitted")).sum();
    ensure!(retransmitted > 0, "nothing was lost: the test shows nothing");
    let Some(watcher) = suite.watcher() else { return Ok(()) };
    let state = watcher.state();
    let seen: u64 = state.connections_of(pid).filter_map(|c| c.bytes_retrans).sum();
    ensure!(seen >= retransmitted, "retransmitted {retransmitted} bytes, watcher says {seen}");
    Ok(())
}

fn sctp() -> Case {
    let there = crate::actors::kernel_has_sctp();
    Case::new("sctp", |mut stage| {
        let (_, address) = stage.open("stream-server sctp v4 msg 100000 50000")?;
        stage.start(&format!("stream-client sctp {address} msg 100000 50000"))?;
        stage.finish().map(|_| ())
    })
    .needs("SCTP", there)
}

fn ktls(claim: &str, server: &'static str, client: &'static str) -> Case {
    let there = crate::actors::kernel_has_tls();
    Case::new(claim, move |mut stage| {
        let (_, address) = stage.open(&format!("stream-server tcp v4 {server} 100000 50000"))?;
        stage.start(&format!("stream-client tcp {address} {client} 100000 50000"))?;
        stage.finish().map(|_| ())
    })
    .needs("kTLS", there)
}
