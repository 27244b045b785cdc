//! The history of a running daemon: the bytes that were sent, whatever happens to the daemon, the disk and the day.
#![cfg(target_os = "linux")]
#![expect(dead_code, reason = "the daemon and the far end are those of tests/views")]

#[path = "views/daemon.rs"]
mod daemon;
#[path = "views/disk.rs"]
mod disk;
#[path = "views/faketime.rs"]
mod faketime;
#[path = "views/far.rs"]
mod far;

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use nix::sys::signal::Signal;
use serde_json::Value;
use watcher_core::history::{By, Choice, Query, Report, Sort, Step};
use watcher_user::{
    control::{Answer, Ask, client::Client, socket_path},
    history::{FILE, History},
};

use daemon::{Home, objects, wait_for};
use disk::Disk;
use faketime::Clock;
use far::Far;

fn query(by: By) -> Query {
    Query {
        from: None,
        until: None,
        by,
        choice: Choice::default(),
        sort: Sort::Name,
        limit: 10_000,
        step: None,
        zone: None,
    }
}

/// As an ordinary user asks: with everything up to now.
fn asked(home: &Home, query: Query) -> Report {
    let answer = Client::connect(&socket_path(&home.state())).expect("a daemon").ask(Ask::History(query));
    match answer.expect("an answer") {
        Answer::History(report) => *report,
        other => panic!("{other:?}"),
    }
}

/// As it is written.
fn written(home: &Home, query: &Query) -> Report {
    let mut history = History::open(&home.state().join(FILE), TimeZone::UTC).expect("a history");
    history.report(query).expect("a report")
}

/// What a process sent by a report of processes.
fn sent(report: &Report, pid: u32) -> u64 {
    let rows = report.rows.iter().filter(|row| row.process.as_ref().is_some_and(|process| process.pid == pid));
    rows.map(|row| row.amount.tx_bytes).sum()
}

fn often(home: &Home) {
    home.configure("[collect]\nsample_interval = \"1s\"\n[history]\ninterval = \"1s\"\n");
}

#[test]
fn top_the_history_and_the_rollup_say_what_was_sent() {
    let home = Home::new();
    let _daemon = home.run();
    let far = Far::new();
    let sender = far.send(1_234_567);
    let pid = sender.pid();
    let report = asked(&home, query(By::Process));
    assert_eq!(sent(&report, pid), 1_234_567);
    for by in [By::Application, By::Domain, By::User] {
        let other = asked(&home, query(by));
        let of_rows: u64 = other.rows.iter().map(|row| row.amount.tx_bytes).sum();
        assert_eq!(of_rows, other.total.tx_bytes, "{by:?}");
        assert!(other.total.tx_bytes >= 1_234_567, "{by:?}");
    }
    let domains = asked(&home, query(By::Domain));
    let address = far.address().ip().to_string();
    assert_eq!(domains.rows.iter().find(|row| row.name == address).map(|row| row.amount.tx_bytes), Some(1_234_567));
    let top = objects(&home.say(&["top", "--attach", "--json", "--once", "-d", "0.2"]));
    let rows = top[0]["processes"].as_array().expect("a list");
    let of_top = rows.iter().find(|row| row["pid"] == pid).map(|row| row["tx_bytes"].as_u64());
    assert_eq!(of_top, Some(Some(1_234_567)));
    // The rollup's open window is renewed with each sample.
    wait_for("the bytes in the open window", || {
        let answer = Client::connect(&socket_path(&home.state())).ok()?.ask(Ask::Window).ok()?;
        let Answer::Window(rollup) = answer else { return None };
        let rollup = serde_json::to_value(&*rollup).expect("JSON");
        let processes = rollup["processes"].as_array().expect("a list");
        processes.iter().find(|row| row["pid"] == pid && row["tx_bytes"] == 1_234_567).map(|_| ())
    });
    sender.end();
}

#[test]
fn a_stop_loses_nothing_and_a_kill_what_was_not_written() {
    let home = Home::new();
    often(&home);
    let far = Far::new();
    let daemon = home.run();
    let first = far.send(400_001).end();
    wait_for("the first bytes in the file", || {
        (home.state().join(FILE).exists() && sent(&written(&home, &query(By::Process)), first) == 400_001).then_some(())
    });
    daemon.end(Signal::SIGKILL);
    let daemon = home.run();
    let second = far.send(500_002).end();
    // Told to stop at once: the last seconds are written then.
    daemon.end(Signal::SIGTERM);
    let daemon = home.run();
    let third = far.send(600_003).end();
    daemon.end(Signal::SIGKILL);
    let report = written(&home, &query(By::Process));
    assert_eq!((sent(&report, first), sent(&report, second)), (400_001, 500_002));
    assert!([0, 600_003].contains(&sent(&report, third)), "{}", sent(&report, third));
    // Along each line the same, also after the kill.
    let totals = [By::Application, By::Process, By::Domain, By::User].map(|by| written(&home, &query(by)).total);
    assert!(totals.iter().all(|total| (total.rx_bytes, total.tx_bytes) == (totals[0].rx_bytes, totals[0].tx_bytes)));
}

#[test]
fn two_readers_see_sums_grow_while_it_is_written() {
    let home = Home::new();
    often(&home);
    let far = Far::new();
    let daemon = home.run();
    wait_for("a file", || History::open(&home.state().join(FILE), TimeZone::UTC).ok());
    let done = AtomicBool::new(false);
    let total = std::thread::scope(|scope| {
        let reader = || {
            let (mut reports, mut before) = (0_u32, 0);
            while !done.load(Ordering::Relaxed) {
                let report = written(&home, &query(By::Process));
                let now: u64 = report.rows.iter().map(|row| row.amount.tx_bytes).sum();
                assert!(now >= before && now == report.total.tx_bytes, "{before} {now}");
                (reports, before) = (reports + 1, now);
            }
            assert!(reports > 20, "{reports}");
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        let mut total = 0;
        for round in 0..8 {
            let sender = far.send(10_000 + round);
            let pid = sender.pid();
            wait_for("the bytes in the file", || {
                (sent(&written(&home, &query(By::Process)), pid) == 10_000 + round).then_some(())
            });
            sender.end();
            total += 10_000 + round;
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().expect("a reader"));
        total
    });
    daemon.end(Signal::SIGTERM);
    assert!(written(&home, &query(By::Process)).total.tx_bytes >= total);
}

#[test]
fn what_a_full_disk_did_not_take_is_written_when_there_is_room() {
    let home = Home::new();
    often(&home);
    let _disk = Disk::mount(&home.state(), "2m");
    let far = Far::new();
    let daemon = home.run();
    let first = far.send(100_001).end();
    wait_for("the first bytes", || (sent(&written(&home, &query(By::Process)), first) == 100_001).then_some(()));
    let mut ballast = fs::File::create(home.state().join("ballast")).expect("a file");
    while ballast.write_all(&[0; 4096]).is_ok() {}
    let mut pids = Vec::new();
    // A reader that stays: what is written after it began cannot take the place of what was before, and needs room.
    let reader = rusqlite::Connection::open(home.state().join(FILE)).expect("a database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM open;").expect("a moment that is read");
    for round in 0..12 {
        pids.push((far.send(200_000 + round).end(), 200_000 + round));
        // What is asked for in this state is answered or refused, not waited for.
        let answer = Client::connect(&socket_path(&home.state())).expect("a daemon").ask(Ask::History(query(By::User)));
        drop(answer);
    }
    let kept_out = |(pid, bytes): &(u32, u64)| sent(&written(&home, &query(By::Process)), *pid) != *bytes;
    assert!(pids.iter().any(kept_out), "the disk was not full");
    drop(reader);
    fs::remove_file(home.state().join("ballast")).expect("gone");
    drop(ballast);
    daemon.end(Signal::SIGTERM);
    let report = written(&home, &query(By::Process));
    for (pid, bytes) in pids {
        assert_eq!(sent(&report, pid), bytes);
    }
}

#[test]
fn bytes_before_midnight_are_of_the_day_before() {
    let home = Home::new();
    let midnight: Timestamp = "2026-06-15T03:30:00Z".parse().expect("a time");
    let clock = Clock::of(&home);
    clock.set_to(midnight - SignedDuration::from_secs(20));
    let begun = Instant::now();
    // POSIX counts hours west of Greenwich.
    let daemon = clock.run(&home, "<HERE>+03:30");
    let far = Far::new();
    let before = far.send(300_001).end();
    wait_for("them to be counted", || (sent(&asked(&home, query(By::Process)), before) == 300_001).then_some(()));
    assert!(begun.elapsed().as_secs() < 18, "this machine is too slow for this test");
    // It is the event: nothing tells of a midnight but the clock.
    std::thread::sleep(Duration::from_millis(21_100).saturating_sub(begun.elapsed()));
    let after = far.send(500_002).end();
    wait_for("them to be counted", || (sent(&asked(&home, query(By::Process)), after) == 500_002).then_some(()));
    let day = |from, until| asked(&home, Query { from, until, step: Some(Step::Day), ..query(By::Process) });
    let (yesterday, today) = (day(None, Some(midnight)), day(Some(midnight), None));
    assert_eq!((sent(&yesterday, before), sent(&yesterday, after)), (300_001, 0));
    assert_eq!((sent(&today, before), sent(&today, after)), (0, 500_002));
    // The daemon's own days begin there too.
    let both = day(None, None);
    assert_eq!(both.bins.len(), 2, "{:?}", both.bins);
    assert_eq!((both.bins[0].until, both.bins[1].from), (midnight, midnight));
    daemon.end(Signal::SIGTERM);
    let report = written(&home, &query(By::Process));
    assert_eq!((sent(&report, before), sent(&report, after)), (300_001, 500_002));
}

/// Central Europe's, for machines that have no zones.
const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

#[test]
fn a_day_on_which_the_clocks_change_has_what_came_before_and_after() {
    for (change, hours) in [("2026-03-29T01:00:00Z", 23), ("2026-10-25T01:00:00Z", 25)] {
        let home = Home::new();
        often(&home);
        let change: Timestamp = change.parse().expect("a time");
        let hour = |hours: i64| change + SignedDuration::from_hours(hours);
        let clock = Clock::of(&home);
        clock.set_to(hour(-12));
        let daemon = clock.run(&home, BERLIN);
        let far = Far::new();
        let counted = |bytes: u64| {
            let pid = far.send(bytes).end();
            let what = || (sent(&asked(&home, query(By::Process)), pid) == bytes).then_some(());
            wait_for("them to be counted", what);
            pid
        };
        let yesterday = counted(100_001);
        clock.set_to(change - SignedDuration::from_secs(12));
        let begun = Instant::now();
        let before = counted(200_002);
        assert!(begun.elapsed().as_secs() < 10, "this machine is too slow for this test");
        // It is the event: nothing tells of a change but the clock.
        std::thread::sleep(Duration::from_millis(13_100).saturating_sub(begun.elapsed()));
        let after = counted(300_003);
        clock.set_to(hour(36));
        let tomorrow = counted(400_004);
        let pids = [yesterday, before, after, tomorrow];
        let of = |from: Timestamp, until: Timestamp| {
            let report = asked(&home, Query { from: Some(from), until: Some(until), ..query(By::Process) });
            pids.map(|pid| sent(&report, pid))
        };
        let midnight = hour(if hours == 23 { -2 } else { -3 });
        let next = midnight + SignedDuration::from_hours(hours);
        assert_eq!(of(midnight, next), [0, 200_002, 300_003, 0], "{hours} hours");
        assert_eq!(of(hour(-1), change), [0, 200_002, 0, 0], "{hours} hours");
        assert_eq!(of(change, hour(1)), [0, 0, 300_003, 0], "{hours} hours");
        assert_eq!(of(hour(-24), midnight), [100_001, 0, 0, 0], "{hours} hours");
        assert_eq!(of(next, hour(48)), [0, 0, 0, 400_004], "{hours} hours");
        // The daemon's own day is that long.
        let days = asked(&home, Query { step: Some(Step::Day), ..query(By::Process) }).bins;
        assert!(days.iter().any(|day| (day.from, day.until) == (midnight, next)), "{hours} hours: {days:?}");
        daemon.end(Signal::SIGTERM);
        let report = written(&home, &query(By::Process));
        assert_eq!(pids.map(|pid| sent(&report, pid)), [100_001, 200_002, 300_003, 400_004]);
    }
}

#[test]
fn a_clock_that_is_set_moves_bytes_to_its_time_and_loses_none() {
    let home = Home::new();
    often(&home);
    let clock = Clock::of(&home);
    let daemon = clock.run(&home, "UTC");
    let far = Far::new();
    let hour = 3_600;
    let mut sent_at = Vec::new();
    // Back over an hour that is over, forward over a day, and home again.
    for (round, offset) in [0, -2 * hour, 30 * hour, -26 * hour, 0].into_iter().enumerate() {
        clock.set(offset);
        let bytes = 100_001 + round as u64;
        let pid = far.send(bytes).end();
        wait_for("them in the file", || (sent(&written(&home, &query(By::Process)), pid) == bytes).then_some(()));
        sent_at.push((pid, bytes, offset));
    }
    daemon.end(Signal::SIGTERM);
    let report = written(&home, &query(By::Process));
    let now = Timestamp::now().as_second();
    for (pid, bytes, offset) in &sent_at {
        assert_eq!(sent(&report, *pid), *bytes, "at {offset}");
        // Within the minutes of this test, by the clock of that time.
        let around = |seconds: i64| Some(Timestamp::from_second(now + offset + seconds).expect("a time"));
        let then = written(&home, &Query { from: around(-600), until: around(600), ..query(By::Process) });
        assert_eq!(sent(&then, *pid), *bytes, "at {offset}");
        let same =
            sent_at.iter().filter(|(_, _, other)| other == offset).map(|(pid, ..)| sent(&then, *pid)).sum::<u64>();
        assert_eq!(sent_at.iter().map(|(pid, ..)| sent(&then, *pid)).sum::<u64>(), same, "nothing else at {offset}");
    }
    let lines = [By::Application, By::Domain, By::User].map(|by| written(&home, &query(by)).total);
    assert!(lines.iter().all(|line| (line.rx_bytes, line.tx_bytes) == (report.total.rx_bytes, report.total.tx_bytes)));
}

#[test]
fn what_iperf3_counted_is_in_the_history() {
    let home = Home::new();
    let _daemon = home.run();
    let far = Far::new();
    let (near, far_end) = (far.near.as_str(), far.far.as_str());
    let inside = |space: &str, words: &[&str]| {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", space]).args(words).stdin(Stdio::null());
        command
    };
    let address = far.address().ip().to_string();
    let server =
        inside(far_end, &["iperf3", "-s", "-1", "-B", &address, "--forceflush"]).stdout(Stdio::piped()).spawn();
    let mut server = server.expect("iperf3: `cargo xtask setup` installs it");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(server.stdout.take().expect("stdout")));
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("Server listening"))));
    let client = inside(near, &["iperf3", "-c", &address, "-n", "300M", "-J"]).stdout(Stdio::piped()).spawn();
    let client = client.expect("iperf3");
    let pid = client.id();
    let said: Value = serde_json::from_slice(&client.wait_with_output().expect("its end").stdout).expect("JSON");
    // To its end, so that it does not write into a closed pipe.
    lines.for_each(drop);
    server.wait().expect("its end");
    let counted = said["end"]["sum_sent"]["bytes"].as_u64().expect("a number");
    let port = said["start"]["connected"][0]["local_port"].as_u64().expect("a port");
    // iperf3 says nothing of its control connection; the connections of the process do.
    let rows = objects(&home.say(&["connections", "--json", "--pid", &pid.to_string()]));
    let of = |stream: bool| -> u64 {
        let rows =
            rows.iter().filter(|row| row["local"].as_str().is_some_and(|l| l.ends_with(&format!(":{port}"))) == stream);
        rows.filter_map(|row| row["tx_bytes"].as_u64()).sum()
    };
    // Each stream begins with a cookie of 37 bytes.
    assert_eq!(of(true), counted + 37, "{rows:?}");
    assert_eq!(sent(&asked(&home, query(By::Process)), pid), of(true) + of(false));
}

#[test]
fn stats_asks_the_daemon_and_has_the_last_second() {
    let home = Home::new();
    let daemon = home.run();
    let far = Far::new();
    let sender = far.send(1_000_001);
    // Not written yet: an interval is ten seconds.
    let said = objects(&home.say(&["stats", "processes", "--json", "--graph", "second", "--period", "hour"]));
    let rows = said[0]["rows"].as_array().expect("rows");
    let own = rows.iter().find(|row| row["pid"] == sender.pid()).expect("the sender");
    assert_eq!(own["tx_bytes"], 1_000_001, "{own}");
    // A second is told of when it is over.
    wait_for("its second", || {
        let said = objects(&home.say(&["stats", "--json", "--graph", "second", "--period", "hour"]));
        let bins = said[0]["bins"].as_array().expect("bins");
        bins.iter().any(|bin| bin["tx_bytes"].as_u64() >= Some(1_000_001)).then_some(())
    });
    sender.end();
    // Interfaces of this namespace: veth ends of the other ones are theirs.
    let interfaces = objects(&home.say(&["stats", "interfaces", "--json"]));
    assert!(interfaces[0]["rows"].is_array(), "{interfaces:?}");
    daemon.end(Signal::SIGTERM);
    let said = objects(&home.say(&["stats", "processes", "--json"]));
    let rows = said[0]["rows"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["tx_bytes"] == 1_000_001), "{rows:?}");
}

#[test]
fn who_asks_all_the_time_does_not_slow_it() {
    let home = Home::new();
    let daemon = home.run();
    let polls = || match Client::connect(&socket_path(&home.state())).ok()?.ask(Ask::Status).ok()? {
        Answer::Status(status) => Some(status.polls),
        _ => None,
    };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let pester = || {
            let (mut answers, mut refusals) = (0_u32, 0_u32);
            while !done.load(Ordering::Relaxed) {
                let asked = Client::connect(&socket_path(&home.state()))
                    .map(|mut client| client.ask(Ask::History(query(By::Process))));
                match asked {
                    Ok(Ok(Answer::History(_))) => answers += 1,
                    _ => refusals += 1,
                }
            }
            (answers, refusals)
        };
        let crowd: Vec<_> = (0..20).map(|_| scope.spawn(pester)).collect();
        let begun = Instant::now();
        let four_polls = std::panic::catch_unwind(|| {
            let before = wait_for("a status", polls);
            wait_for("four more polls", || polls().filter(|now| *now >= before + 4));
        });
        let took = begun.elapsed();
        // Whatever came of it: the crowd waits for this.
        done.store(true, Ordering::Relaxed);
        let answers: u32 = crowd.into_iter().map(|one| one.join().expect("no panic").0).sum();
        // One a second, and each may wait for a reading of somebody else's.
        assert!(four_polls.is_ok() && took < Duration::from_secs(20), "four polls took {took:?}");
        assert!(answers > 0, "somebody is answered");
    });
    daemon.end(Signal::SIGTERM);
}
