//! How connections end: the record names who began, why it ended, and every byte.

use anyhow::{Result, ensure};

use super::Case;
use crate::{
    netns::Netns,
    stage::{Cue, Stage},
    state::Connection,
    verdict,
};

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        two(
            "both_ends_of_a_finished_connection_say_fin",
            "stream-server tcp v4 send 100 200",
            "stream-client tcp @ send 100 200",
            ["fin", "fin"],
        ),
        two(
            "a_server_that_ends_first_says_fin",
            "stream-server tcp v6 send 100 200 first",
            "stream-client tcp @ send 100 200 end",
            ["fin", "fin"],
        ),
        two("half_closed_connections_go_on_counting", "half-server v4", "half-client @", ["fin", "fin"]),
        two(
            "a_reset_connection_is_read_to_the_last_byte",
            "reset-server v4",
            "reset-client @",
            ["reset_by_peer", "reset_locally"],
        ),
        two(
            "a_process_that_exits_without_closing",
            "stream-server tcp v4 send 3000 700",
            "leaver @ 3000 700 0",
            ["fin", "fin"],
        ),
        Case::new("closing_with_unread_data_resets", unread),
        Case::new("exiting_with_unread_data_resets", unread_at_exit),
        Case::new("a_refused_connection_v4", |stage| refused(stage, "v4")),
        Case::new("a_refused_connection_v6", |stage| refused(stage, "v6")),
        Case::new("a_connect_that_nobody_answers_times_out", unanswered),
        Case::new("a_connect_answered_by_an_icmp_error_is_unreachable", unreachable),
        Case::new("a_connection_whose_path_breaks_times_out", broken_path),
        Case::new("a_connection_that_was_never_accepted", never_accepted),
        Case::new("a_fin_that_was_never_sent_is_no_byte", |mut stage| {
            stage.leaky();
            let (server, address) = stage.open("stuck-server v4")?;
            stage.open(&format!("choked-client {address}"))?;
            stage.announced(server)?;
            stage.go(server)?;
            stage.finish().map(|_| ())
        }),
        Case::new("a_socket_used_for_two_connections_has_two_records", reused),
    ];
    cases.push(Case::new("a_socket_connected_to_itself", |mut stage| {
        stage.start("self-connected v4")?;
        stage.finish().map(|_| ())
    }));
    cases
}

/// A server and a client (`@` is the server's address), and why each end of the connection ended.
fn two(claim: &str, server: &'static str, client: &'static str, reasons: [&'static str; 2]) -> Case {
    Case::new(claim, move |mut stage| {
        let (server, address) = stage.open(server)?;
        let client = stage.start(&client.replace('@', &address))?;
        let suite = stage.suite();
        let ends = [stage.pid(server), stage.pid(client)];
        // What was sent before a reset may be lost with it, but not in these.
        stage.finish()?;
        verdict::ending(suite, ends[0], "incoming", reasons[0], true)?;
        verdict::ending(suite, ends[1], "outgoing", reasons[1], true)
    })
}

fn unread(mut stage: Stage<'_>) -> Result<()> {
    stage.leaky();
    let (server, address) = stage.open("sending-server v4 10 5000")?;
    let client = stage.start(&format!("unread-client {address}"))?;
    let (suite, ends) = (stage.suite(), [stage.pid(server), stage.pid(client)]);
    stage.finish()?;
    verdict::ending(suite, ends[0], "incoming", "reset_by_peer", true)?;
    verdict::ending(suite, ends[1], "outgoing", "reset_locally", true)
}

fn unread_at_exit(mut stage: Stage<'_>) -> Result<()> {
    stage.leaky();
    let (server, address) = stage.open("sending-server v4 10 5000")?;
    let client = stage.start(&format!("leaver {address} 10 1000 4000"))?;
    let (suite, ends) = (stage.suite(), [stage.pid(server), stage.pid(client)]);
    stage.finish()?;
    verdict::ending(suite, ends[0], "incoming", "reset_by_peer", true)?;
    verdict::ending(suite, ends[1], "outgoing", "reset_locally", true)
}

/// An actor whose only connection never comes about.
fn fails(mut stage: Stage<'_>, actor: Cue, reason: &str) -> Result<()> {
    let (suite, pid) = (stage.suite(), stage.pid(actor));
    stage.leaky();
    stage.finish()?;
    verdict::ending(suite, pid, "outgoing", reason, false)
}

fn refused(mut stage: Stage<'_>, host: &str) -> Result<()> {
    let actor = stage.start(&format!("refused-client {host}"))?;
    fails(stage, actor, "refused")
}

/// 10.77.0.9 has a link-layer address there, but is nobody's: packets to it vanish.
fn unanswered(mut stage: Stage<'_>) -> Result<()> {
    let (here, there) = Netns::pair()?;
    here.ip(&format!("neigh add 10.77.0.9 lladdr {} dev veth0 nud permanent", there.link_address("veth0")?))?;
    let actor = stage.start_in(&here, &format!("failing-client 10.77.0.9:9 {}", libc::ETIMEDOUT))?;
    fails(stage, actor, "timed_out")
}

fn unreachable(mut stage: Stage<'_>) -> Result<()> {
    let (here, there) = Netns::pair()?;
    there.sysctl("net.ipv4.ip_forward", "1")?;
    there.ip("route add unreachable 10.99.0.0/16")?;
    here.ip("route add default via 10.77.0.2")?;
    let actor = stage.start_in(&here, &format!("failing-client 10.99.0.1:9 {}", libc::EHOSTUNREACH))?;
    fails(stage, actor, "unreachable")
}

/// The other end loses its address in the middle of a connection.
fn broken_path(mut stage: Stage<'_>) -> Result<()> {
    let (here, there) = Netns::pair()?;
    here.ip(&format!("neigh replace 10.77.0.2 lladdr {} dev veth0 nud permanent", there.link_address("veth0")?))?;
    let (server, address) = stage.open_in(&there, "stuck-server 10.77.0.2")?;
    let (client, _) = stage.open_in(&here, &format!("stuck-client {address}"))?;
    stage.announced(server)?;
    there.ip("addr del 10.77.0.2/24 dev veth0")?;
    stage.go(client)?;
    stage.ended(client)?;
    stage.go(server)?;
    stage.leaky();
    let (suite, ends) = (stage.suite(), [stage.pid(server), stage.pid(client)]);
    stage.finish()?;
    verdict::ending(suite, ends[1], "outgoing", "timed_out", true)?;
    verdict::ending(suite, ends[0], "incoming", "reset_locally", true)
}

fn never_accepted(mut stage: Stage<'_>) -> Result<()> {
    stage.leaky();
    let (listener, address) = stage.open("deaf-listener v4")?;
    let (client, _) = stage.open(&format!("patient-client {address} 4000"))?;
    stage.go(listener)?;
    let (suite, pid) = (stage.suite(), stage.pid(client));
    stage.finish()?;
    verdict::ending(suite, pid, "outgoing", "reset_by_peer", true)
}

fn reused(mut stage: Stage<'_>) -> Result<()> {
    let (_, first) = stage.open("patient-server v4 1111 300")?;
    let (_, second) = stage.open("stream-server tcp v4 send 2222 400")?;
    let client = stage.start(&format!("reuse-client {first} {second}"))?;
    let (suite, pid) = (stage.suite(), stage.pid(client));
    stage.finish()?;
    let Some(watcher) = suite.watcher() else { return Ok(()) };
    let state = watcher.state();
    let mut rows: Vec<&Connection> = state.connections_of(pid).collect();
    rows.sort_by_key(|c| c.epoch);
    let seen: Vec<_> = rows.iter().map(|c| (c.epoch, c.tx_bytes, c.rx_bytes)).collect();
    ensure!(seen == [(0, 1_111, 300), (1, 2_222, 400)], "the records (epoch, tx, rx) are {seen:?}");
    ensure!(rows[0].cookie == rows[1].cookie, "one socket, two cookies: {rows:#?}");
    ensure!(rows[0].reason.as_deref() == Some("disconnected"), "the first ended by {:?}", rows[0].reason);
    Ok(())
}
