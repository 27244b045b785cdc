//! Connections, each counted once, and the truth equations.

use super::make::{Rig, closed, closed_by, flow, quality, second, with_kernel};
use crate::{Batch, CloseReason, FlowSample, FlowState, Lifecycles, Losses, Protocol, TcpState};

fn counts(batches: &[Vec<FlowSample>]) -> Lifecycles {
    let mut rig = Rig::forgetful();
    let steps = batches.iter().enumerate().map(|(n, flows)| rig.step(n as u64 + 1, vec![], flows.clone()));
    steps.last().expect("a batch").totals.lifecycles
}

fn all(opened: u64, established: u64, closed: u64, failed: u64) -> Lifecycles {
    Lifecycles { opened, established, closed, failed }
}

fn never_established(cookie: u64) -> FlowSample {
    let mut sample = flow(1, cookie, 0, 0);
    sample.socket.established = None;
    sample.state = FlowState::Tcp(TcpState::SynSent);
    sample
}

fn seeded(cookie: u64) -> FlowSample {
    let mut sample = flow(1, cookie, 0, 0);
    (sample.socket.seeded, sample.socket.opened, sample.socket.established) = (true, None, None);
    sample
}

#[test]
fn each_stage_is_counted_once_however_often_it_is_told() {
    let (syn, open, end) = (never_established(1), flow(1, 1, 1, 1), closed(flow(1, 1, 1, 1), 3));
    let told =
        vec![vec![syn.clone(), syn], vec![open.clone(), open.clone()], vec![end.clone(), end.clone()], vec![end, open]];
    assert_eq!(counts(&told), all(1, 1, 1, 0));
}

#[test]
fn a_connection_within_one_sample_counts_whole() {
    assert_eq!(counts(&[vec![closed(flow(1, 1, 1, 1), 1)]]), all(1, 1, 1, 0));
}

#[test]
fn a_second_process_on_a_socket_is_not_another_connection() {
    let flows = vec![flow(1, 1, 1, 1), flow(2, 1, 1, 1)];
    let ends = flows.iter().cloned().map(|sample| closed(sample, 2)).collect();
    assert_eq!(counts(&[flows, ends, vec![closed(flow(3, 1, 1, 1), 2)]]), all(1, 1, 1, 0));
}

#[test]
fn a_socket_that_vanished_is_closed_once_in_all_its_processes() {
    let mut rig = Rig::new();
    rig.step(1, vec![], vec![flow(1, 1, 1, 1), flow(2, 1, 1, 1), flow(3, 2, 1, 1)]);
    for at in [2, 3] {
        let vanished = vec![flow(1, 1, 0, 0).id.socket, flow(1, 9, 0, 0).id.socket];
        rig.0.apply(&Batch { at: second(at), vanished, ..Batch::default() });
    }
    let snapshot = rig.step(4, vec![], vec![]);
    assert_eq!(snapshot.totals.lifecycles, all(2, 2, 1, 0));
    let open = |pid: u32| {
        snapshot
            .flows
            .iter()
            .any(|row| row.id().process.tgid == pid && !matches!(row.sample.state, FlowState::Closed { .. }))
    };
    assert_eq!([1, 2, 3].map(open), [false, false, true]);
}

#[test]
fn a_reused_socket_is_another_connection() {
    let mut again = flow(1, 1, 1, 1);
    again.id.socket.epoch = 1;
    assert_eq!(counts(&[vec![closed(flow(1, 1, 1, 1), 1)], vec![again]]), all(2, 2, 1, 0));
}

#[test]
fn a_refused_connect_failed() {
    assert_eq!(counts(&[vec![closed_by(never_established(1), CloseReason::Refused, 1)]]), all(1, 0, 0, 1));
}

#[test]
fn a_seeded_socket_was_not_opened_here_but_closes() {
    assert_eq!(counts(&[vec![seeded(1)], vec![closed(seeded(1), 2)]]), all(0, 0, 1, 0));
    let mut with_times = seeded(1);
    (with_times.socket.opened, with_times.socket.established) = (Some(second(0)), Some(second(0)));
    assert_eq!(counts(&[vec![with_times.clone()], vec![closed(with_times, 2)]]), all(0, 0, 1, 0));
}

#[test]
fn datagrams_and_listeners_are_not_connections() {
    let mut udp = flow(1, 1, 1, 1);
    udp.socket.protocol = Protocol::Udp;
    let mut listener = flow(1, 2, 0, 0);
    (listener.socket.opened, listener.socket.established) = (None, None);
    listener.state = FlowState::Tcp(TcpState::Listen);
    let ends = vec![closed(udp.clone(), 2), closed_by(listener.clone(), CloseReason::Released, 2)];
    assert_eq!(counts(&[vec![udp, listener], ends]), all(0, 0, 0, 0));
}

#[test]
fn what_the_kernel_knows_and_no_call_explains_is_unattributed() {
    let mut rig = Rig::forgetful();
    let short = with_kernel(closed(flow(1, 1, 90, 50), 1), (100, 50), (90, 50));
    let excess = with_kernel(closed(flow(1, 2, 5, 9), 1), (5, 7), (5, 9));
    let good = with_kernel(closed(flow(1, 3, 5, 9), 1), (5, 9), (5, 9));
    rig.step(1, vec![], vec![short.clone(), excess, good]);
    let truth = rig.step(2, vec![], vec![short]).totals.truth;
    assert_eq!((truth.checked, truth.unbalanced), (3, 2));
    assert_eq!((truth.unattributed_rx, truth.unattributed_tx, truth.excess_rx, truth.excess_tx), (10, 0, 0, 2));
}

#[test]
fn bytes_that_no_map_had_room_for_are_unattributed() {
    let mut rig = Rig::new();
    let losses = Losses { unattributed_tx_bytes: 7, unattributed_rx_bytes: 8, ..Losses::default() };
    for _ in 0..2 {
        rig.0.apply(&Batch { losses, ..Batch::default() });
    }
    let totals = rig.0.snapshot(&quality()).totals;
    assert_eq!((totals.truth.unattributed_tx, totals.truth.unattributed_rx), (7, 8));
    assert_eq!(totals.losses, losses);
}
