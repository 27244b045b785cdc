//! The same scenarios, counted by packets: by socket, because packets name no process, and as far as packets can tell.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::SocketAddr,
};

use anyhow::{Result, bail, ensure};

use crate::{
    report::Report,
    state::{Connection, State, Totals},
    watcher::Watcher,
};

/// What packets can show of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Showing {
    /// Each socket's bytes.
    Equal,
    /// At most what was sent, and at least what was read: the rest stayed in the buffers of sockets.
    Between,
    /// Nothing.
    Nothing(&'static str),
}

const ELSEWHERE: Showing = Showing::Nothing("packets are seen in one network namespace");
const PROCESSES: Showing = Showing::Nothing("packets name no process, and a short one is over before anybody looks");
const SUBFLOWS: Showing = Showing::Nothing("packets are of the subflows of MPTCP");
const CALLS: Showing = Showing::Nothing("what a call takes out of a queue later is no packet");
const FRAMES: Showing = Showing::Nothing("frames of packet sockets are not told from others");
const CIPHER: Showing = Showing::Nothing("packets carry what kTLS made of the bytes");
const CHUNKS: Showing =
    Showing::Nothing("packets are captured by their beginnings, and later chunks of SCTP are not there");
const ENDS: Showing = Showing::Nothing("why the kernel gave up is in no packet");

/// By the name of a scenario, or the beginning of it.
const KNOWN: &[(&str, Showing)] = &[
    ("data_in_a_fast_open_syn", ELSEWHERE),
    ("tcp_zerocopy_receive", ELSEWHERE),
    ("one_socket_with_two_thousand_remotes", ELSEWHERE),
    ("the_first_calls_of_two_threads", ELSEWHERE),
    ("a_connection_whose_path_breaks", ELSEWHERE),
    ("another_network_namespace", ELSEWHERE),
    ("udp_in_ip_fragments", ELSEWHERE),
    ("udp_gso_over_a_network", ELSEWHERE),
    ("lost_segments_are_counted_once", ELSEWHERE),
    ("small_segments_without_offload", ELSEWHERE),
    ("mptcp_", SUBFLOWS),
    ("kernel_tls_", CIPHER),
    ("sctp", CHUNKS),
    ("exec_keeps_the_count", PROCESSES),
    ("a_process_that_lives_for_one_request", PROCESSES),
    ("a_pid_used_again", PROCESSES),
    ("a_process_of_", PROCESSES),
    ("five_thousand_connections", PROCESSES),
    ("what_a_service_forks", PROCESSES),
    ("two_watchers_at_once", PROCESSES),
    ("a_watcher_that_was_killed", PROCESSES),
    ("a_connection_that_existed_before", CALLS),
    ("a_udp_socket_that_existed_before", CALLS),
    ("a_listener_that_existed_before", CALLS),
    ("a_socket_used_for_two_connections", PROCESSES),
    ("link_layer_frames", FRAMES),
    ("a_refused_connection", ENDS),
    ("a_connect_that_nobody_answers", ENDS),
    ("a_connect_answered_by_an_icmp_error", ENDS),
    ("closing_with_unread_data", Showing::Between),
    ("exiting_with_unread_data", Showing::Between),
    ("a_fin_that_was_never_sent", Showing::Between),
    ("iperf3_", Showing::Between),
];

/// What packets can show of this scenario.
pub fn showing(name: &str) -> Showing {
    KNOWN.iter().find(|(known, _)| name.starts_with(known)).map_or(Showing::Equal, |(_, showing)| *showing)
}

/// The ends of a socket, as its process knows them.
type Ends<'a> = (&'a str, SocketAddr, SocketAddr);

/// What the processes that used a socket counted together.
#[derive(Debug, Default)]
struct Counted {
    tx: u64,
    rx: u64,
    pids: BTreeSet<u32>,
}

/// Waits until each socket has moved what its processes counted, and demands that nobody else is named for it.
pub fn equal(watcher: &Watcher, reports: &[Report], showing: Showing) -> Result<()> {
    let mut sockets: BTreeMap<Ends<'_>, Counted> = BTreeMap::new();
    for (report, flow) in reports.iter().flat_map(|r| r.flows.iter().map(move |flow| (r, flow))) {
        let counted = sockets.entry((&flow.protocol, flow.local, flow.remote)).or_default();
        (counted.tx, counted.rx) = (counted.tx + flow.tx, counted.rx + flow.rx);
        counted.pids.insert(report.pid);
    }
    let holds = |(tx, rx): (u64, u64), counted: &Counted| match showing {
        Showing::Between => tx <= counted.tx && rx >= counted.rx,
        _ => (tx, rx) == (counted.tx, counted.rx),
    };
    let settled = watcher.wait("each socket's bytes", |state| {
        sockets.iter().all(|(ends, counted)| holds(moved(state, ends), counted)).then_some(())
    });
    let state = watcher.state();
    let mut wrong = String::new();
    for (ends, counted) in &sockets {
        let (tx, rx) = moved(&state, ends);
        if !holds((tx, rx), counted) {
            writeln!(wrong, "  {ends:?} {counted:?}: watcher has (tx, rx) {:?}", (tx, rx))?;
        }
        // Of a socket that several have it is one of them; it may be who opened it and never used it.
        let is_shared = |row: &Connection| row.name == actors_name();
        for row in rows(&state, ends).filter(|row| row.pid != 0 && !counted.pids.contains(&row.pid) && !is_shared(row))
        {
            writeln!(wrong, "  {ends:?} {counted:?}: watcher says it is of {} ({})", row.pid, row.name)?;
        }
    }
    if !wrong.is_empty() {
        bail!("packets do not add up:\n{wrong}");
    }
    settled
}

/// What actors are called when they have no other name.
fn actors_name() -> String {
    std::fs::read_to_string("/proc/self/comm").unwrap_or_default().trim().to_owned()
}

/// Rows of a socket, whoever has it.
fn rows<'s>(state: &'s State, ends: &Ends<'s>) -> impl Iterator<Item = &'s Connection> {
    let (protocol, local, remote) = *ends;
    state.connections.values().filter(move |c| {
        c.protocol == protocol
            && c.local().is_some_and(|row| row == local)
            && c.remote().is_some_and(|row| row == remote)
    })
}

fn moved(state: &State, ends: &Ends<'_>) -> (u64, u64) {
    rows(state, ends).fold((0, 0), |(tx, rx), row| (tx + row.tx_bytes, rx + row.rx_bytes))
}

/// Waits for the end of the connection of a process, which is found by its ends: (direction, reason, established).
pub fn ending(watcher: &Watcher, reports: &[Report], pid: u32) -> Result<Connection> {
    let Some(flow) = reports.iter().find(|r| r.pid == pid).and_then(|r| r.flows.first()) else {
        bail!("process {pid} counted nothing to know its connection by");
    };
    let ends = (&*flow.protocol, flow.local, flow.remote);
    watcher.wait(&format!("the end of the connection of process {pid}"), |s| {
        rows(s, &ends).find(|c| c.closed.is_some()).cloned()
    })
}

/// Packets are never called exact, and none was lost.
pub fn honest(before: &Totals, state: &State) -> Result<()> {
    ensure!(
        state.inexact_objects == state.objects,
        "{} of {} objects call packets exact",
        state.objects - state.inexact_objects,
        state.objects
    );
    let frames = |totals: &Totals| totals.losses["frames"].as_u64().unwrap_or_default();
    let lost = frames(&state.totals) - frames(before);
    ensure!(lost == 0, "{lost} packets were lost in this test");
    Ok(())
}
