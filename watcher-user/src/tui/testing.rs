//! Snapshots made by hand.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use watcher_core::{
    AppRow, Application, BootTime, Counters, Direction, FlowId, FlowRow, FlowSample, FlowState, Grade, NamedBy,
    PerScope, ProcessId, ProcessInfo, ProcessRow, Protocol, Quality, RemoteRow, Scope, Snapshot, SocketId, SocketInfo,
    TcpState, Totals, Traffic,
};

use super::state::{Names, Narrow, Settings, State};
use crate::{by::By, services::Services, sort::Key, units::Units, users::Users};

/// So many seconds after boot.
pub fn at(seconds: u64) -> BootTime {
    BootTime(seconds * 1_000_000_000)
}

/// Totals that are a hundred times the rates.
pub fn traffic(rx: u64, tx: u64) -> Traffic {
    Traffic { rx_bytes: rx * 100, tx_bytes: tx * 100, rx_rate: rx as f64, tx_rate: tx as f64 }
}

pub fn network<T: Default>(value: T) -> PerScope<T> {
    PerScope { network: value, ..PerScope::default() }
}

pub fn id(tgid: u32) -> ProcessId {
    ProcessId { tgid, start: at(1) }
}

/// nginx is a service; of the others nothing is known.
fn application(name: &str) -> Option<Arc<Application>> {
    let evidence = "/system.slice/nginx.service".into();
    (name == "nginx").then(|| Arc::new(Application { name: name.into(), rule: NamedBy::Unit, evidence }))
}

/// A process with network traffic at these rates.
pub fn process(tgid: u32, name: &str, rx: u64, tx: u64) -> ProcessRow {
    ProcessRow {
        id: id(tgid),
        info: ProcessInfo {
            name: name.into(),
            command: name.into(),
            uid: 1000,
            parent: None,
            application: application(name),
        },
        traffic: network(traffic(rx, tx)),
        connections: network(1),
        exited: None,
        ended_descendants: PerScope::default(),
    }
}

/// An established TCP connection with network traffic at these rates.
pub fn flow(tgid: u32, local: &str, remote: &str, rx: u64, tx: u64) -> FlowRow {
    let (local, remote): (SocketAddr, SocketAddr) =
        (local.parse().expect("an address"), remote.parse().expect("an address"));
    let cookie = u64::from(tgid) << 32 | u64::from(local.port()) << 16 | u64::from(remote.port());
    let socket = SocketInfo {
        protocol: Protocol::Tcp,
        local,
        remote: Some(remote),
        direction: Direction::Outgoing,
        netns: 1,
        seeded: false,
        owner: id(tgid),
        opened: Some(at(10)),
        established: Some(at(10)),
    };
    FlowRow {
        sample: FlowSample {
            id: FlowId { socket: SocketId { cookie, epoch: 0 }, process: id(tgid), remote: None },
            socket,
            scope: Scope::Network,
            counters: Counters::default(),
            state: FlowState::Tcp(TcpState::Established),
            kernel: None,
            wire: None,
        },
        traffic: traffic(rx, tx),
        known: watcher_core::names::Known::default(),
    }
}

/// A moment at which only these exist; totals, remotes and applications follow from them.
pub fn snapshot(
    seconds: u64,
    processes: impl IntoIterator<Item = ProcessRow>,
    flows: impl IntoIterator<Item = FlowRow>,
) -> Snapshot {
    let mut processes: Vec<_> = processes.into_iter().collect();
    processes.sort_by_key(|row| row.id);
    let flows: Vec<_> = flows.into_iter().collect();
    let sum = processes.iter().fold(PerScope::<Traffic>::default(), |sum, row| sum + row.traffic);
    Snapshot {
        at: at(seconds),
        interval: Duration::from_secs(1),
        quality: Quality { backend: "ebpf".into(), grade: Grade::Pid, degraded: Vec::new() },
        totals: Totals { traffic: sum, ..Totals::default() },
        remotes: remotes(&flows),
        apps: apps(&processes),
        processes,
        ancestors: Vec::new(),
        unlisted: PerScope::default(),
        flows,
    }
}

fn remotes(flows: &[FlowRow]) -> Vec<RemoteRow> {
    let mut rows: Vec<RemoteRow> = Vec::new();
    for flow in flows {
        let address = flow.remote().map(|remote| remote.ip());
        let at = rows.iter().position(|row| row.address == address).unwrap_or_else(|| {
            rows.push(RemoteRow { address, name: None, traffic: PerScope::default(), connections: 0, processes: 1 });
            rows.len() - 1
        });
        let sum = rows[at].traffic.get_mut(flow.sample.scope);
        *sum = *sum + flow.traffic;
        rows[at].connections += u32::from(!matches!(flow.sample.state, FlowState::Closed { .. }));
    }
    rows
}

fn apps(processes: &[ProcessRow]) -> Vec<AppRow> {
    let mut rows: Vec<AppRow> = Vec::new();
    for process in processes {
        let name = process.info.application_name().to_owned();
        let at = rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            let application = process.info.application.clone();
            let (traffic, connections) = (PerScope::default(), PerScope::default());
            rows.push(AppRow { name, traffic, connections, processes: 0, application });
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.traffic = row.traffic + process.traffic;
        row.connections = row.connections + process.connections;
        row.processes += u32::from(process.exited.is_none());
    }
    rows
}

/// A state with the default switches and a few names.
pub fn state() -> State {
    let users = Users::new(|uid| match uid {
        0 => Some("root".to_owned()),
        33 => Some("www-data".to_owned()),
        1000 => Some("anna".to_owned()),
        _ => None,
    });
    let services = Services::parse("https 443/tcp\nssh 22/tcp\ndomain 53/udp\n");
    let settings = Settings { units: Units::Bytes, names: true, loopback: false, hold: true, tree: false };
    State::new(settings, Narrow::default(), Names::new(users, services), (By::Process, Key::Rate))
}
