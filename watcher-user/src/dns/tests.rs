//! Tables, lines and objects to the letter, which queries are in them, and the way over the socket.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use watcher_core::{
    BootTime, ProcessId, ProcessInfo,
    names::{Carrier, NoAnswer, Query},
};

use super::{Choice, Options, json, list, table};
use crate::{
    agent::{Lookup, QueryLog},
    clock::WallClock,
    control::{Answer, Ask, Bounds, Server, Told, client::Client},
    filter::Filter,
};

const HOSTILE: &str = "evil\n\u{1b}[2J\u{202e}exe.txt";

fn second(n: u64) -> BootTime {
    BootTime(n * 1_000_000_000)
}

fn clock() -> WallClock {
    WallClock::booted_at("2026-01-02T03:04:05Z".parse().expect("a time"))
}

fn query(number: u64, tgid: u32, name: &str, kind: &str) -> Query {
    Query {
        number,
        at: second(99_900 + number),
        process: ProcessId { tgid, start: second(1) },
        name: name.into(),
        kind: kind.into(),
        server: "127.0.0.53:53".parse().expect("an address"),
        transport: Carrier::Udp,
        tries: 1,
        answers: Vec::new(),
        alias: None,
        rcode: Some("NOERROR".into()),
        truncated: false,
        failure: None,
        latency: Some(Duration::from_micros(1_234)),
    }
}

/// One of everything.
fn log() -> QueryLog {
    let error = |query: Query, rcode: &str| Query { rcode: Some(rcode.into()), ..query };
    let queries = [
        Query {
            answers: vec!["192.0.2.1".into(), "192.0.2.2".into()],
            alias: Some("edge.cdn.example".into()),
            ..query(1, 4242, "www.shop.example", "A")
        },
        query(2, 4242, "www.shop.example", "AAAA"),
        error(query(3, 810, "gone.example", "HTTPS"), "NXDOMAIN"),
        Query { latency: Some(Duration::from_millis(2_345)), ..error(query(4, 810, "bad.example", "TXT"), "SERVFAIL") },
        Query {
            rcode: None,
            latency: None,
            failure: Some(NoAnswer::Timeout),
            tries: 3,
            server: "[2001:db8::53]:5300".parse().expect("an address"),
            ..query(5, 6666, "a-very-long-name-that-goes-on-and-on.with.many.labels.example", "TYPE4711")
        },
        Query { truncated: true, transport: Carrier::Tcp, ..query(6, 6666, HOSTILE, "PTR") },
    ];
    let mut log = QueryLog::default();
    for query in queries {
        let name = match query.process.tgid {
            4242 => "firefox",
            810 => "curl",
            _ => HOSTILE,
        };
        let info = ProcessInfo {
            name: name.into(),
            command: format!("{name} -x"),
            uid: 1000,
            parent: None,
            ..ProcessInfo::default()
        };
        log.add(Arc::new(query), info);
    }
    log
}

fn shown(choice: &Choice) -> Vec<u64> {
    log().after(0).iter().filter(|row| choice.has(row)).map(|row| row.query.number).collect()
}

#[test]
fn conditions_choose() {
    let filter = |text| Filter::parse(text).expect("a filter");
    let cases = [
        (Choice::default(), vec![1, 2, 3, 4, 5, 6]),
        (Choice { pids: vec![810, 1], ..Choice::default() }, vec![3, 4]),
        (Choice { app: filter("FOX"), ..Choice::default() }, vec![1, 2]),
        (Choice { name: filter("!^(gone|bad)[.]"), ..Choice::default() }, vec![3, 4]),
        (Choice { failed: true, ..Choice::default() }, vec![3, 4, 5]),
    ];
    for (choice, numbers) in cases {
        assert_eq!(shown(&choice), numbers, "{choice:?}");
    }
}

#[test]
fn tables() {
    for room in [None, Some(120), Some(80)] {
        let text = table::write(&log().after(0), (second(100_000), clock()), &TimeZone::UTC, room);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        if let Some(room) = room {
            let widest = text.lines().map(crate::text::width).max();
            assert!(widest <= Some(room), "{widest:?}: {text}");
        }
        insta::assert_snapshot!(format!("table_{}", room.unwrap_or_default()), text);
    }
    assert_eq!(table::write(&[], (second(1), clock()), &TimeZone::UTC, None), "no queries\n");
}

#[test]
fn events() {
    let text: String = log().after(0).iter().map(|row| table::event(row, clock(), &TimeZone::UTC, Some(100))).collect();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    insta::assert_snapshot!("events", text);
}

#[test]
fn the_page_about_objects_has_every_field() {
    let page = include_str!("../../../docs/dns.md");
    let lines: Vec<serde_json::Value> = (log().after(0).iter())
        .map(|row| json::line(row, clock()))
        .inspect(|line| assert_eq!(line.find('\n'), Some(line.len() - 1), "one line"))
        .map(|line| serde_json::from_str(&line).expect("an object"))
        .collect();
    for field in lines.iter().flat_map(|line| line.as_object().expect("an object").keys()) {
        assert!(page.contains(&format!("`{field}`")), "{field}");
    }
    insta::assert_snapshot!("object", serde_json::to_string_pretty(&lines[0]).expect("JSON"));
}

/// A daemon that has seen the log, as far as this view can tell.
fn daemon(socket: &Path) -> Server {
    let (told, _orders) = Told::new();
    *told.queries.lock().expect("a log") = log();
    Server::start(socket, told, Bounds::default()).expect("a socket")
}

#[test]
fn the_log_comes_over_the_socket_from_a_number_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("control.sock");
    let _daemon = daemon(&socket);
    let mut client = Client::connect(&socket).expect("a daemon");
    for (after, numbers) in [(0, vec![1, 2, 3, 4, 5, 6]), (4, vec![5, 6]), (6, vec![]), (99, vec![])] {
        let Answer::Queries(rows) = client.ask(Ask::Queries { after }).expect("an answer") else { panic!("others") };
        assert_eq!(rows.iter().map(|row| row.query.number).collect::<Vec<_>>(), numbers);
        let expected: Vec<Arc<Lookup>> = log().after(after);
        assert_eq!(rows, expected);
    }
    let options = Options { choice: Choice::default(), limit: Some(2), follow: false, json: true, since: None };
    let text = list(client, &options).expect("a list");
    let newest: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(newest.iter().map(|line| line["number"].as_u64()).collect::<Vec<_>>(), [Some(6), Some(5)]);
}

#[test]
fn the_log_is_bounded() {
    let mut log = QueryLog::default();
    for number in 1..=5_000 {
        log.add(Arc::new(query(number, 1, "a.example", "A")), ProcessInfo::default());
    }
    assert_eq!((log.after(0).len(), log.after(0)[0].query.number, log.last()), (4_096, 905, 5_000));
}
