//! Streams read, written, opened and relayed in unusual ways.

use anyhow::{Result, ensure};

use super::{Case, streams};
use crate::{netns::Netns, report::Report, stage::Stage};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("partial_writes_and_eagain_count_what_was_taken", nonblocking),
        Case::new("an_interrupted_send_counts_what_was_taken", |mut stage| {
            let (server, address) = stage.open("slow-server v4 20000000 10")?;
            let (_, _) = stage.open(&format!("interrupted-client {address} 20000000"))?;
            stage.go(server)?;
            stage.finish().map(|_| ())
        }),
        Case::new("an_urgent_byte_read_inline_counts_once", |stage| urgent(stage, "inline", 2_000)),
        Case::new("an_urgent_byte_read_aside_counts_once", |stage| urgent(stage, "aside", 2_000)),
        Case::new("an_urgent_byte_left_unread_counts_once", |stage| urgent(stage, "unread", 2_000)),
        // No data follows, and tcp_rcv_space_adjust is not called for the step over the byte.
        Case::new("an_urgent_byte_at_the_very_end_counts_once", |stage| urgent(stage, "aside", 0)),
        Case::new("splice_to_the_end_does_not_count_the_fin", |mut stage| {
            let (_, address) = stage.open("splice-late v4")?;
            stage.start(&format!("rounds-client {address} 1"))?;
            stage.finish().map(|_| ())
        }),
        Case::new("a_splicing_proxy_receives_and_sends_everything", |mut stage| {
            let (_, server) = stage.open("many-server v4 1")?;
            let (_, address) = stage.open(&format!("splice-proxy v4 {server}"))?;
            stage.start(&format!("half-duplex-client {address} 3000000"))?;
            stage.finish().map(|_| ())
        }),
        Case::new("counters_go_past_4_gib", |mut stage| {
            let five: u64 = 5 << 30;
            let (_, address) = stage.open(&format!("bulk-server v4 {five}"))?;
            stage.start(&format!("bulk-client {address} {five}"))?;
            stage.finish().map(|_| ())
        }),
        Case::new("data_before_a_deferred_accept", |mut stage| {
            let (_, address) = stage.open("defer-server v4 1000 2000")?;
            for _ in 0..2 {
                stage.start(&format!("stream-client tcp {address} send 1000 2000"))?;
            }
            stage.finish().map(|_| ())
        }),
        Case::new("data_in_a_fast_open_syn_with_a_cookie", |stage| fast_open(stage, "3")),
        // 0x200 and 0x4: the server asks for no cookie, and the client sends without one.
        Case::new("data_in_a_fast_open_syn_without_a_cookie", |stage| fast_open(stage, "519")),
        Case::new("tcp_zerocopy_receive_counts_mapped_and_copied_bytes", mapped),
        Case::new("mptcp_is_counted_once_and_not_per_subflow", |stage| both(stage, "mptcp", "mptcp")),
        // Before Linux 6.5 sendfile reaches protocols that take no pages by two functions, one inside the other.
        streams::exchange("mptcp_sendfile_counts_once".to_owned(), "mptcp", "v4", "sendfile"),
        Case::new("mptcp_that_falls_back_to_tcp", |stage| both(stage, "tcp", "mptcp")),
    ]
}

fn nonblocking(mut stage: Stage<'_>) -> Result<()> {
    let (server, address) = stage.open("slow-server v4 30000000 5000")?;
    let (_, _) = stage.open(&format!("nonblocking-client {address} 30000000 5000"))?;
    stage.go(server)?;
    let reports = stage.finish()?;
    for what in ["partial", "again"] {
        let n: u64 = reports.iter().map(|r| r.number(what)).sum();
        ensure!(n > 0, "nothing was {what}: the test shows nothing");
    }
    Ok(())
}

fn urgent(mut stage: Stage<'_>, how: &str, after: u64) -> Result<()> {
    let (_, address) = stage.open(&format!("urgent-server v4 {how} {after}"))?;
    stage.start(&format!("urgent-client {address} {after}"))?;
    stage.finish().map(|_| ())
}

fn fast_open(mut stage: Stage<'_>, mode: &str) -> Result<()> {
    let netns = Netns::new()?;
    netns.sysctl("net.ipv4.tcp_fastopen", mode)?;
    let (_, address) = stage.open_in(&netns, "fastopen-server v4 1200 3000")?;
    stage.start_in(&netns, &format!("fastopen-client {address} 1200 3000"))?;
    let reports = stage.finish()?;
    let with_syn: u64 = reports.iter().map(|r| r.number("with_syn")).sum();
    ensure!(with_syn > 0, "no SYN carried data: the test shows nothing");
    Ok(())
}

/// A loopback whose segments are whole pages (15 of them, and 52 bytes of headers), so that they can be mapped.
fn mapped(mut stage: Stage<'_>) -> Result<()> {
    let netns = Netns::new()?;
    netns.ip("link set lo mtu 61492")?;
    let (_, address) = stage.open_in(&netns, "mapping-server v4 2000001")?;
    stage.start_in(&netns, &format!("page-client {address} 2000001"))?;
    let reports: Vec<Report> = stage.finish()?;
    let sum = |what| reports.iter().map(|r| r.number(what)).sum::<u64>();
    eprintln!("  TCP_ZEROCOPY_RECEIVE mapped {} and copied {} bytes", sum("mapped"), sum("copied"));
    ensure!(sum("mapped") + sum("copied") > 0, "all of it came through recv: the test shows nothing");
    Ok(())
}

fn both(mut stage: Stage<'_>, server: &str, client: &str) -> Result<()> {
    let (_, address) = stage.open(&format!("stream-server {server} v4 send 500000 300000"))?;
    stage.start(&format!("stream-client {client} {address} send 500000 300000"))?;
    stage.finish().map(|_| ())
}
