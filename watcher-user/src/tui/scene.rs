//! A moment with one of everything, for pictures of the screen.

use watcher_core::{
    CloseReason, DegradationReason, Direction, FlowRow, FlowState, PerScope, ProcessRow, Protocol, Scope, Snapshot,
    TcpState, Truth,
};

use super::testing::{at, flow, network, process, snapshot, traffic};

fn owned(row: ProcessRow, uid: u32, parent: Option<u32>, command: &str) -> ProcessRow {
    let mut row = row;
    row.info.uid = uid;
    row.info.parent = parent.map(super::testing::id);
    row.info.command = command.into();
    row
}

fn processes(round: u64) -> Vec<ProcessRow> {
    let wobble = |rate: u64| rate * (100 + round * 37 % 40) / 100;
    let server = owned(process(810, "nginx", wobble(48_000), wobble(9_400_000)), 33, Some(1), "nginx: master process");
    let worker = owned(process(811, "nginx", wobble(1_200), wobble(310_000)), 33, Some(810), "nginx: worker process");
    let browser = process(4242, "firefox", wobble(2_300_000), wobble(41_000));
    let browser = owned(browser, 1000, Some(2000), "/usr/lib/firefox/firefox --new-window https://example.org/");
    let copy =
        owned(process(4300, "rsync", 0, wobble(52_000_000)), 0, Some(2000), "rsync -a /srv backup.example.org:/srv");
    let mut ended = owned(process(4311, "curl", 0, 0), 1000, Some(2000), "curl https://example.org/");
    (ended.exited, ended.connections) = (Some(at(88)), PerScope::default());
    ended.traffic = network(watcher_core::Traffic { rx_bytes: 1_256, tx_bytes: 77, ..Default::default() });
    let hostile = process(6666, "evil\u{1b}[2J\u{202e}gpj.exe\n", wobble(120), 60);
    let hostile = owned(hostile, 4_000_000_000, None, "\u{7}");
    let mut database = owned(process(900, "postgres", 0, 0), 105, Some(1), "postgres: checkpointer");
    database.traffic = PerScope { loopback: traffic(70_000, 90_000), ..PerScope::default() };
    database.connections = PerScope { loopback: 3, ..PerScope::default() };
    let mut sniffer = owned(process(7001, "arping", 0, 0), 0, None, "arping 10.0.0.1");
    sniffer.traffic = PerScope { packet: traffic(46, 42), ..PerScope::default() };
    sniffer.connections = PerScope { packet: 1, ..PerScope::default() };
    let wide = owned(process(7100, "名前の長いプロセス名", wobble(900), 300), 1000, Some(4242), "");
    vec![server, worker, browser, copy, ended, hostile, database, sniffer, wide]
}

fn flows() -> Vec<FlowRow> {
    let mut accepted = flow(810, "10.0.0.5:443", "198.51.100.23:53122", 48_000, 9_400_000);
    accepted.sample.socket.direction = Direction::Incoming;
    let six = "[2001:db8:85a3:1234:5678:8a2e:370:7334]:443";
    let browser = flow(4242, "[2001:db8::5]:40112", six, 2_300_000, 41_000);
    let mut old = flow(4300, "10.0.0.5:40200", "203.0.113.250:22", 0, 52_000_000);
    (old.sample.socket.seeded, old.sample.socket.direction) = (true, Direction::Unknown);
    old.sample.state = FlowState::Tcp(TcpState::CloseWait);
    let mut refused = flow(4311, "10.0.0.5:40300", "198.51.100.9:80", 0, 0);
    refused.sample.state = FlowState::Closed { reason: CloseReason::Refused, at: at(11) };
    let mut dns = flow(6666, "10.0.0.5:40400", "9.9.9.9:53", 120, 60);
    (dns.sample.socket.protocol, dns.sample.state) = (Protocol::Udp, FlowState::Open);
    let mut inside = flow(900, "127.0.0.1:5432", "127.0.0.1:40500", 70_000, 90_000);
    inside.sample.scope = Scope::Loopback;
    let mut frames = flow(7001, "0.0.0.0:0", "10.0.0.1:0", 46, 42);
    (frames.sample.scope, frames.sample.socket.protocol) = (Scope::Packet, Protocol::Packet);
    frames.sample.socket.remote = None;
    vec![accepted, browser, old, refused, dns, inside, frames]
}

/// The scene, `round` intervals after its beginning.
pub fn scene(round: u64) -> Snapshot {
    let mut scene = snapshot(100 + round, processes(round), flows());
    scene.ancestors = vec![
        owned(process(1, "systemd", 0, 0), 0, None, "/sbin/init"),
        owned(process(2000, "bash", 0, 0), 1000, Some(1), "-bash"),
    ];
    for row in &mut scene.ancestors {
        (row.traffic, row.connections) = (PerScope::default(), PerScope::default());
    }
    scene.totals.truth = Truth { checked: 1_204, ..Truth::default() };
    scene.totals.lifecycles = watcher_core::Lifecycles { opened: 1_211, established: 1_207, closed: 1_204, failed: 4 };
    scene
}

/// The scene when things go wrong.
pub fn trouble(round: u64) -> Snapshot {
    let mut scene = scene(round);
    let totals = &mut scene.totals;
    totals.truth = Truth { checked: 1_204, unbalanced: 3, unattributed_rx: 70_000, ..Truth::default() };
    (totals.losses.ring_full, totals.losses.recursion_misses) = (12, 1);
    scene.quality.degraded.push(DegradationReason { capability: "tx payload".into(), why: "no tp_btf here".into() });
    scene
}
