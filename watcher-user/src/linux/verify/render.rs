//! The verdict for people.

use std::io::{self, Write};

use watcher_core::{
    interfaces::Bytes,
    verify::{NamespaceReport, Side, Span, Verdict},
};

use crate::{text::printable, units::count};

/// Writes it.
pub fn write(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    writeln!(
        out,
        "attributed       {} % of the payload of TCP connections that ended, over {:.1} s",
        verdict.attributed_percent, verdict.seconds
    )?;
    ended(out, verdict)?;
    open(out, verdict)?;
    losses(out, verdict)?;
    for report in &verdict.namespaces {
        namespace(out, report)?;
    }
    if verdict.namespaces_not_looked_at > 0 {
        let Bytes { rx, tx } = verdict.elsewhere;
        writeln!(
            out,
            "\n{} network namespaces were not looked at: gone too soon, or not to be entered; payload there: {} B received, {} B sent",
            verdict.namespaces_not_looked_at,
            count(rx),
            count(tx)
        )?;
    }
    writeln!(out)?;
    if verdict.unexplained.is_empty() {
        return writeln!(out, "everything is explained");
    }
    for reason in &verdict.unexplained {
        writeln!(out, "unexplained: {}", printable(reason))?;
    }
    Ok(())
}

fn ended(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    let ended = &verdict.ended;
    let truth = &ended.truth;
    writeln!(
        out,
        "ended            {} TCP sockets checked, {} unbalanced; kernel {} B received, {} B sent; calls {}, {}",
        count(truth.checked),
        count(truth.unbalanced),
        count(ended.kernel.rx),
        count(ended.kernel.tx),
        count(ended.calls.rx),
        count(ended.calls.tx)
    )?;
    for culprit in &ended.unbalanced {
        let remote = culprit.remote.map_or_else(|| "-".to_owned(), |remote| remote.to_string());
        writeln!(
            out,
            "                   {} ({}) {} to {remote}: kernel {} B received, {} B sent; calls {}, {}",
            printable(&culprit.name),
            culprit.pid,
            culprit.local,
            count(culprit.kernel.rx),
            count(culprit.kernel.tx),
            count(culprit.calls.rx),
            count(culprit.calls.tx)
        )?;
    }
    for (number, bytes, why) in [
        (ended.older, ended.older_bytes, "older than the counting"),
        (ended.ulp, ended.ulp_bytes, "written or read by the kernel itself (kTLS)"),
    ] {
        if number > 0 {
            let (rx, tx) = (count(bytes.rx), count(bytes.tx));
            writeln!(
                out,
                "not checked      {} ended that are {why}: {rx} B received, {tx} B sent by calls",
                count(number)
            )?;
        }
    }
    Ok(())
}

fn open(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    let open = &verdict.open;
    writeln!(
        out,
        "open             {} TCP sockets compared with sock_diag: {} equal to the byte, {} moving and in between; calls {} B received, {} B sent",
        count(open.checked),
        count(open.equal),
        count(open.moving),
        count(open.calls.rx),
        count(open.calls.tx)
    )?;
    if open.calls_under_way > 0 {
        let (sockets, bytes) = (count(open.calls_under_way), count(open.under_way));
        writeln!(
            out,
            "under way        {sockets} sockets with a sending call that has not returned: {bytes} B at least"
        )?;
    }
    if open.not_compared > 0 {
        writeln!(
            out,
            "not compared     {} open: kTLS, MPTCP, used for a second connection, or seen late",
            count(open.not_compared)
        )?;
    }
    for still in &open.unexplained {
        let remote = still.remote.map_or_else(|| "-".to_owned(), |remote| remote.to_string());
        let name = printable(&still.name);
        let (pid, local, rx, tx) = (still.pid, still.local, still.rx, still.tx);
        writeln!(
            out,
            "                   {name} ({pid}) {local} to {remote}: kernel less calls: {rx} B received, {tx} B sent"
        )?;
    }
    Ok(())
}

fn losses(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    let lost = &verdict.losses;
    let all = [
        ("ring full", lost.ring_full, "late, not lost"),
        ("map full", lost.map_full, "counted by process only"),
        ("storage failed", lost.storage_failed, "what TCP received there may be missing"),
        ("recursion misses", lost.recursion_misses, "calls that may be missing"),
        ("process events", lost.process_events, "a name may be missing"),
        ("state changes", lost.state_changes, "a time or reason may be missing"),
        ("untold ends", lost.untold_ends, "what these sockets moved may be missing"),
        ("unattributed sent", lost.unattributed_tx_bytes, "bytes without an owner"),
        ("unattributed received", lost.unattributed_rx_bytes, "bytes without an owner"),
    ];
    let some: Vec<_> = all.iter().filter(|(_, n, _)| *n > 0).collect();
    if some.is_empty() {
        return writeln!(out, "losses           none");
    }
    let words: Vec<_> = some.iter().map(|(what, n, why)| format!("{what} {} ({why})", count(*n))).collect();
    writeln!(out, "losses           {}", words.join("; "))
}

fn namespace(out: &mut impl Write, report: &NamespaceReport) -> io::Result<()> {
    if report.received.octets.most == 0 && report.sent.octets.most == 0 {
        return Ok(());
    }
    writeln!(out, "\nnetwork namespace {}", report.netns)?;
    for (way, side) in [("received", &report.received), ("sent", &report.sent)] {
        one(out, way, side)?;
    }
    if report.segments_again.most > 0 {
        writeln!(out, "  sent again       {} segments", shown(report.segments_again))?;
    }
    if report.forwarded > 0 {
        writeln!(out, "  forwarded        {} packets: octets are not compared", count(report.forwarded))?;
    }
    for (name, device) in report.devices.iter().filter(|(_, device)| device.rx_packets + device.tx_packets > 0) {
        writeln!(
            out,
            "  {:<16} {} B in {} frames received, {} B in {} frames sent",
            printable(name),
            count(device.bytes.rx),
            count(device.rx_packets),
            count(device.bytes.tx),
            count(device.tx_packets)
        )?;
    }
    Ok(())
}

fn one(out: &mut impl Write, way: &str, side: &Side) -> io::Result<()> {
    let share = watcher_core::verify::share(side.payload, side.octets.most.max(0).cast_unsigned().max(side.payload));
    writeln!(
        out,
        "  {way:<8} octets  {} in {} packets, of which {} ({share} %) are payload of calls",
        shown(side.octets),
        shown(side.packets),
        count(side.payload)
    )?;
    writeln!(
        out,
        "                   headers: IP {}, UDP {}; sent again {}; in queues, calls under way, never read {}",
        shown(side.ip_headers),
        shown(side.udp_headers),
        shown(side.again),
        shown(side.queues)
    )?;
    writeln!(
        out,
        "                   the rest {}: TCP headers and ICMP can be {}{}",
        shown(side.rest),
        shown(side.allowed),
        verdict(side.unexplained_bytes)
    )?;
    writeln!(
        out,
        "                   {} datagrams of UDP by {} calls{}; {} segments of TCP",
        shown(side.datagrams),
        count(side.datagram_calls),
        verdict(side.unexplained_datagrams),
        shown(side.segments)
    )
}

fn verdict(unexplained: i64) -> String {
    if unexplained == 0 { String::new() } else { format!(": UNEXPLAINED {unexplained}") }
}

fn shown(span: Span) -> String {
    let one = |n: i64| if n < 0 { format!("-{}", count(n.unsigned_abs())) } else { count(n.cast_unsigned()) };
    if span.is_exact() { one(span.least) } else { format!("{} to {}", one(span.least), one(span.most)) }
}
