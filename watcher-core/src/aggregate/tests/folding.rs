//! What is forgotten, when, and that no sum notices.

use std::time::Instant;

use super::make::{Rig, closed, exited, flow, seen, to};
use crate::{PerScope, Snapshot, Traffic};

fn received(traffic: &PerScope<Traffic>) -> u64 {
    traffic.network.rx_bytes + traffic.loopback.rx_bytes + traffic.packet.rx_bytes
}

/// Every way to add up a snapshot gives the same.
pub fn assert_whole(snapshot: &Snapshot) -> u64 {
    let total = received(&snapshot.totals.traffic);
    let listed = snapshot.processes.iter().map(|row| received(&row.traffic));
    let under = snapshot.processes.iter().chain(&snapshot.ancestors).map(|row| received(&row.ended_descendants));
    let processes = listed.chain(under).sum::<u64>() + received(&snapshot.unlisted);
    assert_eq!(processes, total, "processes");
    assert_eq!(snapshot.remotes.iter().map(|row| received(&row.traffic)).sum::<u64>(), total, "remotes");
    assert_eq!(snapshot.apps.iter().map(|row| received(&row.traffic)).sum::<u64>(), total, "applications");
    total
}

#[test]
fn what_has_ended_is_reported_once_even_where_nothing_is_kept() {
    let mut rig = Rig::forgetful();
    rig.apply(1, vec![seen(1, "curl", None)], vec![closed(flow(1, 1, 7, 0), 1)]);
    let snapshot = rig.step(1, vec![exited(1, 1)], vec![]);
    assert_eq!((snapshot.flows.len(), snapshot.processes.len()), (1, 1));
    assert!(snapshot.processes[0].exited.is_some());
    let snapshot = rig.step(2, vec![], vec![]);
    assert_eq!((snapshot.flows.len(), snapshot.processes.len()), (0, 0));
    assert_eq!(assert_whole(&snapshot), 7);
    assert_eq!(snapshot.apps[0].name, "curl");
}

#[test]
fn ended_flows_and_processes_stay_until_they_are_too_old() {
    let mut rig = Rig::new();
    rig.step(1, vec![], vec![closed(flow(1, 1, 7, 0), 1), flow(1, 2, 0, 0)]);
    assert_eq!(rig.step(31, vec![exited(1, 31)], vec![closed(flow(1, 2, 0, 0), 31)]).flows.len(), 2);
    rig.step(32, vec![], vec![]);
    assert_eq!(rig.step(33, vec![], vec![]).flows.len(), 1);
    assert_eq!(rig.step(331, vec![], vec![]).processes.len(), 1);
    rig.step(332, vec![], vec![]);
    assert_eq!(rig.step(333, vec![], vec![]).processes.len(), 0);
}

#[test]
fn a_process_with_an_open_flow_does_not_fold() {
    let mut rig = Rig::forgetful();
    rig.step(1, vec![exited(1, 1)], vec![flow(1, 1, 7, 0)]);
    assert_eq!(rig.step(1_000, vec![], vec![]).processes.len(), 1);
    let last = rig.step(1_001, vec![], vec![closed(flow(1, 1, 9, 0), 1_001)]);
    assert_eq!(received(&last.processes[0].traffic), 9);
    assert_eq!(rig.step(1_002, vec![], vec![]).processes.len(), 0);
}

#[test]
fn a_late_sample_of_a_folded_flow_adds_only_what_is_new() {
    let mut rig = Rig::forgetful();
    rig.step(1, vec![exited(1, 1)], vec![closed(flow(1, 1, 7, 0), 1)]);
    assert_eq!(assert_whole(&rig.step(2, vec![], vec![closed(flow(1, 1, 7, 0), 1)])), 7);
    let snapshot = rig.step(3, vec![], vec![flow(1, 1, 10, 0)]);
    assert_eq!((assert_whole(&snapshot), snapshot.flows.len()), (10, 0));
}

#[test]
fn the_bytes_of_a_folded_process_go_to_its_nearest_living_ancestor() {
    let mut rig = Rig::forgetful();
    let events = vec![seen(1, "init", None), seen(2, "sh", Some(1)), seen(3, "sh", Some(2)), seen(4, "curl", Some(3))];
    rig.step(1, events, vec![closed(flow(4, 1, 7, 0), 1)]);
    rig.step(2, vec![exited(3, 2), exited(4, 2)], vec![]);
    let snapshot = rig.step(20, vec![exited(2, 20)], vec![]);
    let under = |snapshot: &Snapshot| -> Vec<(u32, u64)> {
        let rows = snapshot.ancestors.iter().map(|row| (row.id.tgid, received(&row.ended_descendants)));
        rows.filter(|(_, bytes)| *bytes > 0).collect()
    };
    assert_eq!((assert_whole(&snapshot), under(&snapshot)), (7, vec![(3, 7)]));
    let snapshot = rig.step(21, vec![], vec![]);
    assert_eq!((assert_whole(&snapshot), under(&snapshot)), (7, vec![(2, 7)]));
    rig.step(40, vec![], vec![]);
    let snapshot = rig.step(41, vec![exited(1, 41)], vec![]);
    assert_eq!((assert_whole(&snapshot), under(&snapshot)), (7, vec![(1, 7)]));
    rig.step(60, vec![], vec![]);
    let snapshot = rig.step(61, vec![], vec![]);
    assert_eq!((assert_whole(&snapshot), received(&snapshot.unlisted)), (7, 7));
}

#[test]
fn a_child_of_a_forgotten_process_hangs_under_the_next_ancestor() {
    let mut rig = Rig::new();
    let events = vec![seen(1, "init", None), seen(2, "sh", Some(1)), seen(3, "curl", Some(2)), exited(2, 1)];
    rig.step(1, events, vec![flow(3, 1, 7, 0)]);
    rig.step(10, vec![], vec![]);
    let snapshot = rig.step(11, vec![seen(3, "curl2", Some(2))], vec![]);
    assert_eq!(snapshot.processes[0].info.parent.map(|id| id.tgid), Some(1));
    assert_eq!(snapshot.ancestors.len(), 1);
}

#[test]
fn an_exit_that_is_read_before_the_bytes_loses_no_name() {
    let mut rig = Rig::new();
    rig.step(1, vec![seen(1, "curl", None), exited(1, 1)], vec![]);
    let snapshot = rig.step(2, vec![], vec![closed(flow(1, 1, 7, 0), 1)]);
    assert_eq!((snapshot.apps[0].name.as_str(), snapshot.apps[0].processes), ("curl", 0));
}

#[test]
fn remotes_without_flows_gather_beyond_the_limit() {
    let mut rig = Rig::forgetful();
    let flows = (1..=9).map(|n| closed(to(flow(1, n, n, 0), &format!("10.0.0.{n}:1")), 1)).collect();
    assert_eq!(rig.step(1, vec![], flows).remotes.len(), 9);
    let snapshot = rig.step(2, vec![], vec![]);
    let rows: Vec<_> = snapshot.remotes.iter().map(|row| row.traffic.network.rx_bytes).collect();
    assert_eq!((assert_whole(&snapshot), rows), (45, vec![28, 8, 9]));
    assert_eq!(snapshot.remotes[0].traffic.network.rx_rate, 0.0);
}

#[test]
fn a_storm_of_short_connections_leaves_little_behind() {
    let mut rig = Rig::new();
    let flows: Vec<_> = (0..200_000).map(|n| closed(flow(n as u32 % 50, n, 3, 1), 1)).collect();
    let began = Instant::now();
    let snapshot = rig.step(1, vec![], flows);
    assert_eq!((snapshot.flows.len(), assert_whole(&snapshot)), (200_000, 600_000));
    let snapshot = rig.step(2, vec![], vec![]);
    eprintln!("200,000 connections: {:?}", began.elapsed());
    assert_eq!((snapshot.flows.len(), assert_whole(&snapshot)), (2_000, 600_000));
    let life = snapshot.totals.lifecycles;
    assert_eq!((life.opened, life.closed, life.failed), (200_000, 200_000, 0));
}

#[test]
fn ten_thousand_flows_a_second_are_little_work() {
    let mut rig = Rig::new();
    let batch = |round: u64| -> Vec<_> { (0..10_000).map(|n| flow(n as u32 % 200, n, n + round, round)).collect() };
    rig.step(1, vec![], batch(1));
    let flows = batch(2);
    let began = Instant::now();
    let snapshot = rig.step(2, vec![], flows);
    eprintln!("10,000 flows: {:?}", began.elapsed());
    assert_eq!(snapshot.totals.traffic.network.rx_rate, 10_000.0);
}
