//! How many packets per second go through parser, flows and engine, from memory, on one core:
//! `cargo bench -p macos-pcap`; `cargo xtask bench packets` holds it against a limit.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Bencher, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use etherparse::PacketBuilder;
use macos_pcap::engine::{Captured, Engine};
use macos_pcap::flows::{Flows, Hosts, Limits, Owner, Sight};
use macos_pcap::link::{LinkType, open};
use macos_pcap::owners::Nobody;
use macos_pcap::packet::parse;
use watcher_core::{BootTime, FlowSample};

/// So many connections at once.
const FLOWS: [u32; 3] = [1, 100, 10_000];
const PAYLOAD: u32 = 1000;
/// What a capture keeps of each.
const KEPT: usize = 128;
/// Where the sequence number is: Ethernet, IPv4, ports.
const SEQ: usize = 14 + 20 + 4;
const ACK: usize = SEQ + 4;
const HERE: [u8; 4] = [10, 0, 0, 1];

fn hosts() -> Hosts {
    Hosts::new([IpAddr::from(HERE)])
}

/// Parser and flows alone.
fn flows(criterion: &mut Criterion<OnProcessor>) {
    measure(
        criterion,
        "flows",
        || Flows::new(hosts(), Limits::default()),
        |flows, at, bytes, wire_len| {
            let frame = open(LinkType::Ethernet, bytes, wire_len).expect("a frame");
            flows.see(&parse(&frame).expect("a packet"), &Sight { at, way: None, slot: 0, pid: None });
        },
        |mut flows, end| flows.take(end, |_| Owner::Nobody).into_iter().map(|observed| observed.sample).collect(),
    );
}

/// What a live capture does with each frame: names are looked for as well.
fn engine(criterion: &mut Criterion<OnProcessor>) {
    measure(
        criterion,
        "engine",
        || Engine::new(hosts(), 0, Limits::default(), true),
        |engine, at, bytes, wire_len| engine.see(&Captured { link: LinkType::Ethernet, at, bytes, wire_len }),
        |mut engine, end| {
            let Ok(batch) = engine.collect(end, &mut Nobody);
            assert!(batch.losses.is_exact(), "{:?}", batch.losses);
            batch.flows
        },
    );
}

/// Each round is a segment of each connection, in turn, with new bytes, and its acknowledgement. Nothing may be missing at
/// the end.
fn measure<T>(
    criterion: &mut Criterion<OnProcessor>,
    stage: &str,
    new: impl Fn() -> T,
    see: impl Fn(&mut T, BootTime, &[u8], u64),
    end: impl Fn(T, BootTime) -> Vec<FlowSample>,
) {
    let mut group = criterion.benchmark_group(stage);
    for count in FLOWS {
        group.throughput(Throughput::Elements(2 * u64::from(count)));
        let mut frames: Vec<[Vec<u8>; 2]> = (0..count).map(|flow| [data(flow), ack(flow)]).collect();
        let (mut seen, mut round) = (new(), 0_u32);
        // For each sample anew, and the connections go on: what they begin with is read once.
        let sample = |bencher: &mut Bencher<'_, OnProcessor>| {
            bencher.iter(|| {
                let at = BootTime(u64::from(round));
                for [data, ack] in &mut frames {
                    // What is sent after 4 GiB has the numbers of what was sent before, and is new all the same.
                    data[SEQ..SEQ + 4].copy_from_slice(&round.wrapping_mul(PAYLOAD).to_be_bytes());
                    ack[ACK..ACK + 4].copy_from_slice(&(round + 1).wrapping_mul(PAYLOAD).to_be_bytes());
                    see(&mut seen, at, data, u64::from(54 + PAYLOAD));
                    see(&mut seen, at, ack, 54);
                }
                round += 1;
            });
        };
        group.bench_function(BenchmarkId::from_parameter(count), sample);
        let sum: u64 = end(seen, BootTime(u64::from(round))).iter().map(|sample| sample.counters.tx_bytes).sum();
        assert_eq!(sum, u64::from(PAYLOAD) * u64::from(count) * u64::from(round));
    }
}

/// The time that this thread had of a processor: what others take of it is not the parser's.
struct OnProcessor;

impl Measurement for OnProcessor {
    type Intermediate = (Instant, Option<Duration>);
    type Value = Duration;

    fn start(&self) -> Self::Intermediate {
        (Instant::now(), on_processor())
    }

    fn end(&self, (begun, then): Self::Intermediate) -> Duration {
        on_processor().zip(then).map_or_else(|| begun.elapsed(), |(now, then)| now.saturating_sub(then))
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

#[cfg(target_os = "linux")]
fn on_processor() -> Option<Duration> {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok().map(Duration::from)
}

#[cfg(not(target_os = "linux"))]
fn on_processor() -> Option<Duration> {
    None
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

fn frame(source: [u8; 4], destination: [u8; 4], ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4(source, destination, 64)
        .tcp(ports[0], ports[1], 0, 1024)
        .ack(0)
        .write(&mut bytes, payload)
        .expect("memory takes everything");
    bytes.truncate(KEPT);
    bytes
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(OnProcessor);
    targets = flows, engine
}
criterion_main!(benches);
