//! Sums and rates.

use super::make::{Rig, closed, exited, flow, in_scope, process, second, seen, to, with_kernel};
use crate::{FlowState, Scope, TcpState};

#[test]
fn a_rate_is_over_the_time_between_the_batches_of_two_snapshots() {
    let mut rig = Rig::new();
    let first = rig.step(10, vec![], vec![flow(1, 1, 100, 10)]);
    assert_eq!(first.interval.as_secs(), 0);
    assert_eq!(first.processes[0].traffic.network.rx_rate, 0.0);
    rig.apply(11, vec![], vec![flow(1, 1, 200, 10)]);
    let second = rig.step(14, vec![], vec![flow(1, 1, 500, 18)]);
    let traffic = second.processes[0].traffic.network;
    assert_eq!((traffic.rx_bytes, traffic.tx_bytes, traffic.rx_rate, traffic.tx_rate), (500, 18, 100.0, 2.0));
    assert_eq!(second.flows[0].traffic, traffic);
    assert_eq!(second.remotes[0].traffic.network, traffic);
    assert_eq!(second.apps[0].traffic.network, traffic);
    assert_eq!(second.totals.traffic.network, traffic);
    let third = rig.step(15, vec![], vec![]);
    assert_eq!(third.totals.traffic.network.rx_rate, 0.0);
    assert_eq!(third.totals.traffic.network.rx_bytes, 500);
}

#[test]
fn the_same_sample_twice_does_no_harm() {
    let mut rig = Rig::new();
    rig.apply(1, vec![], vec![flow(1, 1, 100, 10), flow(1, 1, 100, 10)]);
    let snapshot = rig.step(2, vec![], vec![flow(1, 1, 100, 10)]);
    assert_eq!(snapshot.totals.traffic.network.rx_bytes, 100);
    assert_eq!(snapshot.processes[0].connections.network, 1);
}

#[test]
fn a_stale_sample_takes_nothing_away_and_brings_no_old_state_back() {
    let mut rig = Rig::new();
    let mut newer = flow(1, 1, 100, 10);
    newer.state = FlowState::Tcp(TcpState::FinWait1);
    let snapshot = rig.step(1, vec![], vec![newer.clone(), flow(1, 1, 40, 10)]);
    assert_eq!(snapshot.totals.traffic.network.rx_bytes, 100);
    assert_eq!(snapshot.flows[0].sample, newer);
}

#[test]
fn a_closed_flow_never_reopens() {
    let mut rig = Rig::new();
    let end = closed(flow(1, 1, 100, 10), 1);
    let snapshot = rig.step(1, vec![], vec![end.clone(), flow(1, 1, 100, 10)]);
    assert_eq!(snapshot.flows[0].sample, end);
    assert_eq!(snapshot.processes[0].connections.network, 0);
}

#[test]
fn scopes_never_mix() {
    let mut rig = Rig::new();
    let flows = vec![
        flow(1, 1, 1, 2),
        in_scope(flow(1, 2, 10, 20), Scope::Loopback),
        in_scope(flow(1, 3, 100, 200), Scope::Packet),
    ];
    let snapshot = rig.step(1, vec![], flows);
    let traffic = snapshot.processes[0].traffic;
    assert_eq!((traffic.network.rx_bytes, traffic.loopback.rx_bytes, traffic.packet.rx_bytes), (1, 10, 100));
    assert_eq!(traffic.shown(true).tx_bytes, 22);
    assert_eq!(snapshot.processes[0].connections.loopback, 1);
}

#[test]
fn a_scope_may_change_until_the_first_byte() {
    let mut rig = Rig::new();
    let silent = flow(1, 1, 0, 0);
    let snapshot = rig.step(1, vec![], vec![silent.clone(), in_scope(silent, Scope::Loopback)]);
    assert_eq!((snapshot.processes[0].connections.network, snapshot.processes[0].connections.loopback), (0, 1));
    let moved = in_scope(flow(1, 1, 5, 0), Scope::Loopback);
    let snapshot = rig.step(2, vec![], vec![moved, in_scope(flow(1, 1, 9, 0), Scope::Network)]);
    assert_eq!(snapshot.totals.traffic.loopback.rx_bytes, 9);
    assert_eq!(snapshot.totals.traffic.network.rx_bytes, 0);
}

#[test]
fn bytes_stay_with_the_remote_they_were_exchanged_with() {
    let mut rig = Rig::new();
    rig.apply(1, vec![], vec![to(flow(1, 1, 5, 0), "10.0.0.2:1")]);
    let snapshot = rig.step(2, vec![], vec![to(flow(1, 1, 12, 0), "10.0.0.3:1")]);
    let row = |n: usize| (snapshot.remotes[n].traffic.network.rx_bytes, snapshot.remotes[n].connections);
    assert_eq!((row(0), row(1)), ((5, 0), (7, 1)));
    assert_eq!((snapshot.remotes[0].processes, snapshot.remotes[1].processes), (0, 1));
}

#[test]
fn a_remote_counts_processes_not_flows() {
    let mut rig = Rig::new();
    let snapshot = rig.step(1, vec![], vec![flow(1, 1, 1, 1), flow(1, 2, 1, 1), flow(2, 2, 1, 1)]);
    assert_eq!((snapshot.remotes[0].connections, snapshot.remotes[0].processes), (3, 2));
}

#[test]
fn all_bytes_of_a_process_go_by_its_newest_name() {
    let mut rig = Rig::new();
    rig.apply(1, vec![seen(1, "sh", None)], vec![flow(1, 1, 5, 0)]);
    let snapshot = rig.step(2, vec![seen(1, "curl", None)], vec![flow(1, 1, 9, 0)]);
    assert_eq!(snapshot.apps.len(), 1);
    assert_eq!((snapshot.apps[0].name.as_str(), snapshot.apps[0].traffic.network.rx_bytes), ("curl", 9));
}

#[test]
fn a_name_that_comes_late_is_taken() {
    let mut rig = Rig::new();
    assert_eq!(rig.step(1, vec![], vec![flow(1, 1, 5, 0)]).apps[0].name, "");
    assert_eq!(rig.step(2, vec![seen(1, "curl", None)], vec![]).apps[0].name, "curl");
}

#[test]
fn a_process_that_moved_nothing_is_not_listed_but_is_an_ancestor() {
    let mut rig = Rig::new();
    let events =
        vec![seen(1, "init", None), seen(2, "sh", Some(1)), seen(3, "curl", Some(2)), seen(4, "idle", Some(1))];
    let snapshot = rig.step(1, events, vec![flow(3, 1, 1, 1)]);
    assert_eq!(snapshot.processes.len(), 1);
    let ancestors: Vec<u32> = snapshot.ancestors.iter().map(|row| row.id.tgid).collect();
    assert_eq!(ancestors, [1, 2]);
    assert_eq!(snapshot.process(process(2)).map(|row| row.info.name.as_str()), Some("sh"));
    assert_eq!(snapshot.process(process(4)), None);
}

#[test]
fn parents_in_a_circle_end_nothing() {
    let mut rig = Rig::forgetful();
    let events = vec![seen(1, "a", Some(2)), seen(2, "b", Some(1)), seen(3, "c", Some(2))];
    rig.step(1, events, vec![flow(3, 1, 1, 1)]);
    let snapshot = rig.step(20, vec![exited(1, 2), exited(2, 2)], vec![]);
    assert_eq!(snapshot.ancestors.len(), 2);
    assert_eq!(rig.step(30, vec![], vec![]).ancestors.len(), 0);
}

#[test]
fn the_kernel_has_a_name_without_being_told() {
    let mut rig = Rig::new();
    let mut sample = flow(1, 1, 1, 1);
    sample.id.process = crate::ProcessId::KERNEL;
    assert_eq!(rig.step(1, vec![], vec![sample]).processes[0].info.name, "kernel");
}

#[test]
fn a_snapshot_is_as_of_the_newest_batch() {
    let mut rig = Rig::new();
    rig.apply(5, vec![], vec![]);
    assert_eq!(rig.step(3, vec![], vec![]).at, second(5));
}

#[derive(Default)]
struct Listener {
    told: Vec<(u64, u64, bool, bool, u64, u32)>,
    unattributed: u64,
}

impl crate::Observer for Listener {
    fn flow(&mut self, delta: &crate::Delta<'_>) {
        let lives = delta.lifecycles.opened + delta.lifecycles.closed;
        self.told.push((delta.rx_bytes, delta.tx_bytes, delta.first, delta.ended, lives, delta.open.network));
    }

    fn losses(&mut self, losses: &crate::Losses, truth: &crate::Truth) {
        self.unattributed += losses.unattributed_rx_bytes + truth.unattributed_rx;
    }
}

#[test]
fn an_observer_is_told_what_each_sample_added_and_no_more() {
    let mut sums = crate::Aggregator::new(crate::Retention::default());
    let mut listener = Listener::default();
    let end = with_kernel(closed(flow(1, 1, 30, 5), 2), (34, 5), (30, 5));
    let samples = vec![flow(1, 1, 10, 5), flow(1, 1, 10, 5), end];
    for _ in 0..2 {
        let losses = crate::Losses { unattributed_rx_bytes: 7, ..crate::Losses::default() };
        let batch = crate::Batch { flows: samples.clone(), losses, ..crate::Batch::default() };
        sums.apply_with(&batch, &mut listener);
    }
    assert_eq!(
        listener.told[..3],
        [(10, 5, true, false, 1, 1), (0, 0, false, false, 0, 1), (20, 0, false, true, 1, 0)]
    );
    assert!(listener.told[3..].iter().all(|told| *told == (0, 0, false, false, 0, 0)));
    // Four bytes that a socket did not balance by, and seven that no map had room for; absolute counters, told once.
    assert_eq!(listener.unattributed, 11);
}
