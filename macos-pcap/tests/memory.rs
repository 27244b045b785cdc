//! What a table of 10,000 flows takes of the heap at most, counted by the allocator.

#[path = "../../watcher-core/tests/counting/mod.rs"]
mod counting;

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use counting::{NOW, PEAK};

use macos_pcap::flows::{Flows, Hosts, Limits, Owner, Sight};
use macos_pcap::link::Network;
use macos_pcap::packet::{Flags, Packet, Ports, Segment, Transport};
use watcher_core::BootTime;

const FLOWS: u32 = 10_000;
const MOST: usize = 40 << 20;

/// One segment of the `flow`th connection.
fn segment(flow: u32, seq: u32, is_sent: bool) -> Packet<'static> {
    let [_, a, b, c] = flow.to_be_bytes();
    let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, a, b, c]));
    let (source, destination) = if is_sent { (here, there) } else { (there, here) };
    let ports = Ports { source: 443, destination: 443 };
    let segment = Segment { seq, ack: 1, flags: Flags::ACK, header_len: 20, ..Segment::default() };
    Packet {
        network: Network::V4,
        source,
        destination,
        transport: Transport::Tcp(ports, segment),
        fragment: None,
        payload_len: 10,
        wire_len: 50,
        first_bytes: &[],
    }
}

#[test]
fn ten_thousand_connections_take_less_than_40_mib_at_their_worst() {
    let mut flows = Flows::new(Hosts::new([IpAddr::from([10, 0, 0, 1])]), Limits::default());
    let sight = Sight { at: BootTime(1), way: None, slot: 0, pid: None };
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let peak = || PEAK.load(Ordering::Relaxed) - before;
    for flow in 1..=FLOWS {
        for is_sent in [true, false] {
            flows.see(&segment(flow, 1, is_sent), &sight);
        }
    }
    let usual = peak();
    // As many holes as are kept apart, in both directions of each.
    for hole in 0..64 {
        for flow in 1..=FLOWS {
            for is_sent in [true, false] {
                flows.see(&segment(flow, 1000 + hole * 20, is_sent), &sight);
            }
        }
    }
    let worst = peak();
    let observed = flows.take(BootTime(2), |_| Owner::Nobody);
    assert_eq!(observed.len(), FLOWS as usize);
    let taken = peak();
    println!("10,000 flows: {usual} bytes, with holes {worst}, with all of them told at once {taken}");
    assert!(taken < MOST, "{usual}, {worst}, {taken}");
}
