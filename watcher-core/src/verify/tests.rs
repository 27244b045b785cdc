//! The equations, on figures that can be reckoned by hand.

use std::collections::HashMap;

use super::*;
use crate::{
    Aggregator, Batch, BootTime, FlowSample, Losses, Protocol, Retention,
    aggregate::tests::make::{closed, flow, process, second, with_kernel},
    interfaces::Bytes,
};

const NETNS: u32 = 7;

/// A listener behind an aggregator.
struct Ear {
    aggregator: Aggregator,
    counted: Counted,
}

impl Ear {
    fn new() -> Self {
        Self { aggregator: Aggregator::new(Retention::default()), counted: Counted::default() }
    }

    fn hear(&mut self, at: u64, flows: Vec<FlowSample>) {
        let batch = Batch { at: second(at), flows, ..Batch::default() };
        self.aggregator.apply_with(&batch, &mut self.counted);
    }
}

fn tcp(cookie: u64, rx: u64, tx: u64) -> FlowSample {
    let mut sample = flow(5, cookie, rx, tx);
    sample.socket.protocol = Protocol::Tcp;
    sample.socket.netns = NETNS;
    sample
}

fn udp(cookie: u64, bytes: (u64, u64), calls: (u64, u64)) -> FlowSample {
    let mut sample = flow(5, cookie, bytes.0, bytes.1);
    sample.socket.protocol = Protocol::Udp;
    sample.socket.netns = NETNS;
    (sample.counters.rx_calls, sample.counters.tx_calls) = calls;
    sample
}

fn standing(network: Network, sockets: &[(u64, Diag)]) -> Standing {
    let sockets: HashMap<u64, Diag> = sockets.iter().copied().collect();
    Standing { network: (network.clone(), network), sockets: (sockets.clone(), sockets), queued: 0 }
}

/// What a host counts that sent so many datagrams of this payload and received none.
fn sent_datagrams(n: u64, payload: u64) -> Network {
    let sent = Packets { v4: n, octets: n * (payload + 28), ..Packets::default() };
    let mut network = Network { sent, ..Network::default() };
    network.datagrams.tx = n;
    network
}

#[test]
fn only_all_is_all() {
    assert_eq!(share(3, 3), "100.0000");
    assert_eq!(share(0, 0), "100.0000");
    assert_eq!(share(u64::MAX - 1, u64::MAX), "99.9999");
    assert_eq!(share(1, 3), "33.3333");
    assert_eq!(share(0, 9), "0.0000");
}

#[test]
fn a_span_holds_what_can_be() {
    let grown = Span::grown((10, 12), (20, 23));
    assert_eq!((grown.least, grown.most), (8, 13));
    assert_eq!(grown.beyond(Span::of(13)), 0);
    assert_eq!(grown.beyond(Span::of(15)), -2);
    assert_eq!(grown.beyond(Span::of(5)), 3);
    assert_eq!(grown - Span::between(8, 13), Span::between(-5, 5));
    assert_eq!(Span::give_or_take(5), Span::between(-5, 5));
    assert_eq!(Span::between(-2, 3).times(-2), Span::between(-6, 4));
    assert!(Span::of(4).is_exact() && !grown.is_exact());
}

#[test]
fn datagrams_explain_their_octets_to_the_byte() {
    let mut ear = Ear::new();
    ear.hear(1, vec![udp(1, (0, 500), (0, 1))]);
    ear.counted.begin();
    ear.hear(2, vec![udp(1, (0, 500 + 1_000 * 100), (0, 1 + 1_000))]);
    let payload = ear.counted.namespaces()[&NETNS];
    let report = namespace(NETNS, &payload, &Standing::default(), &standing(sent_datagrams(1_000, 100), &[]), false);
    assert!(report.is_explained(), "{report:?}");
    assert_eq!((report.sent.rest, report.sent.allowed), (Span::of(0), Span::of(0)));
    // One call that was missed shows in both.
    let report = namespace(NETNS, &payload, &Standing::default(), &standing(sent_datagrams(1_001, 100), &[]), false);
    assert_eq!((report.sent.unexplained_datagrams, report.sent.unexplained_bytes), (1, 100));
    // And one that was counted and never made.
    let report = namespace(NETNS, &payload, &Standing::default(), &standing(sent_datagrams(999, 100), &[]), false);
    assert_eq!((report.sent.unexplained_datagrams, report.sent.unexplained_bytes), (-1, -100));
}

#[test]
fn the_rest_of_tcp_must_be_headers() {
    let mut ear = Ear::new();
    ear.counted.begin();
    ear.hear(2, vec![tcp(1, 0, 10_000)]);
    let payload = ear.counted.namespaces()[&NETNS];
    let sent = |octets| {
        let sent = Packets { v4: 10, octets, ..Packets::default() };
        let network = Network { sent, ..Network::default() };
        let diag = Diag { state: 1, bytes_acked: 10_001, bytes_sent: 10_300, bytes_retrans: 300, ..Diag::default() };
        namespace(NETNS, &payload, &Standing::default(), &standing(network, &[(1, diag)]), false).sent
    };
    let exact = sent(10_300 + 10 * 52);
    assert_eq!((exact.rest, exact.allowed), (Span::of(10 * 32), Span::between(200, 600)));
    assert_eq!((exact.again, exact.queues), (Span::of(300), Span::of(0)));
    assert_eq!(exact.unexplained_bytes, 0);
    assert_eq!(sent(10_300 + 10 * 20 + 601).unexplained_bytes, 1);
    assert_eq!(sent(10_300 + 10 * 20 + 199).unexplained_bytes, -1);
}

#[test]
fn a_router_s_octets_are_not_compared() {
    let mut network = sent_datagrams(1_000, 100);
    network.forwarded = 5;
    network.sent.octets += 7_000;
    let report = namespace(NETNS, &Payload::default(), &Standing::default(), &standing(network, &[]), false);
    assert_eq!((report.forwarded, report.sent.unexplained_bytes), (5, 0));
}

#[test]
fn an_ended_socket_is_held_against_the_kernel() {
    let mut ear = Ear::new();
    ear.counted.begin();
    ear.hear(2, vec![tcp(1, 10, 20), tcp(2, 1, 2), tcp(3, 4, 4)]);
    let good = with_kernel(closed(tcp(1, 100, 200), 3), (100, 200), (100, 200));
    let bad = with_kernel(closed(tcp(2, 5, 7), 3), (5, 9), (5, 7));
    let mut older = closed(tcp(3, 8, 8), 3);
    older.socket.seeded = true;
    ear.hear(3, vec![good, bad, older]);
    let ended = ear.counted.ended();
    assert_eq!((ended.truth.checked, ended.truth.unbalanced, ended.truth.unattributed_tx), (2, 1, 2));
    assert_eq!((ended.kernel, ended.calls), (Bytes { rx: 105, tx: 209 }, Bytes { rx: 105, tx: 207 }));
    assert_eq!((ended.older, ended.older_bytes), (1, Bytes { rx: 8, tx: 8 }));
    assert_eq!(ended.unbalanced.len(), 1);
    assert!(ear.counted.open().is_empty());
    let verdict = Verdict { ended: ended.clone(), ..Verdict::default() }.judged();
    assert_eq!(verdict.attributed_percent, "99.3630");
    assert_eq!(verdict.unexplained, ["1 of 2 TCP connections that ended do not balance: 2 bytes missing, 0 too many"]);
}

#[test]
fn what_was_there_before_the_time_is_not_in_it() {
    let mut ear = Ear::new();
    ear.hear(1, vec![tcp(1, 10, 20), udp(2, (5, 5), (1, 1))]);
    ear.counted.begin();
    ear.hear(2, vec![tcp(1, 13, 27), udp(2, (5, 9), (1, 2))]);
    let payload = ear.counted.namespaces()[&NETNS];
    assert_eq!((payload.tcp, payload.udp), (Bytes { rx: 3, tx: 7 }, Bytes { rx: 0, tx: 4 }));
    assert_eq!(payload.udp_calls, Calls { rx: 0, tx: 1 });
    let programs = ear.counted.programs();
    assert_eq!((programs.len(), programs[0].netns, programs[0].bytes), (1, NETNS, Bytes { rx: 3, tx: 11 }));
}

#[test]
fn losses_make_it_unexplained() {
    let losses = Losses { recursion_misses: 1, ..Losses::default() };
    assert_eq!(Verdict { losses, ..Verdict::default() }.judged().unexplained.len(), 1);
    let late = Losses { ring_full: 9, ..Losses::default() };
    assert!(Verdict { losses: late, ..Verdict::default() }.judged().unexplained.is_empty());
}

/// One open socket that has sent `calls` by its calls and `diag` by the kernel; `in_call` is what `/proc` would say.
fn open(calls: (u64, u64), before: Diag, after: Diag, in_call: bool) -> OpenReport {
    let mut ear = Ear::new();
    ear.counted.begin();
    ear.hear(2, vec![tcp(1, calls.0, calls.1)]);
    let sockets = (HashMap::from([(1, before)]), HashMap::from([(1, after)]));
    let end = HashMap::from([(NETNS, Standing { sockets, ..Standing::default() })]);
    sockets_of(&ear.counted, &end, in_call)
}

fn sockets_of(counted: &Counted, end: &HashMap<u32, Standing>, in_call: bool) -> OpenReport {
    sockets(counted, &HashMap::new(), end, |question| {
        assert_eq!(question.process, process(5));
        in_call
    })
}

fn diag(received: u64, unread: u32, acked: u64, unacked: u32) -> Diag {
    // With the SYN.
    Diag { state: 1, bytes_received: received, unread, bytes_acked: acked + 1, unacked, ..Diag::default() }
}

#[test]
fn an_open_socket_that_rests_balances_to_the_byte() {
    let rests = diag(120, 20, 300, 100);
    let report = open((100, 400), rests, rests, false);
    assert_eq!((report.checked, report.equal, report.unexplained_sockets), (1, 1, 0));
    let report = open((99, 400), rests, rests, true);
    assert_eq!((report.equal, report.unexplained_sockets, report.unexplained[0].rx), (0, 1, 1));
    let report = open((100, 401), rests, rests, true);
    assert_eq!((report.equal, report.unexplained_sockets, report.unexplained[0].tx), (0, 1, -1));
}

#[test]
fn a_sending_call_under_way_explains_what_it_has_sent_and_nothing_else_does() {
    let rests = diag(0, 0, 300, 100);
    let report = open((0, 350), rests, rests, true);
    assert_eq!((report.calls_under_way, report.under_way, report.unexplained_sockets), (1, 50, 0));
    assert_eq!(open((0, 350), rests, rests, false).unexplained_sockets, 1);
}

#[test]
fn a_socket_that_moves_lies_in_between() {
    let report = open((110, 450), diag(100, 0, 400, 0), diag(120, 0, 500, 0), false);
    assert_eq!((report.moving, report.equal, report.unexplained_sockets), (1, 0, 0));
    let report = open((150, 450), diag(100, 0, 400, 0), diag(120, 0, 500, 0), false);
    assert_eq!(report.unexplained_sockets, 1);
}

#[test]
fn a_syn_and_a_fin_carry_no_byte() {
    let closing = Diag { state: 4, bytes_acked: 101, unacked: 11, ..Diag::default() };
    assert_eq!(closing.accepted(true), 110);
    assert_eq!(closing.accepted(false), 111);
    let eaten = Diag { state: 8, bytes_received: 51, ..Diag::default() };
    assert_eq!((eaten.consumed(), eaten.arrived()), (50, 50));
    let waiting = Diag { state: 8, bytes_received: 51, unread: 11, ..Diag::default() };
    assert_eq!((waiting.consumed(), waiting.arrived()), (40, 50));
    assert_eq!(BootTime::default(), BootTime(0));
}
