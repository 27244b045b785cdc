//! A host with a few processes, second by second.

use std::{net::SocketAddr, sync::Arc};

use watcher_core::{
    Aggregator, Application, Batch, BootTime, CloseReason, Counters, Direction, FlowId, FlowSample, FlowState, Grade,
    KernelCounters, NamedBy, ProcessEvent, ProcessId, ProcessInfo, Protocol, Quality, Retention, Scope, Snapshot,
    SocketId, SocketInfo, TcpState,
};

use crate::{clock::WallClock, top::Origin};

pub fn clock() -> WallClock {
    WallClock::booted_at("2026-01-02T03:00:00Z".parse().unwrap())
}

pub fn quality() -> Quality {
    Quality { backend: "ebpf".into(), grade: Grade::Pid, degraded: Vec::new() }
}

/// Probes of this process's own.
pub fn origin() -> Origin {
    Origin { daemon: None, since: "2026-01-02T03:01:00Z".parse().unwrap() }
}

pub fn second(n: u64) -> BootTime {
    BootTime(n * 1_000_000_000)
}

fn process(tgid: u32) -> ProcessId {
    ProcessId { tgid, start: second(u64::from(tgid) / 100) }
}

fn seen(tgid: u32, name: &str, command: &str) -> ProcessEvent {
    let info = ProcessInfo {
        name: name.into(),
        command: command.into(),
        uid: if tgid == 100 { 0 } else { 4_000_000_000 },
        parent: (tgid != 100).then(|| process(100)),
        application: (tgid == 300).then(|| {
            let (name, evidence) = (format!("{name}.py").into(), format!("python3 /srv/{name}.py").into());
            Arc::new(Application { name, rule: NamedBy::Script, evidence })
        }),
    };
    ProcessEvent::Seen { id: process(tgid), info }
}

fn flow(tgid: u32, protocol: Protocol, local: &str, remote: &str, moved: (u64, u64)) -> FlowSample {
    let is_tcp = protocol == Protocol::Tcp;
    let remote: SocketAddr = remote.parse().unwrap();
    FlowSample {
        id: FlowId {
            socket: SocketId { cookie: u64::from(tgid) + 7, epoch: 0 },
            process: process(tgid),
            remote: (!is_tcp).then_some(remote),
        },
        socket: SocketInfo {
            protocol,
            local: local.parse().unwrap(),
            remote: is_tcp.then_some(remote),
            direction: Direction::Outgoing,
            netns: 4_026_531_840,
            seeded: false,
            owner: process(tgid),
            opened: is_tcp.then_some(second(60)),
            established: is_tcp.then_some(BootTime(60_020_000_000)),
        },
        scope: if remote.ip().is_loopback() { Scope::Loopback } else { Scope::Network },
        counters: Counters {
            rx_bytes: moved.0,
            tx_bytes: moved.1,
            rx_calls: 3,
            tx_calls: 2,
            first: Some(second(61)),
            last: Some(second(62)),
        },
        state: if is_tcp { FlowState::Tcp(TcpState::Established) } else { FlowState::Open },
        kernel: None,
        wire: None,
    }
}

fn closed(sample: FlowSample) -> FlowSample {
    let kernel = KernelCounters {
        bytes_sent: 600,
        bytes_retrans: 100,
        bytes_received: 70_001,
        srtt_us: 12_345,
        segs_in: 60,
        segs_out: 50,
        expected_tx: 500,
        expected_rx: 70_000,
        counted_tx: 500,
        counted_rx: 70_000,
        ..KernelCounters::default()
    };
    let state = FlowState::Closed { reason: CloseReason::Fin, at: BootTime(63_250_000_000) };
    FlowSample { state, kernel: Some(kernel), ..sample }
}

fn frames() -> FlowSample {
    let sample = flow(400, Protocol::Packet, "0.0.0.0:0", "0.0.0.0:0", (0, 84));
    FlowSample { id: FlowId { remote: None, ..sample.id }, scope: Scope::Packet, ..sample }
}

pub fn batches() -> Vec<Batch> {
    let at = |n: u64, processes, flows| Batch { at: second(n), processes, flows, ..Batch::default() };
    let curl = |rx, tx| flow(200, Protocol::Tcp, "10.0.0.1:40000", "[2001:db8::7]:443", (rx, tx));
    let hostile = "evil\n\u{1b}[2J\u{202e}名前";
    vec![
        at(
            62,
            vec![
                seen(100, "init", "/sbin/init"),
                seen(200, "curl", "curl https://example.org/"),
                seen(300, hostile, "./evil \"quoted\""),
                seen(400, "arping", ""),
                seen(500, "postgres", "postgres -D /srv"),
            ],
            vec![curl(10_000, 300), flow(300, Protocol::Udp, "10.0.0.1:5353", "192.0.2.53:53", (48, 1_500))],
        ),
        at(
            64,
            vec![ProcessEvent::Exited { id: process(200), at: second(64) }],
            vec![
                closed(curl(70_000, 500)),
                flow(300, Protocol::Udp, "10.0.0.1:5353", "192.0.2.53:53", (48, 2_500_000)),
                frames(),
                flow(500, Protocol::Tcp, "127.0.0.1:40001", "127.0.0.1:5432", (9_000, 1_000)),
            ],
        ),
    ]
}

/// The state after two seconds.
pub fn snapshot() -> Snapshot {
    let mut sums = Aggregator::new(Retention::default());
    let snapshots = batches().into_iter().map(|batch| {
        sums.apply(&batch);
        sums.snapshot(&quality())
    });
    snapshots.last().expect("a batch")
}
