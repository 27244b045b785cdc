//! The object, its totals, processes, applications and remotes.

use std::{net::IpAddr, rc::Rc};

use serde::{Serialize, Serializer};
use watcher_core::{
    AppRow, Application, Lifecycles, Losses, PerScope, ProcessRow, RemoteRow, Snapshot, Totals as Sums, Traffic,
    Truth as Equations,
    names::{Name, NameSource},
};

use super::{Context, List, Time, connection::Connection};
use crate::{
    by::By,
    names::{Country, Located},
    top::{Origin, Selected},
};

/// One line of `--json`.
pub(super) struct Object<'a> {
    time: Time,
    snapshot: &'a Snapshot,
    origin: &'a Origin,
    selected: &'a Selected<'a>,
    context: &'a Context,
}

impl<'a> Object<'a> {
    pub fn new(
        time: Time,
        snapshot: &'a Snapshot,
        origin: &'a Origin,
        selected: &'a Selected<'a>,
        context: &'a Context,
    ) -> Self {
        Self { time, snapshot, origin, selected, context }
    }
}

impl<'a> Serialize for Object<'a> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (snapshot, selected, context) = (self.snapshot, self.selected, self.context);
        let loopback = context.rows.include_loopback;
        let by = context.rows.by;
        Fields {
            time: self.time,
            since: Time(self.origin.since),
            daemon_pid: self.origin.daemon,
            interval_seconds: snapshot.interval.as_secs_f64(),
            backend: snapshot.quality.backend.clone().into_owned(),
            exact: snapshot.quality.is_exact() && snapshot.totals.losses.is_exact(),
            totals: Totals::new(&snapshot.totals, loopback),
            processes: List::new(&selected.processes, |row| Process::new(row, context)),
            connections: (by == By::Connection).then_some(List::new(&selected.flows, |(row, name)| {
                Connection::new(row, name, snapshot.at, context.clock)
            })),
            remotes: (by == By::Remote).then_some(List::new(&selected.remotes, |row| Remote::new(row, context))),
            apps: (by == By::App).then_some(List::new(&selected.apps, |row| App::new(row, loopback))),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct Fields<P, C, R, A> {
    time: Time,
    since: Time,
    daemon_pid: Option<u32>,
    interval_seconds: f64,
    backend: String,
    exact: bool,
    totals: Totals,
    processes: P,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<C>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remotes: Option<R>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apps: Option<A>,
}

#[derive(Serialize)]
struct Totals {
    #[serde(flatten)]
    moved: Moved,
    unattributed_rx_bytes: u64,
    unattributed_tx_bytes: u64,
    dropped_events: u64,
    connections: Connections,
    truth: Truth,
    losses: Lost,
}

impl Totals {
    fn new(sums: &Sums, loopback: bool) -> Self {
        let Lifecycles { opened, established, closed, failed } = sums.lifecycles;
        Self {
            moved: Moved::new(sums.traffic, loopback),
            unattributed_rx_bytes: sums.truth.unattributed_rx,
            unattributed_tx_bytes: sums.truth.unattributed_tx,
            dropped_events: sums.losses.dropped_events(),
            connections: Connections { opened, established, closed, failed },
            truth: Truth::new(&sums.truth),
            losses: Lost::new(&sums.losses),
        }
    }
}

/// Bytes and rates; frames of AF_PACKET sockets apart.
#[derive(Serialize)]
struct Moved {
    rx_bytes: u64,
    tx_bytes: u64,
    rx_rate: f64,
    tx_rate: f64,
    packet_rx_bytes: u64,
    packet_tx_bytes: u64,
}

impl Moved {
    fn new(traffic: PerScope<Traffic>, loopback: bool) -> Self {
        let Traffic { rx_bytes, tx_bytes, rx_rate, tx_rate } = traffic.ip(loopback);
        let packet = traffic.packet;
        Self {
            rx_bytes,
            tx_bytes,
            rx_rate,
            tx_rate,
            packet_rx_bytes: packet.rx_bytes,
            packet_tx_bytes: packet.tx_bytes,
        }
    }
}

#[derive(Serialize)]
struct Connections {
    opened: u64,
    established: u64,
    closed: u64,
    failed: u64,
}

#[derive(Serialize)]
struct Truth {
    sockets_checked: u64,
    sockets_unbalanced: u64,
    excess_rx_bytes: u64,
    excess_tx_bytes: u64,
}

impl Truth {
    fn new(truth: &Equations) -> Self {
        Self {
            sockets_checked: truth.checked,
            sockets_unbalanced: truth.unbalanced,
            excess_rx_bytes: truth.excess_rx,
            excess_tx_bytes: truth.excess_tx,
        }
    }
}

#[derive(Serialize)]
struct Lost {
    ring_full: u64,
    map_full: u64,
    storage_failed: u64,
    recursion_misses: u64,
    process_events: u64,
    state_changes: u64,
    untold_ends: u64,
    heads: u64,
    frames: u64,
    unattributed_rx_bytes: u64,
    unattributed_tx_bytes: u64,
}

impl Lost {
    fn new(losses: &Losses) -> Self {
        Self {
            ring_full: losses.ring_full,
            map_full: losses.map_full,
            storage_failed: losses.storage_failed,
            recursion_misses: losses.recursion_misses,
            process_events: losses.process_events,
            state_changes: losses.state_changes,
            untold_ends: losses.untold_ends,
            heads: losses.heads,
            frames: losses.frames,
            unattributed_rx_bytes: losses.unattributed_rx_bytes,
            unattributed_tx_bytes: losses.unattributed_tx_bytes,
        }
    }
}

#[derive(Serialize)]
struct Process<'a> {
    pid: u32,
    start_time: Time,
    name: &'a str,
    #[serde(flatten)]
    application: Named<'a>,
    command: &'a str,
    uid: u32,
    user: Rc<str>,
    parent_pid: Option<u32>,
    #[serde(flatten)]
    moved: Moved,
    connections: u32,
    exited: bool,
}

impl<'a> Process<'a> {
    fn new(row: &'a ProcessRow, context: &Context) -> Self {
        Self {
            pid: row.id.tgid,
            start_time: Time(context.clock.at(row.id.start)),
            name: &row.info.name,
            application: Named::of(row.info.application.as_deref()),
            command: &row.info.command,
            uid: row.info.uid,
            user: context.users.name(row.info.uid),
            parent_pid: row.info.parent.map(|parent| parent.tgid),
            moved: Moved::new(row.traffic, context.rows.include_loopback),
            connections: open(row.connections, context.rows.include_loopback),
            exited: row.exited.is_some(),
        }
    }
}

/// The application of a process, and how that is known.
#[derive(Serialize)]
struct Named<'a> {
    application: Option<&'a str>,
    #[serde(flatten)]
    why: Why<'a>,
}

impl<'a> Named<'a> {
    fn of(application: Option<&'a Application>) -> Self {
        Self { application: application.map(|found| &*found.name), why: Why::of(application) }
    }
}

/// How an application got its name.
#[derive(Serialize)]
struct Why<'a> {
    application_rule: Option<&'static str>,
    application_evidence: Option<&'a str>,
}

impl<'a> Why<'a> {
    fn of(application: Option<&'a Application>) -> Self {
        let (rule, evidence) = application.map(|found| (found.rule.as_str(), &*found.evidence)).unzip();
        Self { application_rule: rule, application_evidence: evidence }
    }
}

#[derive(Serialize)]
struct App<'a> {
    name: &'a str,
    #[serde(flatten)]
    why: Why<'a>,
    #[serde(flatten)]
    moved: Moved,
    connections: u32,
    processes: u32,
}

impl<'a> App<'a> {
    fn new(row: &'a AppRow, loopback: bool) -> Self {
        Self {
            name: &row.name,
            why: Why::of(row.application.as_deref()),
            moved: Moved::new(row.traffic, loopback),
            connections: open(row.connections, loopback),
            processes: row.processes,
        }
    }
}

#[derive(Serialize)]
struct Remote<'a> {
    address: Option<IpAddr>,
    name: Option<&'a str>,
    display_name: Option<&'a str>,
    name_source: Option<NameSource>,
    country: Option<Country>,
    asn: Option<u32>,
    organization: Option<String>,
    #[serde(flatten)]
    moved: Moved,
    connections: u32,
    processes: u32,
}

impl<'a> Remote<'a> {
    fn new(row: &'a RemoteRow, context: &Context) -> Self {
        let loopback = context.rows.include_loopback;
        let name = row.name.as_deref();
        let Located { country, asn, organization } =
            row.address.map(|address| context.geo.of(address)).unwrap_or_default();
        Self {
            address: row.address,
            name: name.map(Name::domain),
            display_name: name.and_then(Name::display),
            name_source: name.map(Name::source),
            country,
            asn,
            organization,
            moved: Moved::new(row.traffic, loopback),
            connections: row.connections,
            processes: row.processes,
        }
    }
}

fn open(connections: PerScope<u32>, loopback: bool) -> u32 {
    connections.ip(loopback) + connections.packet
}
