//! Totals are exact; lists are what they say they are.

use proptest::prelude::*;

use super::make::{Rig, closed, closed_by, exited, flow, in_scope, process, second, seen, to, with_kernel};
use crate::{
    BootTime, CloseReason, Losses, ProcessId, Protocol, Scope,
    aggregate::tests::random::{Step, Truth, step},
    rollup::{Limits, ProcessSample, WindowOptions},
};

fn small(list_loopback: bool) -> WindowOptions {
    let limits = Limits { processes: 3, domains: 3, connections: 3 };
    WindowOptions { limits, list_loopback, ..WindowOptions::default() }
}

proptest! {
    #[test]
    fn windows_add_up_to_the_final_counters(
        steps in prop::collection::vec((step(), prop::bool::weighted(0.1)), 1..200),
        roomy in any::<bool>(),
        list_loopback in any::<bool>(),
    ) {
        let options = if roomy { WindowOptions { list_loopback, ..WindowOptions::default() } } else { small(list_loopback) };
        let (mut rig, mut truth, mut now) = (Rig::new(options), Truth::default(), 1);
        let mut sum = (0, 0, 0, 0);
        for (step, ends) in steps.iter().chain([&(Step::Snapshot { seconds: 1 }, true)]) {
            let events = match *step {
                Step::Name { process, name } => vec![seen(process, &format!("app{name}"), Some(process - 1))],
                Step::Exit { process } => vec![exited(process, now)],
                _ => vec![],
            };
            let flows = truth.samples(step, now);
            rig.apply(now, events, flows);
            if let Step::Snapshot { seconds } = step {
                rig.sums.snapshot(&super::make::quality());
                rig.poll(&[(1, 1.0, 1), (2, 2.0, 2)]);
                now += seconds;
            }
            if !ends {
                continue;
            }
            let missing = rig.window.missing_at_most();
            let rollup = rig.finish();
            let s = rollup.summary;
            sum.0 += s.total_rx_bytes + s.packet_rx_bytes;
            sum.1 += s.total_tx_bytes + s.packet_tx_bytes;
            sum.2 += rollup.connections.iter().map(|c| c.counters.opened).sum::<u64>();
            sum.3 += rollup.connections.iter().map(|c| c.counters.closed + c.counters.failed).sum::<u64>();
            // What is listed is part of the total, and with room for all it is all of it.
            let loopback = if list_loopback { 0 } else { s.loopback_rx_bytes };
            let listed = [
                rollup.processes.iter().map(|p| p.counters.rx_bytes).sum::<u64>(),
                rollup.domains.iter().map(|d| d.counters.rx_bytes).sum(),
                rollup.connections.iter().map(|c| c.counters.traffic.rx_bytes).sum(),
            ];
            for listed in listed {
                prop_assert!(listed <= s.total_rx_bytes - loopback);
                prop_assert!(!roomy || rollup.connections.len() == 20 || listed == s.total_rx_bytes - loopback);
            }
            prop_assert!(!roomy || missing == 0);
            prop_assert!(rollup.connections.iter().all(|c| c.counters.traffic.polls_seen <= rollup.period.polls));
        }
        prop_assert_eq!((sum.0, sum.1), (truth.received(), truth.sent()));
        let lives = rig.sums.snapshot(&super::make::quality()).totals.lifecycles;
        prop_assert!(sum.2 <= lives.opened && sum.3 <= lives.closed + lives.failed);
    }
}

#[test]
fn a_window_counts_only_what_moved_in_it() {
    let mut rig = Rig::default();
    rig.apply(1, vec![], vec![flow(1, 1, 100, 10)]);
    assert_eq!(rig.finish().summary.total_rx_bytes, 100);
    rig.apply(2, vec![], vec![flow(1, 1, 100, 10)]);
    let idle = rig.finish();
    assert_eq!((idle.summary.total_rx_bytes, idle.domains.len(), idle.processes.len()), (0, 0, 0));
    rig.apply(3, vec![], vec![flow(1, 1, 130, 11)]);
    let next = rig.finish();
    assert_eq!((next.summary.total_rx_bytes, next.summary.total_tx_bytes), (30, 1));
    let row = &next.processes[0].counters;
    assert_eq!((row.rx_bytes, row.tx_bytes, row.connections), (30, 1, 1));
}

#[test]
fn what_stays_within_the_host_is_in_the_totals_and_in_no_list() {
    let mut rig = Rig::default();
    let frames = in_scope(flow(2, 3, 9, 9), Scope::Packet);
    rig.apply(1, vec![], vec![flow(1, 1, 100, 10), in_scope(flow(2, 2, 1_000, 1_000), Scope::Loopback), frames]);
    let rollup = rig.finish();
    let s = rollup.summary;
    assert_eq!((s.total_rx_bytes, s.total_tx_bytes), (1_100, 1_010));
    assert_eq!((s.loopback_rx_bytes, s.loopback_tx_bytes, s.packet_rx_bytes), (1_000, 1_000, 9));
    assert_eq!((rollup.domains.len(), rollup.domains[0].counters.rx_bytes), (1, 100));
    assert_eq!(rollup.processes.iter().map(|p| p.counters.rx_bytes).collect::<Vec<_>>(), [100, 0]);
}

#[test]
fn lifecycles_belong_to_the_window_in_which_they_happened() {
    let mut rig = Rig::default();
    let refused = closed_by(flow(1, 2, 0, 0), CloseReason::Refused, 2);
    let mut refused = to(refused, "10.0.0.9:1");
    refused.socket.established = None;
    rig.apply(2, vec![], vec![flow(1, 1, 100, 10), refused]);
    let first = rig.finish();
    let lives = |n: usize| &first.connections[n].counters;
    assert_eq!((lives(0).opened, lives(0).closed, lives(0).failed, lives(0).mean_duration_ms), (1, 0, 0, None));
    assert_eq!((lives(1).opened, lives(1).closed, lives(1).failed), (1, 0, 1));
    rig.apply(9, vec![], vec![closed(flow(1, 1, 100, 10), 8), closed(flow(1, 3, 1, 1), 4)]);
    let second = &rig.finish().connections[0].counters;
    assert_eq!((second.opened, second.closed, second.mean_duration_ms), (1, 2, Some((7_000 + 3_000) / 2)));
}

#[test]
fn datagram_flows_begin_and_end_too() {
    let mut rig = Rig::default();
    let mut query = to(flow(1, 1, 100, 40), "10.0.0.53:53");
    query.socket.protocol = Protocol::Udp;
    (query.socket.opened, query.socket.established) = (None, None);
    query.counters.first = Some(second(2));
    rig.apply(3, vec![], vec![closed(query, 3)]);
    let group = &rig.finish().connections[0].counters;
    assert_eq!((group.protocol.as_str(), group.opened, group.closed), ("DNS", 1, 1));
    assert_eq!(group.mean_duration_ms, Some(1_000));
}

#[test]
fn a_remote_is_seen_once_per_poll_however_many_sockets_it_has() {
    let mut rig = Rig::default();
    for poll in 1..=5 {
        let flows = (0..10).map(|socket| flow(1, socket, poll * 10, 0)).collect();
        rig.apply(poll, vec![], if poll == 3 { vec![] } else { flows });
        rig.apply(poll, vec![], vec![]);
        rig.poll(&[(1, 10.0, 1)]);
    }
    rig.apply(9, vec![], vec![flow(1, 1, 99, 0)]);
    let rollup = rig.finish();
    assert_eq!(rollup.period.polls, 5);
    assert_eq!(rollup.processes[0].counters.polls_seen, 5);
    // Four intervals and what came after the last poll.
    assert_eq!((rollup.domains[0].counters.polls_seen, rollup.connections[0].counters.traffic.polls_seen), (5, 5));
}

#[test]
fn averages_are_over_the_polls_that_saw_the_process() {
    let mut rig = Rig::default();
    rig.poll(&[(1, 50.0, 100)]);
    rig.poll(&[(1, 150.0, 300), (2, 80.0, 10)]);
    rig.poll(&[]);
    let rollup = rig.finish();
    let (two, one) = (&rollup.processes[1].counters, &rollup.processes[0].counters);
    assert_eq!((one.average_cpu_percent, one.peak_cpu_percent, one.polls_seen), (100.0, 150.0, 2));
    assert_eq!((one.average_memory_rss_mb, one.peak_memory_rss_mb), (200.0, 300.0));
    assert_eq!((two.average_cpu_percent, two.polls_seen, rollup.period.polls), (80.0, 1, 3));
}

#[test]
fn the_first_poll_of_all_knows_no_cpu() {
    let mut rig = Rig::default();
    let sample = |percent| ProcessSample { id: process(1), name: "p", command: "", cpu_percent: percent, rss_bytes: 0 };
    rig.window.poll([sample(None)]);
    rig.window.poll([sample(Some(30.0))]);
    rig.window.poll([sample(Some(f64::NAN))]);
    let row = &rig.finish().processes[0].counters;
    assert_eq!((row.average_cpu_percent, row.polls_seen), (30.0, 3));
}

#[test]
fn a_process_that_no_poll_saw_still_counts() {
    let mut rig = Rig::default();
    rig.apply(1, vec![seen(7, "short", None)], vec![closed(flow(7, 1, 500, 5), 1)]);
    rig.apply(1, vec![exited(7, 1), seen(8, "idle", None)], vec![]);
    rig.poll(&[(1, 0.0, 1)]);
    let rollup = rig.finish();
    assert_eq!(rollup.summary.tracked_process_count, 3);
    let row = &rollup.processes[0];
    assert_eq!((row.names.name.as_str(), row.counters.polls_seen, row.counters.rx_bytes), ("short", 0, 500));
}

#[test]
fn a_reused_pid_is_another_process_and_proc_speaks_of_the_same_one() {
    let at = |start| ProcessId { tgid: 5, start: BootTime(start) };
    let mut rig = Rig::default();
    let mut sample = flow(5, 1, 100, 0);
    sample.id.process = at(1_234_567_890);
    rig.apply(1, vec![], vec![sample]);
    let poll = |start, name| ProcessSample { id: at(start), name, command: "", cpu_percent: Some(1.0), rss_bytes: 1 };
    rig.window.poll([poll(1_230_000_000, "old")]);
    rig.window.poll([poll(1_240_000_000, "new")]);
    let rollup = rig.finish();
    let rows: Vec<_> = rollup.processes.iter().map(|p| (p.names.name.as_str(), p.counters.rx_bytes)).collect();
    assert_eq!(rows, [("old", 100), ("new", 0)]);
    let started = rollup.processes[0].counters.started_at.map(|at| format!("{at:.3}"));
    assert_eq!(started.as_deref(), Some("2026-01-01T00:00:01.234Z"));
}

#[test]
fn what_got_lost_in_the_window_takes_exactness_away_for_that_window() {
    let mut rig = Rig::default();
    let end = with_kernel(closed(flow(1, 1, 10, 5), 2), (14, 5), (10, 5));
    rig.losses = Losses { unattributed_tx_bytes: 3, ring_full: 2, ..Losses::default() };
    rig.apply(1, vec![], vec![end]);
    let first = rig.finish().collector.unwrap();
    assert_eq!((first.unattributed_rx_bytes, first.unattributed_tx_bytes, first.dropped_events), (4, 3, 2));
    assert!(!first.exact);
    rig.apply(2, vec![], vec![flow(1, 2, 1, 1)]);
    let second = rig.finish().collector.unwrap();
    assert_eq!((second.unattributed_rx_bytes, second.dropped_events, second.exact), (0, 0, true));
}
