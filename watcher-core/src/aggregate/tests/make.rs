//! Samples in few words.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use crate::{
    Aggregator, Application, Batch, BootTime, CloseReason, Counters, Direction, FlowId, FlowSample, FlowState, Grade,
    KernelCounters, NamedBy, ProcessEvent, ProcessId, ProcessInfo, Protocol, Quality, Retention, Scope, Snapshot,
    SocketId, SocketInfo, TcpState,
};

pub fn second(n: u64) -> BootTime {
    BootTime(n * 1_000_000_000)
}

pub fn quality() -> Quality {
    Quality { backend: "ebpf".into(), grade: Grade::Pid, degraded: Vec::new() }
}

pub fn process(tgid: u32) -> ProcessId {
    ProcessId { tgid, start: BootTime(u64::from(tgid) * 1_000) }
}

pub fn seen(tgid: u32, name: &str, parent: Option<u32>) -> ProcessEvent {
    let info = ProcessInfo { name: name.into(), parent: parent.map(process), ..ProcessInfo::default() };
    ProcessEvent::Seen { id: process(tgid), info }
}

/// One whose application was found by a rule.
pub fn seen_as(tgid: u32, name: &str, application: &str, rule: NamedBy) -> ProcessEvent {
    let found = Application { name: application.into(), rule, evidence: name.into() };
    let info = ProcessInfo { name: name.into(), application: Some(Arc::new(found)), ..ProcessInfo::default() };
    ProcessEvent::Seen { id: process(tgid), info }
}

pub fn exited(tgid: u32, at: u64) -> ProcessEvent {
    ProcessEvent::Exited { id: process(tgid), at: second(at) }
}

/// An established TCP connection of process `tgid` on socket `cookie`.
pub fn flow(tgid: u32, cookie: u64, rx_bytes: u64, tx_bytes: u64) -> FlowSample {
    FlowSample {
        id: FlowId { socket: SocketId { cookie, epoch: 0 }, process: process(tgid), remote: None },
        socket: SocketInfo {
            protocol: Protocol::Tcp,
            local: "10.0.0.1:40000".parse().unwrap(),
            remote: Some("10.0.0.2:443".parse().unwrap()),
            direction: Direction::Outgoing,
            netns: 1,
            seeded: false,
            owner: process(tgid),
            opened: Some(second(1)),
            established: Some(second(1)),
        },
        scope: Scope::Network,
        counters: Counters { rx_bytes, tx_bytes, ..Counters::default() },
        state: FlowState::Tcp(TcpState::Established),
        kernel: None,
        wire: None,
    }
}

pub fn closed(sample: FlowSample, at: u64) -> FlowSample {
    closed_by(sample, CloseReason::Fin, at)
}

pub fn closed_by(sample: FlowSample, reason: CloseReason, at: u64) -> FlowSample {
    FlowSample { state: FlowState::Closed { reason, at: second(at) }, ..sample }
}

pub fn with_kernel(sample: FlowSample, expected: (u64, u64), counted: (u64, u64)) -> FlowSample {
    let kernel = KernelCounters {
        expected_rx: expected.0,
        expected_tx: expected.1,
        counted_rx: counted.0,
        counted_tx: counted.1,
        ..KernelCounters::default()
    };
    FlowSample { kernel: Some(kernel), ..sample }
}

pub fn to(mut sample: FlowSample, remote: &str) -> FlowSample {
    sample.socket.remote = Some(remote.parse::<SocketAddr>().unwrap());
    sample
}

pub fn in_scope(sample: FlowSample, scope: Scope) -> FlowSample {
    FlowSample { scope, ..sample }
}

/// An aggregator, and the source's side of it.
pub struct Rig(pub Aggregator);

impl Rig {
    pub fn new() -> Self {
        Self(Aggregator::new(Retention::default()))
    }

    /// Keeps nothing that has ended.
    pub fn forgetful() -> Self {
        Self(Aggregator::new(Retention {
            ended_flow: Duration::ZERO,
            max_ended_flows: 0,
            ended_process: Duration::ZERO,
            max_ended_processes: 0,
            max_remotes: 2,
        }))
    }

    pub fn apply(&mut self, at: u64, processes: Vec<ProcessEvent>, flows: Vec<FlowSample>) {
        self.0.apply(&Batch { at: second(at), processes, flows, ..Batch::default() });
    }

    pub fn snapshot(&mut self) -> Snapshot {
        self.0.snapshot(&quality())
    }

    /// A batch and the snapshot after it.
    pub fn step(&mut self, at: u64, processes: Vec<ProcessEvent>, flows: Vec<FlowSample>) -> Snapshot {
        self.apply(at, processes, flows);
        self.snapshot()
    }
}
