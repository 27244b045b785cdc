//! What insights take of the heap at most, counted by the allocator: a daemon that must stay small holds them all day.

mod counting;

use std::sync::{Arc, atomic::Ordering};

use watcher_core::{
    BootTime, CloseReason, Counters, Delta, Direction, FlowId, FlowSample, FlowState, Lifecycles, Losses,
    Observer as _, PerScope, ProcessId, ProcessInfo, Protocol, Scope, SocketId, SocketInfo, Truth,
    insights::Insights,
    names::{Known, Name, NameSource, Observed},
};

use counting::{NOW, PEAK};

/// Of the daemon's 60 MiB.
const MOST: usize = 2 << 20;

fn sample(n: u64) -> FlowSample {
    let at = BootTime(n * 10_000_000);
    let process = ProcessId { tgid: 7, start: BootTime(1) };
    FlowSample {
        id: FlowId { socket: SocketId { cookie: n, epoch: 0 }, process, remote: None },
        socket: SocketInfo {
            protocol: Protocol::Tcp,
            local: "192.0.2.7:40000".parse().expect("an address"),
            remote: Some("203.0.113.9:443".parse().expect("an address")),
            direction: Direction::Outgoing,
            netns: 1,
            seeded: false,
            owner: process,
            opened: Some(at),
            established: Some(at),
        },
        scope: Scope::Network,
        counters: Counters { tx_bytes: 60 << 20, rx_bytes: 1, first: Some(at), last: Some(at), ..Counters::default() },
        state: FlowState::Closed { reason: CloseReason::Fin, at },
        kernel: None,
        wire: None,
    }
}

/// One connection of the `n`th application to a name as long as DNS allows, heavy enough to be kept.
fn tell(insights: &mut Insights, n: u64) {
    let sample = sample(n);
    let name = format!("{:x<60}.{:y<60}.{:z<60}.{n:a<60}.com", "", "", "");
    let name = Name::new(&name, NameSource::Sni).expect("a name");
    let known = Known { name: Some(Arc::new(name)), protocol: Some(Observed::Tls), ..Known::default() };
    let info = ProcessInfo { name: format!("{:b<250}", n % 880), ..ProcessInfo::default() };
    insights.flow(&Delta {
        sample: &sample,
        info: &info,
        rx_bytes: 1,
        tx_bytes: 60 << 20,
        scope: Scope::Network,
        remote: sample.socket.remote.map(|remote| remote.ip()),
        known: &known,
        first: true,
        ended: true,
        lifecycles: Lifecycles::default(),
        open: PerScope::default(),
    });
    insights.losses(&Losses::default(), &Truth::default());
}

/// The only test here: nothing else allocates meanwhile.
#[test]
fn a_hundred_thousand_remotes_take_two_mebibytes_at_most() {
    let before = NOW.load(Ordering::Relaxed);
    let mut insights = Insights::default();
    for n in 0..100_000 {
        tell(&mut insights, n);
    }
    let report = insights.report(BootTime(u64::MAX));
    assert_eq!(report.len(), 20, "heavy ones of one kind");
    let (held, peak) = (NOW.load(Ordering::Relaxed) - before, PEAK.load(Ordering::Relaxed) - before);
    println!("held {held}, at most {peak}");
    assert!(held > MOST / 4, "{held} bytes: the tables were not filled");
    assert!(peak <= MOST, "{peak} bytes");
}
