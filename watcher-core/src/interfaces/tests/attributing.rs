//! Payload goes to the interface that owns the local address, or to an entry of its own.

use super::make::{bytes, link, survey};
use crate::{
    Aggregator, Batch, FlowSample, Retention, Scope,
    aggregate::tests::make::{flow, in_scope, second},
    interfaces::{Attributed, Bytes, Counters, Explained, Other, Survey, Table, standing},
};

fn here() -> Survey {
    survey(standing(vec![
        link(1, "lo", "lo").at("127.0.0.1").at("10.9.9.9"),
        link(2, "eth0", "card").at("10.0.0.1").at("fd00::1"),
        link(3, "wg0", "wireguard").at("10.8.0.1").at("192.0.2.1"),
        link(4, "eth1", "card").at("192.0.2.1"),
    ]))
}

fn from(local: &str, cookie: u64, rx: u64, tx: u64) -> FlowSample {
    let mut sample = flow(7, cookie, rx, tx);
    sample.socket.local = local.parse().unwrap();
    sample
}

fn explained(survey: &Survey, flows: Vec<FlowSample>) -> Explained {
    let mut attributed = Attributed::default();
    attributed.refresh(survey);
    let batch = Batch { at: second(1), flows, ..Batch::default() };
    Aggregator::new(Retention::default()).apply_with(&batch, &mut attributed);
    attributed.take()
}

#[test]
fn payload_goes_to_the_owner_of_the_local_address() {
    let is = explained(
        &here(),
        vec![
            from("10.0.0.1:1", 1, 5, 6),
            from("[fd00::1]:1", 2, 10, 10),
            from("[::ffff:10.0.0.1]:1", 3, 100, 100),
            from("10.8.0.1:1", 4, 7, 8),
            in_scope(from("10.0.0.1:9", 5, 1, 1), Scope::Loopback),
        ],
    );
    let should = [(1, bytes(1, 1)), (2, bytes(115, 116)), (3, bytes(7, 8))];
    assert_eq!(is, Explained { by_interface: should.into(), ..Explained::default() });
}

#[test]
fn what_no_single_interface_owns_is_not_spread() {
    let mut elsewhere = from("10.0.0.1:1", 9, 4, 4);
    elsewhere.socket.netns = 77;
    let is = explained(
        &here(),
        vec![
            from("0.0.0.0:53", 1, 1, 0),
            from("[::]:53", 2, 10, 0),
            from("203.0.113.5:1", 3, 100, 0),
            // Two interfaces have it; only loopback has it, and this went to the network.
            from("192.0.2.1:1", 4, 1_000, 0),
            from("10.9.9.9:1", 5, 10_000, 0),
            elsewhere,
            in_scope(from("0.0.0.0:0", 6, 3, 2), Scope::Packet),
        ],
    );
    let should = Explained {
        no_address: bytes(11_111, 0),
        other_namespaces: bytes(4, 4),
        frames: bytes(3, 2),
        ..Explained::default()
    };
    assert_eq!(is, should);
}

#[test]
fn taking_begins_again() {
    let mut attributed = Attributed::default();
    attributed.refresh(&here());
    let mut aggregator = Aggregator::new(Retention::default());
    for (at, rx) in [(1, 5), (2, 9)] {
        let batch = Batch { at: second(at), flows: vec![from("10.0.0.1:1", 1, rx, 0)], ..Batch::default() };
        aggregator.apply_with(&batch, &mut attributed);
        assert_eq!(attributed.take().by_interface[&2], bytes(if at == 1 { 5 } else { 4 }, 0));
    }
}

#[test]
fn a_row_balances_and_payload_ahead_of_the_kernel_is_marked() {
    let mut counters = Counters::default();
    counters.take(&here());
    let mut later = here();
    later.interfaces[1].bytes = bytes(1_000, 80);
    later.interfaces[2].bytes = bytes(40, 40);
    let by_interface = [(2, bytes(900, 100)), (3, bytes(40, 0)), (88, bytes(1, 2))].into();
    let explained = Explained { by_interface, no_address: bytes(5, 5), ..Explained::default() };
    let table = Table::of(counters.take(&later), explained);

    let eth0 = &table.rows[1];
    assert_eq!((eth0.kernel, eth0.attributed), (bytes(1_000, 80), bytes(900, 100)));
    assert_eq!(eth0.other_rx, Other { bytes: 100, ahead: 0 });
    assert_eq!(eth0.other_tx, Other { bytes: 0, ahead: 20 });
    // The VPN is apart: its bytes are in the card's.
    assert_eq!((table.total.kernel, table.total.attributed), (bytes(1_000, 80), bytes(900, 100)));
    // Of an interface that is not there.
    assert_eq!(table.no_address, bytes(6, 7));
    for row in &table.rows {
        let balance = |kernel: u64, own: u64, other: Other| assert_eq!(kernel + other.ahead, own + other.bytes);
        balance(row.kernel.rx, row.attributed.rx, row.other_rx);
        balance(row.kernel.tx, row.attributed.tx, row.other_tx);
    }
}

#[test]
fn an_index_used_again_has_its_payload_once() {
    let went = here().interfaces.remove(1);
    let mut counters = Counters::default();
    let moved = counters.take(&Survey { ended: vec![went], ..here() });
    let explained = Explained { by_interface: [(2, bytes(9, 9))].into(), ..Explained::default() };
    let table = Table::of(moved, explained);
    let attributed: Vec<Bytes> = table.rows.iter().filter(|row| row.index == 2).map(|row| row.attributed).collect();
    assert_eq!(attributed, [bytes(0, 0), bytes(9, 9)]);
}
