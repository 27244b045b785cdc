//! How many packets per second go through parser, flows and engine, from memory, on one core, as JSON lines:
//! `cargo run --release -p macos-pcap --example throughput [PACKETS]`.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use etherparse::PacketBuilder;
use macos_pcap::engine::{Captured, Engine};
use macos_pcap::flows::{Flows, Hosts, Limits, Owner, Sight};
use macos_pcap::link::{LinkType, open};
use macos_pcap::owners::Nobody;
use macos_pcap::packet::parse;
use watcher_core::{BootTime, FlowSample};

/// How many of them, unless somebody says: both directions.
const PACKETS: u32 = 5_000_000;
const PAYLOAD: u32 = 1000;
/// What a capture keeps of each.
const KEPT: usize = 128;
/// Where the sequence number is: Ethernet, IPv4, ports.
const SEQ: usize = 14 + 20 + 4;
const ACK: usize = SEQ + 4;
const HERE: [u8; 4] = [10, 0, 0, 1];

#[expect(clippy::unwrap_used, reason = "an example that measures")]
fn main() {
    let packets: u32 = std::env::args().nth(1).map_or(PACKETS, |said| said.parse().unwrap());
    for count in [1, 100, 10_000] {
        let rounds = (packets / 2 / count).max(1);
        let hosts = || Hosts::new([IpAddr::from(HERE)]);
        let end = BootTime(u64::from(rounds));

        let mut flows = Flows::new(hosts(), Limits::default());
        let took = feed(count, rounds, |at, bytes, wire_len| {
            let frame = open(LinkType::Ethernet, bytes, wire_len).unwrap();
            let sight = Sight { at, way: None, slot: 0, pid: None };
            flows.see(&parse(&frame).unwrap(), &sight);
        });
        let samples = flows.take(end, |_| Owner::Nobody).into_iter().map(|observed| observed.sample);
        tell("flows", count, rounds, took, samples);

        // What a live capture does with each frame: names are looked for as well.
        let mut engine = Engine::new(hosts(), 0, Limits::default(), true);
        let took = feed(count, rounds, |at, bytes, wire_len| {
            engine.see(&Captured { link: LinkType::Ethernet, at, bytes, wire_len });
        });
        let Ok(batch) = engine.collect(end, &mut Nobody);
        assert!(batch.losses.is_exact(), "{:?}", batch.losses);
        tell("engine", count, rounds, took, batch.flows.into_iter());
    }
}

/// `rounds` segments of each of `count` connections, in turn, each with new bytes, and each acknowledged. How long that took.
fn feed(count: u32, rounds: u32, mut see: impl FnMut(BootTime, &[u8], u64)) -> Duration {
    let mut frames: Vec<[Vec<u8>; 2]> = (0..count).map(|flow| [data(flow), ack(flow)]).collect();
    let (begun, on_cpu) = (Instant::now(), cpu_time());
    for round in 0..rounds {
        let at = BootTime(u64::from(round));
        for [data, ack] in &mut frames {
            // What is sent after 4 GiB has the numbers of what was sent before, and is new all the same.
            data[SEQ..SEQ + 4].copy_from_slice(&round.wrapping_mul(PAYLOAD).to_be_bytes());
            ack[ACK..ACK + 4].copy_from_slice(&(round + 1).wrapping_mul(PAYLOAD).to_be_bytes());
            see(at, data, u64::from(54 + PAYLOAD));
            see(at, ack, 54);
        }
    }
    // What others take of the core is not the parser's.
    cpu_time().zip(on_cpu).map_or(begun.elapsed(), |(now, then)| now.saturating_sub(then))
}

fn tell(stage: &str, count: u32, rounds: u32, took: Duration, samples: impl Iterator<Item = FlowSample>) {
    let sum: u64 = samples.map(|sample| sample.counters.tx_bytes).sum();
    assert_eq!(sum, u64::from(PAYLOAD) * u64::from(count) * u64::from(rounds));
    let packets = 2 * u64::from(count) * u64::from(rounds);
    let nanos = took.as_nanos().max(1);
    let rate = u128::from(packets) * 1_000_000_000 / nanos;
    println!(
        r#"{{"stage":"{stage}","flows":{count},"packets":{packets},"cpu_nanoseconds":{nanos},"packets_per_second":{rate}}}"#
    );
}

/// What this thread had of a core, where the kernel says: proc_pid_schedstat, the first field, in nanoseconds.
fn cpu_time() -> Option<Duration> {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    said.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn data(flow: u32) -> Vec<u8> {
    frame(HERE, peer(flow), [1024 + (flow % 256) as u16, 443], &[0; PAYLOAD as usize])
}

fn ack(flow: u32) -> Vec<u8> {
    frame(peer(flow), HERE, [443, 1024 + (flow % 256) as u16], &[])
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
