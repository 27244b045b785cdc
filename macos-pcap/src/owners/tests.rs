//! Listings that somebody might have made, and whose flows are then.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use proptest::prelude::*;
use watcher_core::{BootTime, Direction, ProcessId, Protocol, SocketInfo};

use super::{Limits, Listed, Listing, Table};
use crate::flows::Owner;

const HERE: SocketAddr = v4([192, 0, 2, 1], 40_000);
const THERE: SocketAddr = v4([198, 51, 100, 1], 443);
const ALL: SocketAddr = v4([0, 0, 0, 0], 40_000);

const fn v4([a, b, c, d]: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(a, b, c, d)), port)
}

fn ms(ms: u64) -> BootTime {
    BootTime(ms * 1_000_000)
}

fn process(tgid: u32, start: u64) -> ProcessId {
    ProcessId { tgid, start: ms(start) }
}

fn by(tgid: u32) -> Owner {
    Owner::Process(process(tgid, tgid.into()))
}

fn listed(protocol: Protocol, local: SocketAddr, remote: Option<SocketAddr>, owner: Owner) -> Listed {
    Listed { protocol, local, remote, is_v6_only: false, owner }
}

fn flow(protocol: Protocol, direction: Direction) -> SocketInfo {
    SocketInfo {
        protocol,
        local: HERE,
        remote: Some(THERE),
        direction,
        netns: 0,
        seeded: false,
        owner: ProcessId::KERNEL,
        opened: None,
        established: None,
    }
}

/// A listing that took a millisecond.
fn enter(table: &mut Table, began: u64, sockets: &[Listed]) {
    table.enter(&Listing { began: ms(began), ended: ms(began + 1), sockets: sockets.to_vec() });
}

fn table(listings: &[(u64, &[Listed])]) -> Table {
    let mut table = Table::new(Limits::default());
    for (began, sockets) in listings {
        enter(&mut table, *began, sockets);
    }
    table
}

#[test]
fn a_connected_socket_is_of_the_process_that_holds_it() {
    let table = table(&[(10, &[listed(Protocol::Tcp, HERE, Some(THERE), by(7))])]);
    assert_eq!(table.owner(&flow(Protocol::Tcp, Direction::Outgoing), ms(5)), by(7));
    let other = SocketInfo { remote: Some(v4([198, 51, 100, 2], 443)), ..flow(Protocol::Tcp, Direction::Outgoing) };
    assert_eq!(table.owner(&other, ms(5)), Owner::Nobody);
}

#[test]
fn nobody_is_said_only_after_a_listing_that_is_younger_than_the_flow() {
    let mut table = Table::new(Limits::default());
    let flow = flow(Protocol::Tcp, Direction::Outgoing);
    assert_eq!(table.owner(&flow, ms(5)), Owner::NotYet);
    enter(&mut table, 4, &[]);
    assert_eq!(table.owner(&flow, ms(5)), Owner::NotYet);
    enter(&mut table, 5, &[]);
    assert_eq!(table.owner(&flow, ms(5)), Owner::Nobody);
}

#[test]
fn a_short_connection_keeps_its_owner_after_its_socket_is_gone() {
    let socket = listed(Protocol::Tcp, HERE, Some(THERE), by(7));
    let table = table(&[(10, &[socket]), (20, &[])]);
    assert_eq!(table.owner(&flow(Protocol::Tcp, Direction::Outgoing), ms(5)), by(7));
    // What began after a listing that had it no more is another.
    assert_eq!(table.owner(&flow(Protocol::Tcp, Direction::Outgoing), ms(20)), Owner::Nobody);
}

#[test]
fn a_connection_that_was_seen_to_begin_is_not_the_one_before_it_on_the_same_ports() {
    let socket = |tgid| listed(Protocol::Tcp, HERE, Some(THERE), by(tgid));
    let mut table = table(&[(10, &[socket(7)])]);
    let begun = SocketInfo { opened: Some(ms(15)), ..flow(Protocol::Tcp, Direction::Outgoing) };
    assert_eq!(table.owner(&begun, ms(15)), Owner::NotYet);
    enter(&mut table, 20, &[socket(8)]);
    assert_eq!(table.owner(&begun, ms(15)), by(8));
}

#[test]
fn what_tcp_sends_after_close_is_of_the_process_that_closed() {
    let socket = |owner| listed(Protocol::Tcp, HERE, Some(THERE), owner);
    let table = table(&[(10, &[socket(by(7))]), (20, &[socket(Owner::Nobody)])]);
    assert_eq!(table.owner(&flow(Protocol::Tcp, Direction::Outgoing), ms(5)), by(7));
}

#[test]
fn a_listener_has_what_it_accepts_until_more_is_known() {
    let listener = listed(Protocol::Tcp, ALL, None, by(1));
    let waiting = listed(Protocol::Tcp, HERE, Some(THERE), Owner::NotYet);
    let accepted = listed(Protocol::Tcp, HERE, Some(THERE), by(2));
    let incoming = flow(Protocol::Tcp, Direction::Incoming);
    let mut table = table(&[(10, &[listener])]);
    assert_eq!(table.owner(&incoming, ms(11)), Owner::NotYet, "its own socket may be listed next");
    enter(&mut table, 20, &[listener]);
    assert_eq!(table.owner(&incoming, ms(11)), by(1));
    enter(&mut table, 30, &[listener, waiting]);
    assert_eq!(table.owner(&incoming, ms(11)), Owner::NotYet);
    enter(&mut table, 40, &[listener, accepted]);
    assert_eq!(table.owner(&incoming, ms(11)), by(2));
    // One that is never accepted.
    enter(&mut table, 50, &[listener, waiting]);
    enter(&mut table, 2_000, &[listener, waiting]);
    assert_eq!(table.owner(&incoming, ms(11)), by(1));
    assert_eq!(table.owner(&flow(Protocol::Tcp, Direction::Outgoing), ms(900)), Owner::Nobody);
}

#[test]
fn the_closest_binding_has_the_datagram() {
    let dual = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 40_000);
    let udp = |local, remote, tgid| listed(Protocol::Udp, local, remote, by(tgid));
    let only = Listed { is_v6_only: true, ..udp(dual, None, 6) };
    let mapped = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().into(), 40_000);
    let far_mapped = SocketAddr::new(Ipv4Addr::new(198, 51, 100, 1).to_ipv6_mapped().into(), 443);
    let cases: [(&[Listed], Owner); 7] = [
        (&[udp(dual, None, 4)], by(4)),
        (&[only], Owner::Nobody),
        (&[udp(dual, None, 4), udp(ALL, None, 3)], by(3)),
        (&[udp(dual, None, 4), udp(ALL, None, 3), udp(HERE, None, 2)], by(2)),
        (&[udp(HERE, None, 2), udp(HERE, Some(THERE), 1)], by(1)),
        (&[udp(mapped, None, 5)], by(5)),
        (&[udp(mapped, Some(far_mapped), 5), udp(HERE, None, 2)], by(5)),
    ];
    for (sockets, owner) in cases {
        let table = table(&[(10, sockets)]);
        assert_eq!(table.owner(&flow(Protocol::Udp, Direction::Incoming), ms(5)), owner, "{sockets:?}");
    }
}

#[test]
fn a_port_that_was_listed_lately_needs_no_further_listing_for_each_datagram_flow() {
    let table = table(&[(10, &[listed(Protocol::Udp, ALL, None, by(1))])]);
    assert_eq!(table.owner(&flow(Protocol::Udp, Direction::Incoming), ms(1_000)), by(1));
    assert_eq!(table.owner(&flow(Protocol::Udp, Direction::Incoming), ms(3_000)), Owner::NotYet);
}

#[test]
fn of_processes_that_share_a_socket_the_older_one_has_it() {
    let hold = |tgid, start| listed(Protocol::Tcp, HERE, Some(THERE), Owner::Process(process(tgid, start)));
    for sockets in [[hold(9, 5), hold(3, 8)], [hold(3, 8), hold(9, 5)]] {
        let table = table(&[(10, &sockets)]);
        assert_eq!(table.owner(&flow(Protocol::Tcp, Direction::Outgoing), ms(5)), Owner::Process(process(9, 5)));
    }
}

#[test]
fn a_used_again_pid_is_another_process() {
    let hold = |start| listed(Protocol::Tcp, HERE, Some(THERE), Owner::Process(process(9, start)));
    let table = table(&[(10, &[hold(1)]), (20, &[]), (30, &[hold(25)])]);
    assert_eq!(table.owner(&flow(Protocol::Tcp, Direction::Outgoing), ms(26)), Owner::Process(process(9, 25)));
}

#[test]
fn an_echo_that_is_asked_of_us_is_the_kernels() {
    let no_port = |address: SocketAddr| SocketAddr::new(address.ip(), 0);
    let socket = listed(Protocol::Icmp, no_port(ALL), None, by(1));
    let table = table(&[(10, &[socket])]);
    let ping = |direction| SocketInfo {
        local: no_port(HERE),
        remote: Some(no_port(THERE)),
        ..flow(Protocol::Icmp, direction)
    };
    assert_eq!(table.owner(&ping(Direction::Outgoing), ms(5)), by(1));
    assert_eq!(table.owner(&ping(Direction::Incoming), ms(5)), Owner::Nobody);
}

#[test]
fn what_is_gone_is_bounded_by_time_and_number() {
    let limits = Limits { gone: 10, sockets: 100, keep: Duration::from_secs(1), ..Limits::default() };
    let mut table = Table::new(limits);
    let sockets: Vec<_> = (0..200).map(|port| listed(Protocol::Udp, v4([0; 4], port), None, by(1))).collect();
    enter(&mut table, 10, &sockets);
    assert_eq!((table.len(), table.untold()), (100, 100));
    enter(&mut table, 20, &[]);
    assert_eq!(table.len(), 10);
    enter(&mut table, 1_021, &[]);
    assert!(table.is_empty());
}

fn owners() -> impl Strategy<Value = Owner> {
    prop_oneof![
        Just(Owner::Nobody),
        Just(Owner::NotYet),
        (1..4_u32, 0..3_u64).prop_map(|(tgid, start)| Owner::Process(process(tgid, start)))
    ]
}

fn sockets() -> impl Strategy<Value = Vec<Listed>> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp), Just(Protocol::Icmp)];
    let ip = prop_oneof![
        Just(HERE.ip()),
        Just(ALL.ip()),
        Just(Ipv6Addr::UNSPECIFIED.into()),
        Just(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().into()),
    ];
    let socket = (protocol, ip, 39_999..40_002_u16, proptest::option::of(Just(THERE)), any::<bool>(), owners());
    let socket = socket.prop_map(|(protocol, ip, port, remote, is_v6_only, owner)| Listed {
        protocol,
        local: SocketAddr::new(ip, port),
        remote,
        is_v6_only,
        owner,
    });
    proptest::collection::vec(socket, 0..12)
}

proptest! {
    /// In whatever order a system lists, and however often it lists one socket: the answers are the same.
    #[test]
    fn the_order_of_a_listing_does_not_matter(mut all in sockets(), seed in any::<usize>(), since in 0..40_u64) {
        let one = table(&[(10, &all)]);
        let middle = if all.is_empty() { 0 } else { seed % all.len() };
        all.rotate_left(middle);
        all.reverse();
        let twice: Vec<_> = all.iter().chain(&all).copied().collect();
        let other = table(&[(10, &twice)]);
        for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Icmp] {
            for direction in [Direction::Outgoing, Direction::Incoming, Direction::Unknown] {
                let flow = flow(protocol, direction);
                prop_assert_eq!(one.owner(&flow, ms(since)), other.owner(&flow, ms(since)));
            }
        }
    }

    /// Only a process that a listing named is ever named, and after a listing younger than it every flow has an answer.
    #[test]
    fn nobody_is_invented(listings in proptest::collection::vec(sockets(), 1..5), since in 0..60_u64) {
        let mut table = Table::new(Limits { patience: Duration::ZERO, ..Limits::default() });
        for (at, sockets) in listings.iter().enumerate() {
            enter(&mut table, 10 * (at as u64 + 1), sockets);
        }
        let last = 10 * listings.len() as u64;
        for direction in [Direction::Outgoing, Direction::Incoming] {
            match table.owner(&flow(Protocol::Tcp, direction), ms(since)) {
                owner @ Owner::Process(_) => prop_assert!(listings.iter().flatten().any(|socket| socket.owner == owner)),
                Owner::NotYet => prop_assert!(since > last),
                Owner::Nobody => prop_assert!(since <= last),
            }
        }
    }

    /// However long it goes on, the table is no larger than its limits.
    #[test]
    fn it_stays_bounded(ports in proptest::collection::vec(proptest::collection::vec(0..500_u16, 0..60), 1..20)) {
        let mut table = Table::new(Limits { sockets: 40, gone: 25, ..Limits::default() });
        for (at, ports) in ports.iter().enumerate() {
            let sockets: Vec<_> = ports.iter().map(|port| listed(Protocol::Udp, v4([0; 4], *port), None, by(1))).collect();
            enter(&mut table, 10 * (at as u64 + 1), &sockets);
            prop_assert!(table.len() <= 65);
        }
    }
}
