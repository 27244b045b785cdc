//! How many packets per second go through parser and flows, from memory, on one core:
//! `cargo run --release -p macos-pcap --example throughput`.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use etherparse::PacketBuilder;
use macos_pcap::flows::{Flows, Hosts, Limits, Owner, Sight};
use macos_pcap::link::{LinkType, open};
use macos_pcap::packet::parse;
use watcher_core::BootTime;

const FLOWS: u32 = 10_000;
const ROUNDS: u32 = 250;
const PAYLOAD: u32 = 1000;
/// What a capture keeps of each.
const KEPT: usize = 128;
/// Where the sequence number is: Ethernet, IPv4, ports.
const SEQ: usize = 14 + 20 + 4;
const ACK: usize = SEQ + 4;

fn main() {
    for flows in [1, 100, FLOWS] {
        measure(flows, FLOWS * ROUNDS / flows);
    }
}

/// `rounds` segments of each of `count` connections, in turn, each with new bytes, and each acknowledged.
#[expect(clippy::unwrap_used, reason = "an example that measures")]
fn measure(count: u32, rounds: u32) {
    let mut frames: Vec<[Vec<u8>; 2]> = (0..count).map(|flow| [data(flow), ack(flow)]).collect();
    let host = IpAddr::from([10, 0, 0, 1]);
    let mut flows = Flows::new(Hosts::new([host]), Limits::default());
    let (begun, on_cpu) = (Instant::now(), cpu_time());
    for round in 0..rounds {
        let sight = Sight { at: BootTime(u64::from(round)), way: None, slot: 0, owner: None };
        for [data, ack] in &mut frames {
            data[SEQ..SEQ + 4].copy_from_slice(&(round * PAYLOAD).to_be_bytes());
            ack[ACK..ACK + 4].copy_from_slice(&((round + 1) * PAYLOAD).to_be_bytes());
            for (bytes, payload) in [(data, PAYLOAD), (ack, 0)] {
                let frame = open(LinkType::Ethernet, bytes, u64::from(54 + payload)).unwrap();
                flows.see(&parse(&frame).unwrap(), &sight);
            }
        }
    }
    // What others take of the core is not the parser's.
    let took = cpu_time().zip(on_cpu).map_or(begun.elapsed(), |(now, then)| now.saturating_sub(then));
    let observed = flows.take(BootTime(u64::from(rounds)), |_, _| Owner::Nobody);
    let sum: u64 = observed.iter().map(|flow| flow.sample.counters.tx_bytes).sum();
    assert_eq!(sum, u64::from(PAYLOAD) * u64::from(count) * u64::from(rounds));
    let packets = 2.0 * f64::from(count) * f64::from(rounds);
    println!(
        "{count:>6} flows: {packets:>9.0} packets in {took:>8.1?}: {:.1} M packets/s",
        packets / took.as_secs_f64() / 1e6
    );
}

/// What this thread had of a core, where the kernel says: proc_pid_schedstat, the first field, in nanoseconds.
fn cpu_time() -> Option<Duration> {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    said.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn data(flow: u32) -> Vec<u8> {
    frame([10, 0, 0, 1], peer(flow), [1024 + (flow % 256) as u16, 443], &[0; PAYLOAD as usize])
}

fn ack(flow: u32) -> Vec<u8> {
    frame(peer(flow), [10, 0, 0, 1], [443, 1024 + (flow % 256) as u16], &[])
}

fn peer(flow: u32) -> [u8; 4] {
    let [_, a, b, _] = flow.to_be_bytes();
    [10, 1, a, b]
}

#[expect(clippy::unwrap_used, reason = "an example that measures")]
fn frame(source: [u8; 4], destination: [u8; 4], ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4(source, destination, 64)
        .tcp(ports[0], ports[1], 0, 1024)
        .ack(0)
        .write(&mut bytes, payload)
        .unwrap();
    bytes.truncate(KEPT);
    bytes
}
