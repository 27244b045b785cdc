use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use watcher_core::{BootTime, CloseReason, Direction, FlowState, ProcessId, Protocol, Scope, TcpState};

use super::{Asked, Flows, Hosts, Limits, Observed, Owner, Sight};
use crate::link::{Network, Way};
use crate::packet::{Flags, Packet, Ports, Segment, Transport};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const SYN: u8 = Flags::SYN.0;
const ACK: u8 = Flags::ACK.0;
const FIN: u8 = Flags::FIN.0 | ACK;
const RST: u8 = Flags::RST.0 | ACK;
const OWNER: ProcessId = ProcessId { tgid: 42, start: BootTime(1) };

fn flows() -> Flows {
    Flows::new(Hosts::new([HOST]), Limits::default())
}

fn seconds(seconds: u64) -> BootTime {
    BootTime(Duration::from_secs(seconds).as_nanos() as u64)
}

fn sight(at: u64) -> Sight {
    Sight { at: seconds(at), way: None, slot: 0, pid: None }
}

fn packet(source: SocketAddr, destination: SocketAddr, transport: Transport, payload_len: u64) -> Packet<'static> {
    Packet {
        network: Network::V4,
        source: source.ip(),
        destination: destination.ip(),
        transport,
        fragment: None,
        payload_len,
        wire_len: payload_len + 40,
        first_bytes: &[],
    }
}

fn tcp(is_sent: bool, seq: u32, ack: u32, flags: u8, len: u64) -> Packet<'static> {
    let (here, there) = (SocketAddr::new(HOST, 5000), SocketAddr::new(PEER, 443));
    let (source, destination) = if is_sent { (here, there) } else { (there, here) };
    let ports = Ports { source: source.port(), destination: destination.port() };
    let segment = Segment { seq, ack, flags: Flags(flags), window: 9, header_len: 20 };
    packet(source, destination, Transport::Tcp(ports, segment), len)
}

fn udp(source: SocketAddr, destination: SocketAddr, len: u64) -> Packet<'static> {
    let ports = Ports { source: source.port(), destination: destination.port() };
    packet(source, destination, Transport::Udp(ports), len)
}

fn taken(flows: &mut Flows, at: u64) -> Vec<Observed> {
    flows.take(seconds(at), |_| Owner::Process(OWNER))
}

fn one(flows: &mut Flows, at: u64) -> Observed {
    let mut observed = taken(flows, at);
    assert_eq!(observed.len(), 1, "{observed:?}");
    observed.remove(0)
}

fn connect(flows: &mut Flows, at: u64) {
    flows.see(&tcp(true, 99, 0, SYN, 0), &sight(at));
    flows.see(&tcp(false, 499, 100, SYN | ACK, 0), &sight(at + 1));
    flows.see(&tcp(true, 100, 500, ACK, 0), &sight(at + 1));
}

#[test]
fn a_connection_is_followed_from_syn_to_the_last_acknowledgement() {
    let mut flows = flows();
    flows.see(&tcp(true, 99, 0, SYN, 0), &sight(1));
    assert_eq!(one(&mut flows, 1).sample.state, FlowState::Tcp(TcpState::SynSent));
    connect(&mut flows, 1);
    flows.see(&tcp(true, 100, 500, ACK, 70), &sight(3));
    flows.see(&tcp(true, 100, 500, ACK, 70), &sight(3));
    flows.see(&tcp(false, 500, 170, ACK, 3000), &sight(4));
    let Observed { sample, missed_by_capture } = one(&mut flows, 4);
    let wire = sample.wire.unwrap();
    assert_eq!((sample.counters.tx_bytes, sample.counters.rx_bytes, missed_by_capture), (70, 3000, 0));
    assert_eq!((sample.counters.first, sample.counters.last), (Some(seconds(3)), Some(seconds(4))));
    assert_eq!((wire.tx_packets, wire.tx_bytes), (5, 5 * 40 + 140), "SYN twice, ACK, data twice");
    let socket = &sample.socket;
    assert_eq!((socket.direction, socket.seeded, sample.scope), (Direction::Outgoing, false, Scope::Network));
    assert_eq!((socket.opened, socket.established), (Some(seconds(1)), Some(seconds(2))));
    assert_eq!((sample.state, socket.owner), (FlowState::Tcp(TcpState::Established), OWNER));

    flows.see(&tcp(false, 3500, 170, FIN, 0), &sight(5));
    assert_eq!(one(&mut flows, 5).sample.state, FlowState::Tcp(TcpState::CloseWait));
    flows.see(&tcp(true, 170, 3501, FIN, 0), &sight(6));
    assert_eq!(one(&mut flows, 6).sample.state, FlowState::Tcp(TcpState::LastAck));
    flows.see(&tcp(false, 3501, 171, ACK, 0), &sight(7));
    let end = FlowState::Closed { reason: CloseReason::Fin, at: seconds(7) };
    assert_eq!(one(&mut flows, 7).sample.state, end);
    flows.see(&tcp(true, 100, 500, ACK, 70), &sight(8));
    assert!(taken(&mut flows, 8).is_empty(), "late segments are nobody's");
    assert!(taken(&mut flows, 20).is_empty() && flows.is_empty(), "and forgotten");
}

#[test]
fn an_accepted_connection_is_incoming_and_an_older_one_is_seeded() {
    let mut accepted = flows();
    accepted.see(&tcp(false, 499, 0, SYN, 0), &sight(1));
    assert_eq!(one(&mut accepted, 1).sample.state, FlowState::Tcp(TcpState::SynRecv));
    accepted.see(&tcp(true, 99, 500, SYN | ACK, 0), &sight(1));
    accepted.see(&tcp(false, 500, 100, ACK, 10), &sight(2));
    let socket = one(&mut accepted, 2).sample.socket;
    assert_eq!((socket.direction, socket.established), (Direction::Incoming, Some(seconds(2))));

    let mut older = flows();
    older.see(&tcp(false, 500, 100, ACK, 10), &sight(1));
    let sample = one(&mut older, 1).sample;
    assert_eq!((sample.socket.direction, sample.socket.seeded), (Direction::Unknown, true));
    assert_eq!((sample.socket.opened, sample.socket.established), (None, None));
    assert_eq!((sample.state, sample.counters.rx_bytes), (FlowState::Tcp(TcpState::Established), 10));
}

#[test]
fn ends_have_reasons() {
    let end = |prepare: &dyn Fn(&mut Flows), at: u64| {
        let mut flows = flows();
        prepare(&mut flows);
        match one(&mut flows, at).sample.state {
            FlowState::Closed { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    };
    let refused = |flows: &mut Flows| {
        flows.see(&tcp(true, 99, 0, SYN, 0), &sight(1));
        flows.see(&tcp(false, 0, 100, RST, 0), &sight(1));
    };
    assert_eq!(end(&refused, 1), CloseReason::Refused);
    for (is_sent, seq, reason) in [(true, 100, CloseReason::ResetLocally), (false, 500, CloseReason::ResetByPeer)] {
        let reset = |flows: &mut Flows| {
            connect(flows, 1);
            flows.see(&tcp(is_sent, seq, 0, RST, 0), &sight(2));
        };
        assert_eq!(end(&reset, 2), reason);
    }
    let unanswered = |flows: &mut Flows| flows.see(&tcp(true, 99, 0, SYN, 0), &sight(1));
    assert_eq!(end(&unanswered, 131), CloseReason::TimedOut);
    let idle = |flows: &mut Flows| connect(flows, 1);
    assert_eq!(end(&idle, 8000), CloseReason::Released);
    let dead = |flows: &mut Flows| {
        connect(flows, 1);
        flows.see(&tcp(true, 100, 500, ACK, 70), &sight(3));
    };
    assert_eq!(end(&dead, 8000), CloseReason::TimedOut);
    let datagrams = |flows: &mut Flows| flows.see(&udp((HOST, 1).into(), (PEER, 53).into(), 9), &sight(1));
    assert_eq!(end(&datagrams, 121), CloseReason::Released);
}

#[test]
fn a_reset_from_outside_of_the_window_ends_nothing() {
    let mut flows = flows();
    connect(&mut flows, 1);
    flows.see(&tcp(false, 500 + (1 << 31), 0, RST, 0), &sight(2));
    assert_eq!(one(&mut flows, 2).sample.state, FlowState::Tcp(TcpState::Established));
}

#[test]
fn ports_that_are_used_again_are_another_flow() {
    let mut flows = flows();
    connect(&mut flows, 1);
    flows.see(&tcp(true, 100, 500, ACK, 70), &sight(2));
    flows.see(&tcp(true, 50, 0, SYN, 0), &sight(3));
    flows.see(&tcp(true, 51, 0, ACK, 5), &sight(3));
    let observed = taken(&mut flows, 3);
    let told: Vec<_> = observed.iter().map(|o| (o.sample.id.socket.cookie, o.sample.counters.tx_bytes)).collect();
    assert_eq!(told, [(0, 70), (1, 5)]);
    assert!(matches!(observed[0].sample.state, FlowState::Closed { .. }));
}

#[test]
fn on_loopback_both_ends_are_flows_and_each_byte_is_sent_and_received_once() {
    let (a, b) = (SocketAddr::from(([127, 0, 0, 1], 1)), SocketAddr::from(([127, 0, 0, 1], 2)));
    let both_ways: [&[Option<Way>]; 2] = [&[None], &[Some(Way::Out), Some(Way::In)]];
    for ways in both_ways {
        let mut flows = flows();
        for way in ways {
            flows.see(&udp(a, b, 100), &Sight { way: *way, ..sight(1) });
        }
        let mut observed = taken(&mut flows, 1);
        observed.sort_by_key(|o| o.sample.socket.local);
        let told = |o: &Observed| (o.sample.counters.tx_bytes, o.sample.counters.rx_bytes, o.sample.scope);
        assert_eq!(
            observed.iter().map(told).collect::<Vec<_>>(),
            [(100, 0, Scope::Loopback), (0, 100, Scope::Loopback)]
        );
        assert_eq!(observed[0].sample.socket.protocol, Protocol::Udp);
    }
}

#[test]
fn packets_between_other_machines_are_overheard() {
    let mut flows = flows();
    flows.see(&udp((PEER, 1).into(), ([192, 0, 2, 8], 2).into(), 100), &sight(1));
    assert_eq!((flows.len(), flows.overheard_bytes()), (0, 100));
}

#[test]
fn a_flow_is_held_back_until_its_owner_is_known_or_it_is_over() {
    let mut flows = flows();
    flows.see(&udp((HOST, 1).into(), (PEER, 53).into(), 9), &sight(1));
    assert!(flows.take(seconds(1), |_| Owner::NotYet).is_empty());
    assert_eq!(one(&mut flows, 2).sample.id.process, OWNER);
    flows.see(&udp((HOST, 2).into(), (PEER, 53).into(), 9), &sight(3));
    let ended = flows.take(seconds(125), |_| Owner::NotYet);
    assert!(ended.iter().any(|o| o.sample.id.process == ProcessId::KERNEL && o.sample.counters.tx_bytes == 9));
    let said = Sight { pid: Some(42), ..sight(126) };
    flows.see(&udp((HOST, 3).into(), (PEER, 53).into(), 9), &said);
    assert!(!flows.wants_owners());
    let observed = flows.take(seconds(126), |asked| match asked {
        Asked::Pid(42) => Owner::Process(OWNER),
        other => panic!("{other:?}"),
    });
    assert_eq!(observed[0].sample.id.process, OWNER);
}

#[test]
fn a_full_table_counts_what_it_cannot_place() {
    let mut flows = Flows::new(Hosts::new([HOST]), Limits { flows: 32, ..Limits::default() });
    for port in 1..=40 {
        flows.see(&udp((HOST, port).into(), (PEER, 53).into(), 10), &sight(1));
    }
    let losses = flows.losses();
    assert_eq!((flows.len(), losses.map_full, losses.unattributed_tx_bytes), (32, 8, 80));
    // All of them end; before they are forgotten, they make room.
    assert_eq!(taken(&mut flows, 130).len(), 32);
    flows.see(&udp((HOST, 50).into(), (PEER, 53).into(), 10), &sight(131));
    assert_eq!((flows.len(), flows.losses().map_full), (1, 8));
}
