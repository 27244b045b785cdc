//! Tables, lines and objects to the letter, and which connections are in them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use watcher_core::{
    BootTime, CloseReason, Counters, Direction, FlowId, FlowRow, FlowSample, FlowState, ProcessId, ProcessInfo,
    ProcessRow, Protocol, Quality, Scope, Snapshot, SocketId, SocketInfo, TcpState, Totals, Traffic,
};

use super::{Choice, Lifecycle, Stage, json, kind::Kind, lifecycle::merged, table};
use crate::{agent::Ended, clock::WallClock, filter::Filter, users::Users};

const HOSTILE: &str = "evil\n\u{1b}[2J\u{202e}exe.txt";

fn second(n: u64) -> BootTime {
    BootTime(n * 1_000_000_000)
}

fn now() -> BootTime {
    second(100_000)
}

fn clock() -> WallClock {
    WallClock::booted_at("2026-01-02T03:04:05Z".parse().expect("a time"))
}

/// A TCP connection that was opened then.
fn sample(tgid: u32, remote: &str, opened: u64, moved: (u64, u64)) -> FlowSample {
    let process = ProcessId { tgid, start: second(1) };
    let remote: SocketAddr = remote.parse().expect("an address");
    FlowSample {
        id: FlowId { socket: SocketId { cookie: u64::from(tgid) << 16 | opened, epoch: 0 }, process, remote: None },
        socket: SocketInfo {
            protocol: Protocol::Tcp,
            local: "10.0.0.1:40000".parse().expect("an address"),
            remote: Some(remote),
            direction: Direction::Outgoing,
            netns: 1,
            seeded: false,
            owner: process,
            opened: Some(second(opened)),
            established: Some(second(opened)),
        },
        scope: if remote.ip().is_loopback() { Scope::Loopback } else { Scope::Network },
        counters: Counters { rx_bytes: moved.0, tx_bytes: moved.1, ..Counters::default() },
        state: FlowState::Tcp(TcpState::Established),
        kernel: None,
        wire: None,
    }
}

fn closed(sample: FlowSample, reason: CloseReason, at: u64) -> FlowSample {
    FlowSample { state: FlowState::Closed { reason, at: second(at) }, ..sample }
}

fn info(name: &str) -> ProcessInfo {
    ProcessInfo {
        name: name.to_owned(),
        command: format!("{name} --flag"),
        uid: 1000,
        parent: None,
        ..ProcessInfo::default()
    }
}

fn snapshot(rows: &[(FlowSample, &str)]) -> Snapshot {
    let mut processes: Vec<ProcessRow> =
        rows.iter().map(|(sample, name)| ProcessRow::new(sample.id.process, info(name))).collect();
    processes.sort_by_key(|row| row.id);
    let flow = |sample: &FlowSample| {
        let (rx_bytes, tx_bytes) = (sample.counters.rx_bytes, sample.counters.tx_bytes);
        FlowRow {
            sample: sample.clone(),
            traffic: Traffic { rx_bytes, tx_bytes, rx_rate: 5.0, tx_rate: 7.0 },
            known: watcher_core::names::Known::default(),
        }
    };
    Snapshot {
        at: now(),
        interval: Duration::from_secs(1),
        quality: Quality { backend: "ebpf".into(), grade: watcher_core::Grade::Pid, degraded: Vec::new() },
        totals: Totals::default(),
        processes,
        ancestors: Vec::new(),
        unlisted: Default::default(),
        flows: rows.iter().map(|(sample, _)| flow(sample)).collect(),
        remotes: Vec::new(),
        apps: Vec::new(),
    }
}

fn ended(number: u64, sample: FlowSample, name: &str) -> Arc<Ended> {
    Arc::new(Ended { number, process: info(name), sample, known: watcher_core::names::Known::default() })
}

/// One of everything.
fn lives() -> Vec<Lifecycle> {
    let six = "[2001:db8:85a3:1234:5678:8a2e:370:7334]:443";
    let mut older = sample(300, "203.0.113.250:22", 3, (9, 9));
    (older.socket.opened, older.socket.established, older.socket.seeded) = (None, None, true);
    older.socket.direction = Direction::Unknown;
    let mut incoming = sample(810, "198.51.100.23:53122", 99_990, (48_000, 9_400_000));
    (incoming.socket.direction, incoming.state) = (Direction::Incoming, FlowState::Tcp(TcpState::CloseWait));
    let snapshot = snapshot(&[
        (sample(4242, six, 99_000, (1_234, 567)), "firefox"),
        (older, "sshd"),
        (incoming, "nginx"),
        (closed(sample(4311, "198.51.100.9:80", 99_950, (0, 0)), CloseReason::Refused, 99_951), "curl"),
        (sample(900, "127.0.0.1:5432", 99_999, (70_000, 90_000)), "postgres"),
    ]);
    let mut dns = sample(6666, "9.9.9.9:53", 98_000, (120, 60));
    (dns.socket.protocol, dns.id.remote) = (Protocol::Udp, dns.socket.remote);
    let ended = [
        ended(1, closed(sample(4312, "198.51.100.9:80", 2_000, (200_000, 900)), CloseReason::Fin, 2_003), "curl"),
        ended(2, closed(dns, CloseReason::Released, 98_001), HOSTILE),
        // Also in the snapshot.
        ended(3, closed(sample(4311, "198.51.100.9:80", 99_950, (0, 0)), CloseReason::Refused, 99_951), "curl"),
    ];
    merged(&snapshot, &ended)
}

fn users() -> Users {
    Users::new(|uid| (uid == 1000).then(|| "anna".to_owned()))
}

fn shown(choice: &Choice) -> Vec<u32> {
    lives().iter().filter(|row| choice.has(row)).map(|row| row.flow.sample.id.process.tgid).collect()
}

#[test]
fn each_is_there_once_and_the_newest_first() {
    let all = Choice { include_loopback: true, ..Choice::default() };
    assert_eq!(shown(&all), [900, 810, 4311, 4242, 6666, 4312, 300]);
    assert_eq!(shown(&Choice::default()), [810, 4311, 4242, 6666, 4312, 300]);
}

#[test]
fn conditions_choose() {
    let filter = |text| Filter::parse(text).expect("a filter");
    let stage = |text| Some(Stage::parse(text).expect("a state"));
    let cases = [
        (Choice { pids: vec![810, 300], ..Choice::default() }, vec![810, 300]),
        (Choice { app: filter("FOX"), ..Choice::default() }, vec![4242]),
        (Choice { remote: filter("443"), ..Choice::default() }, vec![4242]),
        (Choice { remote: filter("198.51.100."), ..Choice::default() }, vec![810, 4311, 4312]),
        (Choice { stage: stage("open"), ..Choice::default() }, vec![810, 4242, 300]),
        (Choice { stage: stage("closed"), ..Choice::default() }, vec![4311, 6666, 4312]),
        (Choice { stage: stage("close-wait"), ..Choice::default() }, vec![810]),
        (Choice { stage: stage("REFUSED"), ..Choice::default() }, vec![4311]),
    ];
    for (choice, pids) in cases {
        assert_eq!(shown(&choice), pids, "{choice:?}");
    }
    let within: Vec<u32> = (lives().iter().filter(|row| row.is_within(Duration::from_secs(1_000), now())))
        .map(|row| row.flow.sample.id.process.tgid)
        .collect();
    assert_eq!(within, [900, 810, 4311, 4242]);
    assert!(Stage::parse("half").expect_err("none").contains("expected open, closed, a TCP state (established,"));
}

#[test]
fn long_and_slow_is_background_and_short_and_much_is_a_burst() {
    let kind = |sample: FlowSample| {
        let rows = merged(&snapshot(&[(sample, "x")]), &[]);
        Kind::of(&rows[0], now()).map(Kind::name)
    };
    let with = |opened, bytes| sample(1, "192.0.2.1:1", opened, (bytes, 0));
    assert_eq!(kind(with(99_400, 600 * 1024 - 1)), Some("background"));
    assert_eq!(kind(with(99_400, 600 * 1024)), None);
    assert_eq!(kind(with(99_401, 1)), None);
    assert_eq!(kind(closed(with(10, 65_536), CloseReason::Fin, 70)), Some("burst"));
    assert_eq!(kind(closed(with(10, 65_536), CloseReason::Fin, 71)), None);
    assert_eq!(kind(closed(with(10, 65_535), CloseReason::Fin, 11)), None);
    assert_eq!(kind(with(99_999, 1 << 30)), None, "it may go on");
}

#[test]
fn tables() {
    for room in [None, Some(120), Some(80), Some(60)] {
        let text = table::write(&lives(), &users(), (now(), clock()), &TimeZone::UTC, room);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        if let Some(room) = room.filter(|room| *room >= 80) {
            let widest = text.lines().map(crate::text::width).max();
            assert!(widest <= Some(room), "{widest:?}: {text}");
        }
        insta::assert_snapshot!(format!("table_{}", room.unwrap_or_default()), text);
    }
    assert_eq!(table::write(&[], &users(), (now(), clock()), &TimeZone::UTC, None), "no connections\n");
}

#[test]
fn events() {
    let text: String = lives().iter().map(|row| table::event(row, now(), clock(), &TimeZone::UTC, Some(100))).collect();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    insta::assert_snapshot!("events", text);
}

#[test]
fn the_page_about_objects_has_every_field() {
    let page = [include_str!("../../../docs/connections.md"), include_str!("../../../docs/json.md")].concat();
    let lines: Vec<serde_json::Value> = lives()
        .iter()
        .map(|row| json::line(row, Some("opened"), &users(), now(), clock()))
        .inspect(|line| assert_eq!(line.find('\n'), Some(line.len() - 1), "one line"))
        .map(|line| serde_json::from_str(&line).expect("an object"))
        .collect();
    for field in lines.iter().flat_map(|line| line.as_object().expect("an object").keys()) {
        assert!(page.contains(&format!("`{field}`")), "{field}");
        assert!(!field.ends_with("_rate"), "{field}");
    }
    insta::assert_snapshot!("object", serde_json::to_string_pretty(&lines[1]).expect("JSON"));
}
