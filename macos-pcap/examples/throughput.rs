//! How many packets per second go through parser and flows, from memory, on one core:
//! `cargo run --release -p macos-pcap --example throughput`.

use std::net::IpAddr;
use std::time::Instant;

use etherparse::PacketBuilder;
use macos_pcap::flows::{Flows, Hosts, Limits, Owner, Sight};
use macos_pcap::link::{LinkType, open};
use macos_pcap::packet::parse;
use watcher_core::BootTime;

const FLOWS: u32 = 10_000;
const ROUNDS: u32 = 500;
const PAYLOAD: u32 = 1000;
/// What a capture keeps of each.
const KEPT: usize = 128;
/// Where the sequence number is: Ethernet, IPv4, ports.
const SEQ: usize = 14 + 20 + 4;

fn main() {
    for flows in [1, 100, FLOWS] {
        measure(flows, FLOWS * ROUNDS / flows);
    }
}

/// `rounds` segments of each of `flows` connections, in turn: each with new bytes.
#[expect(clippy::unwrap_used, reason = "an example that measures")]
fn measure(count: u32, rounds: u32) {
    let mut frames: Vec<Vec<u8>> = (0..count).map(frame).collect();
    let wire_len = u64::from(54 + PAYLOAD);
    let host = IpAddr::from([10, 0, 0, 1]);
    let mut flows = Flows::new(Hosts::new([host]), Limits::default());
    let begun = Instant::now();
    for round in 0..rounds {
        for bytes in &mut frames {
            bytes[SEQ..SEQ + 4].copy_from_slice(&(round * PAYLOAD).to_be_bytes());
            let packet = parse(&open(LinkType::Ethernet, bytes, wire_len).unwrap()).unwrap();
            let at = BootTime(u64::from(round));
            flows.see(&packet, &Sight { at, way: None, slot: 0, owner: None });
        }
    }
    let took = begun.elapsed();
    let observed = flows.take(BootTime(u64::from(rounds)), |_| Owner::Nobody);
    let sum: u64 = observed.iter().map(|flow| flow.sample.counters.tx_bytes).sum();
    assert_eq!(sum, u64::from(PAYLOAD) * u64::from(count) * u64::from(rounds));
    let packets = f64::from(count) * f64::from(rounds);
    println!(
        "{count:>6} flows: {packets:>9} packets in {took:>8.1?}: {:.1} M packets/s",
        packets / took.as_secs_f64() / 1e6
    );
}

#[expect(clippy::unwrap_used, reason = "an example that measures")]
fn frame(flow: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let [_, a, b, _] = flow.to_be_bytes();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([10, 0, 0, 1], [10, 1, a, b], 64)
        .tcp(1024 + (flow % 256) as u16, 443, 0, 1024)
        .ack(1)
        .write(&mut bytes, &[0; PAYLOAD as usize])
        .unwrap();
    bytes.truncate(KEPT);
    bytes
}
