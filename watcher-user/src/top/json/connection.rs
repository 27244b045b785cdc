//! One connection as an object.

use std::{borrow::Cow, net::SocketAddr};

use serde::Serialize;
use watcher_core::{
    BootTime, FlowRow, FlowState, KernelCounters, Scope, Wire,
    names::{Name, NameSource, Tls},
};

use super::Time;
use crate::{clock::WallClock, top::age, wording};

#[derive(Serialize)]
pub(crate) struct Connection<'a> {
    pid: u32,
    start_time: Time,
    name: &'a str,
    protocol: Cow<'static, str>,
    local: SocketAddr,
    remote: Option<SocketAddr>,
    remote_name: Option<&'a str>,
    display_name: Option<&'a str>,
    name_source: Option<NameSource>,
    served_name: Option<&'a str>,
    application_protocol: Option<&'static str>,
    tls: Option<&'a Tls>,
    direction: Option<&'static str>,
    state: &'static str,
    loopback: bool,
    seeded: bool,
    opened: Option<Time>,
    established: Option<Time>,
    closed: Option<Time>,
    first_byte: Option<Time>,
    last_byte: Option<Time>,
    duration_seconds: Option<f64>,
    reason: Option<Cow<'static, str>>,
    rx_bytes: u64,
    tx_bytes: u64,
    #[serde(flatten)]
    rates: Option<Rates>,
    rx_calls: u64,
    tx_calls: u64,
    cookie: u64,
    epoch: u32,
    netns: u32,
    owner_pid: u32,
    #[serde(flatten)]
    kernel: Option<Kernel>,
    #[serde(flatten)]
    wire: Option<OnWire>,
}

impl<'a> Connection<'a> {
    /// Of a moment that nothing is compared with.
    pub fn without_rates(row: &'a FlowRow, name: &'a str, now: BootTime, clock: WallClock) -> Self {
        Self { rates: None, ..Self::new(row, name, now, clock) }
    }

    pub fn new(row: &'a FlowRow, name: &'a str, now: BootTime, clock: WallClock) -> Self {
        let (sample, socket, counters) = (&row.sample, &row.sample.socket, &row.sample.counters);
        let remote = row.known.name.as_deref();
        let time = |at: BootTime| Time(clock.at(at));
        let end = match sample.state {
            FlowState::Closed { reason, at } => Some((reason, at)),
            FlowState::Open | FlowState::Tcp(_) => None,
        };
        Self {
            pid: sample.id.process.tgid,
            start_time: time(sample.id.process.start),
            name,
            protocol: wording::protocol(socket.protocol),
            local: socket.local,
            remote: row.remote(),
            remote_name: remote.map(Name::domain),
            display_name: remote.and_then(Name::display),
            name_source: remote.map(Name::source),
            served_name: row.known.served.as_deref().map(Name::domain),
            application_protocol: row.known.protocol_name(),
            tls: row.known.tls.as_deref(),
            direction: wording::direction(socket.direction),
            state: wording::state(sample.state),
            loopback: sample.scope == Scope::Loopback,
            seeded: socket.seeded,
            opened: socket.opened.map(time),
            established: socket.established.map(time),
            closed: end.map(|(_, at)| time(at)),
            first_byte: counters.first.map(time),
            last_byte: counters.last.map(time),
            duration_seconds: age(row, now).map(|age| age.as_secs_f64()),
            reason: end.map(|(reason, _)| wording::reason(reason)),
            rx_bytes: row.traffic.rx_bytes,
            tx_bytes: row.traffic.tx_bytes,
            rates: Some(Rates { rx_rate: row.traffic.rx_rate, tx_rate: row.traffic.tx_rate }),
            rx_calls: counters.rx_calls,
            tx_calls: counters.tx_calls,
            cookie: sample.id.socket.cookie,
            epoch: sample.id.socket.epoch,
            netns: socket.netns,
            owner_pid: socket.owner.tgid,
            kernel: sample.kernel.as_ref().map(Kernel::new),
            wire: sample.wire.as_deref().map(OnWire::new),
        }
    }
}

#[derive(Serialize)]
struct Rates {
    rx_rate: f64,
    tx_rate: f64,
}

/// What packets took, where packets are counted.
#[derive(Serialize)]
struct OnWire {
    wire_rx_bytes: u64,
    wire_tx_bytes: u64,
    wire_rx_packets: u64,
    wire_tx_packets: u64,
}

impl OnWire {
    fn new(wire: &Wire) -> Self {
        Self {
            wire_rx_bytes: wire.rx_bytes,
            wire_tx_bytes: wire.tx_bytes,
            wire_rx_packets: wire.rx_packets,
            wire_tx_packets: wire.tx_packets,
        }
    }
}

/// What the kernel counted, on the record that ends a TCP connection.
#[derive(Serialize)]
struct Kernel {
    srtt_us: u32,
    bytes_sent: u64,
    bytes_retrans: u64,
    bytes_received: u64,
    segs_in: u32,
    segs_out: u32,
    unsent_bytes: u64,
    unread_bytes: u64,
    expected_rx_bytes: u64,
    expected_tx_bytes: u64,
    counted_rx_bytes: u64,
    counted_tx_bytes: u64,
}

impl Kernel {
    fn new(kernel: &KernelCounters) -> Self {
        Self {
            srtt_us: kernel.srtt_us,
            bytes_sent: kernel.bytes_sent,
            bytes_retrans: kernel.bytes_retrans,
            bytes_received: kernel.bytes_received,
            segs_in: kernel.segs_in,
            segs_out: kernel.segs_out,
            unsent_bytes: kernel.unsent_bytes,
            unread_bytes: kernel.unread_bytes,
            expected_rx_bytes: kernel.expected_rx,
            expected_tx_bytes: kernel.expected_tx,
            counted_rx_bytes: kernel.counted_rx,
            counted_tx_bytes: kernel.counted_tx,
        }
    }
}
