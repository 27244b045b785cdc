//! Which rows a rollup has.

use super::make::{Rig, flow, seen, to};
use crate::rollup::{Limits, ProcessSample, WindowOptions};

fn pids(rollup: &crate::rollup::Rollup) -> Vec<u32> {
    rollup.processes.iter().map(|process| process.names.pid).collect()
}

#[test]
fn six_processes_by_bytes_then_by_cpu_then_by_memory() {
    let mut rig = Rig::default();
    rig.apply(1, vec![], (1..=8).map(|n| flow(n, u64::from(n), u64::from(n) * 100, 0)).collect());
    let busy = (1..=30).map(|n| (n, if n > 20 { f64::from(n) } else { 0.0 }, u64::from(n))).collect::<Vec<_>>();
    rig.poll(&busy);
    assert_eq!(pids(&rig.finish()), [8, 7, 6, 5, 4, 3, 30, 29, 28, 27, 26, 25]);
    rig.apply(2, vec![], vec![flow(1, 1, 101, 0)]);
    rig.poll(&[(1, 0.0, 5), (2, 0.0, 5), (3, 0.0, 50), (4, 1.0, 1)]);
    // No bytes, no place by bytes: the next are chosen by CPU, then memory, then pid.
    assert_eq!(pids(&rig.finish()), [1, 4, 3, 2]);
}

#[test]
fn lists_are_bounded_and_heaviest_first() {
    let mut rig = Rig::default();
    let flows = (0..50).map(|n| to(flow(n % 25, u64::from(n), u64::from(n), 1), &format!("10.0.1.{n}:443")));
    rig.apply(1, vec![], flows.collect());
    let rollup = rig.finish();
    assert_eq!((rollup.processes.len(), rollup.domains.len(), rollup.connections.len()), (6 + 6, 20, 20));
    assert_eq!(rollup.domains[0].names.domain.as_str(), "10.0.1.49");
    assert!(rollup.domains.is_sorted_by(|a, b| a.counters.rx_bytes >= b.counters.rx_bytes));
    let s = rollup.summary;
    assert_eq!((s.tracked_process_count, s.tracked_domain_count, s.tracked_connection_count), (25, 50, 50));
    assert_eq!((s.total_rx_bytes, s.total_tx_bytes), ((0..50).sum(), 50));
}

#[test]
fn connections_are_grouped_by_process_protocol_and_remote() {
    let mut rig = Rig::default();
    let mut flows: Vec<_> = (0..3).map(|n| flow(1, n, 10, 0)).collect();
    flows.push(to(flow(1, 3, 5, 0), "10.0.0.2:80"));
    flows.push(flow(2, 4, 7, 0));
    rig.apply(1, vec![seen(1, "curl", None)], flows);
    let rollup = rig.finish();
    let rows: Vec<_> = rollup
        .connections
        .iter()
        .map(|c| (c.names.pid, c.counters.protocol.as_str(), c.counters.traffic.rx_bytes, c.counters.opened))
        .collect();
    assert_eq!(rows, [(1, "HTTPS", 30, 3), (2, "HTTPS", 7, 1), (1, "HTTP", 5, 1)]);
    assert_eq!(rollup.connections[0].names.process_name.as_str(), "curl");
    assert_eq!((rollup.domains.len(), rollup.domains[0].counters.rx_bytes), (1, 42));
}

#[test]
fn the_heaviest_are_right_however_many_others_there_are() {
    let limits = Limits { processes: 200, domains: 200, connections: 200 };
    let mut rig = Rig::new(WindowOptions { limits, ..WindowOptions::default() });
    let mut counters = [0_u64; 20];
    for round in 0..1_000_u64 {
        // A hundred new processes, remotes and connections of ten bytes each, and twenty old ones that go on.
        let short = (0..100).map(|n| {
            let id = 1_000 + round * 100 + n;
            let remote = format!("10.{}.{}.{}:443", 1 + (id >> 16), (id >> 8) & 255, id & 255);
            to(flow(id as u32, id, 10, 0), &remote)
        });
        let flows: Vec<_> = short.collect();
        rig.apply(round, vec![], flows);
        let flows = counters.iter_mut().zip(1_u32..).map(|(bytes, n)| {
            *bytes += 100 * u64::from(n);
            to(flow(n, u64::from(n), *bytes, 0), &format!("10.0.0.{n}:443"))
        });
        let flows = flows.collect();
        rig.apply(round, vec![], flows);
    }
    let missing = rig.window.missing_at_most();
    let rollup = rig.finish();
    let total = rollup.summary.total_rx_bytes;
    assert_eq!(total, 1_000 * 100 * 10 + counters.iter().sum::<u64>());
    assert!(missing <= 2 * total / 200);
    assert_eq!(pids(&rollup)[..6], [20, 19, 18, 17, 16, 15]);
    let exact: Vec<u64> = counters.iter().rev().copied().collect();
    assert_eq!(rollup.domains.iter().map(|d| d.counters.rx_bytes).collect::<Vec<_>>(), exact);
    assert_eq!(rollup.connections.iter().map(|c| c.counters.traffic.rx_bytes).collect::<Vec<_>>(), exact);
    assert_eq!(rollup.summary.tracked_domain_count, 100_020);
}

#[test]
fn short_bursts_of_cpu_are_found_among_thousands_of_processes_that_ended() {
    let limits = Limits { processes: 800, ..Limits::default() };
    let mut rig = Rig::new(WindowOptions { limits, ..WindowOptions::default() });
    for poll in 0..200_u32 {
        // Fifty new ones each time, one of them busy in proportion to its number; a hundred run all the time.
        let short = (0..50).map(|n| (1_000 + poll * 50 + n, if n == 0 { f64::from(poll) } else { 0.5 }, 1));
        let long = (1..=100).map(|n| (n, 0.1, 1));
        rig.poll(&short.chain(long).collect::<Vec<_>>());
    }
    let rollup = rig.finish();
    let wanted: Vec<u32> = (0..12).map(|n| 1_000 + (199 - n) * 50).collect();
    assert_eq!(pids(&rollup), wanted);
    assert_eq!(rollup.summary.tracked_process_count, 200 * 50 + 100);
}

#[test]
fn a_process_that_is_sampled_is_named_by_the_sample_until_a_collector_knows_better() {
    let mut rig = Rig::default();
    let id = super::make::process(1);
    let sample = |name| ProcessSample { id, name, command: "", cpu_percent: None, rss_bytes: 0 };
    rig.window.poll([sample("sh")]);
    rig.window.poll([sample("curl")]);
    rig.apply(1, vec![], vec![flow(1, 1, 1, 1)]);
    assert_eq!(rig.finish().processes[0].names.name.as_str(), "curl");
    rig.apply(2, vec![], vec![flow(1, 1, 2, 1)]);
    rig.window.poll([sample("curl")]);
    rig.apply(2, vec![seen(1, "curl-real", None)], vec![]);
    rig.window.poll([sample("curl")]);
    assert_eq!(rig.finish().processes[0].names.name.as_str(), "curl-real");
}
