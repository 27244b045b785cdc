//! What people see of a running daemon: a real one, real sockets, and equality with what was sent.
#![cfg(target_os = "linux")]

#[path = "views/alerts.rs"]
mod alerts;
#[path = "views/applications.rs"]
mod applications;
#[path = "views/daemon.rs"]
mod daemon;
#[path = "views/far.rs"]
mod far;
#[path = "views/screen.rs"]
mod screen;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::Value;
use watcher_user::control::{Answer, Ask, client::Client, socket_path};

use daemon::{Home, code_and_words, objects, wait_for};
use far::Far;
use screen::Screen;

/// Not a round number: it is looked for in text.
const BYTES: u64 = 1_234_567;

#[test]
fn a_transfer_is_in_every_view_under_its_process_to_the_byte() {
    let home = Home::new();
    let daemon = home.run();
    let far = Far::new();
    let sender = far.send(BYTES);

    // While it is open; the daemon reads when it is asked, so that there is nothing to wait for.
    let rows = objects(&home.say(&["connections", "--json", "--pid", &sender.pid().to_string()]));
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = &rows[0];
    assert_eq!((&row["tx_bytes"], &row["rx_bytes"]), (&BYTES.into(), &0.into()), "{row}");
    assert_eq!((&row["name"], &row["state"]), (&"bash".into(), &"established".into()), "{row}");
    assert_eq!((&row["direction"], &row["remote"]), (&"outgoing".into(), &far.address().to_string().into()), "{row}");
    assert_eq!(row["user"], "root");

    let top = objects(&home.say(&["top", "--attach", "--json", "--by", "connection", "--once", "-d", "0.2"]));
    assert_eq!((top.len(), &top[0]["daemon_pid"]), (1, &daemon.pid().into()));
    assert!(top[0]["interval_seconds"].as_f64().is_some_and(|time| time >= 0.1), "{}", top[0]["interval_seconds"]);
    let of_sender = |list: &str, field: &str| {
        let rows = top[0][list].as_array().expect("a list");
        let sum: u64 = rows.iter().filter(|row| row["pid"] == sender.pid()).filter_map(|row| row[field].as_u64()).sum();
        sum
    };
    assert_eq!((of_sender("processes", "tx_bytes"), of_sender("connections", "tx_bytes")), (BYTES, BYTES));

    let pid = sender.end();
    let rows = objects(&home.say(&["connections", "--json", "--state", "closed", "--pid", &pid.to_string()]));
    assert_eq!((rows.len(), &rows[0]["reason"], &rows[0]["tx_bytes"]), (1, &"fin".into(), &BYTES.into()), "{rows:?}");
    let table = home.say(&["connections", "--pid", &pid.to_string()]);
    let table = String::from_utf8(table.stdout).expect("text");
    assert!(table.contains("bash") && table.contains("1.18 MiB") && table.contains("tcp out"), "{table}");

    // The summary is made anew every second.
    let now = jiff::Timestamp::now();
    let summary = wait_for("a newer summary", || {
        let summary = objects(&home.say(&["summary", "--json"])).remove(0);
        let at: jiff::Timestamp = summary["updated_at"].as_str()?.parse().ok()?;
        (at > now).then_some(summary)
    });
    let process = summary["since_start"]["processes"].as_array().expect("a list").iter().find(|row| row["pid"] == pid);
    assert_eq!(process.expect("the sender is among the first")["tx_bytes"], BYTES, "{summary:#}");
    let text = String::from_utf8(home.say(&["summary"]).stdout).expect("text");
    assert!(text.contains(&format!("running, process {}", daemon.pid())), "{text}");
    assert!(text.contains("bash") && text.contains("1.18 MiB"), "{text}");
}

#[test]
fn an_upload_stands_out_within_seconds_to_the_byte() {
    const UPLOAD: u64 = 60 << 20;
    let home = Home::new();
    let _daemon = home.run();
    let far = Far::new();
    let nothing = String::from_utf8(home.say(&["insights", "--app", "bash"]).stdout).expect("text");
    assert!(nothing.starts_with("Nothing ") && nothing.contains("stands out of what was seen since "), "{nothing}");

    let sender = far.send(UPLOAD);
    // The daemon reads each second.
    let row = wait_for("the upload", || {
        let mut rows = objects(&home.say(&["insights", "--json", "--kind", "uploads", "--app", "bash"]));
        rows.retain(|row| row["pid"] == sender.pid() && row["tx_bytes"] == UPLOAD);
        rows.pop()
    });
    let expected = serde_json::json!(["uploads", "bash", far.address().ip().to_string(), 0, true]);
    let fields = ["kind", "app", "remote", "rx_bytes", "opened_here"].map(|field| row[field].clone());
    assert_eq!(Value::from(fields.to_vec()), expected, "{row}");
    let what = format!("bash uploaded to {}: 60.0 MiB sent, 0 B received", far.address().ip());
    assert_eq!(row["what"], what, "{row}");
    let text = String::from_utf8(home.say(&["insights"]).stdout).expect("text");
    assert!(text.contains(&what) && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(objects(&home.say(&["insights", "--json", "--kind", "polling", "--kind", "serves"])).is_empty());
    sender.end();
}

#[test]
fn the_summary_outlives_the_daemon_and_says_what_became_of_it() {
    let home = Home::new();
    let (code, words) = code_and_words(&home.say(&["summary"]));
    assert_eq!(code, Some(1));
    assert!(words.contains("nothing was collected yet") && words.contains("sudo watcher start"), "{words}");

    let daemon = home.run();
    let pid = daemon.pid();
    daemon.end(Signal::SIGTERM);
    let text = String::from_utf8(home.say(&["summary"]).stdout).expect("text");
    assert!(text.contains("not running: stopped at "), "{text}");
    let file = fs::read_to_string(home.state().join("summary.json")).expect("a file");
    assert_eq!(String::from_utf8(home.say(&["summary", "--json"]).stdout).expect("text"), file);

    let daemon = home.run();
    assert_ne!(daemon.pid(), pid);
    let pid = daemon.pid();
    home.wait_for_summary(pid);
    daemon.end(Signal::SIGKILL);
    let text = String::from_utf8(home.say(&["summary"]).stdout).expect("text");
    assert!(text.contains(&format!("not running: process {pid} did not end in good order")), "{text}");

    fs::write(home.state().join("summary.json"), "{\"pid\": 1").expect("a damaged file");
    let (code, words) = code_and_words(&home.say(&["summary"]));
    assert_eq!(code, Some(1));
    assert!(words.contains("summary.json is damaged") && words.contains("sudo watcher start"), "{words}");
}

#[test]
fn a_stuck_daemon_does_not_hold_up_its_summary() {
    let home = Home::new();
    let daemon = home.run();
    home.wait_for_summary(daemon.pid());
    daemon.signal(Signal::SIGSTOP);
    let text = String::from_utf8(home.say(&["summary"]).stdout).expect("text");
    daemon.signal(Signal::SIGCONT);
    assert!(text.contains("running, process") && text.contains("does not answer"), "{text}");
}

#[test]
fn without_a_daemon_views_say_what_to_try() {
    let home = Home::new();
    for view in [
        &["connections"][..],
        &["connections", "--follow"],
        &["dns"],
        &["dns", "--follow"],
        &["insights"],
        &["alerts"],
        &["top", "--attach", "--json"],
    ] {
        let (code, words) = code_and_words(&home.say(view));
        assert_eq!(code, Some(1), "{view:?}");
        assert!(words.contains("no watcher runs") && words.contains("sudo watcher start"), "{view:?}: {words}");
    }
}

#[test]
fn who_is_in_no_group_is_refused_and_told_which() {
    let home = Home::new();
    let _daemon = home.run();
    let typed = home.typed_by_nobody(false);
    for view in [
        &["summary"][..],
        &["connections"],
        &["dns"],
        &["insights"],
        &["alerts"],
        &["top", "--attach", "--json"],
        &["top", "--json", "--once"],
    ] {
        let (code, words) = code_and_words(&typed(view).output().expect("watcher starts"));
        assert_eq!(code, Some(1), "{view:?}: {words}");
        assert!(words.contains("may not be opened: be root, or in the group 'watcher'"), "{view:?}: {words}");
        assert_eq!(words.lines().count(), words.trim().lines().count());
        // Without a daemon it would have needed other things.
        assert_eq!(words.contains("CAP_BPF"), view.contains(&"--once"), "{view:?}: {words}");
    }
}

#[test]
fn who_is_in_the_group_of_the_socket_needs_no_root() {
    let home = Home::new();
    let daemon = home.run();
    let typed = home.typed_by_nobody(true);
    for view in [
        &["summary", "--json"][..],
        &["connections", "--json"],
        &["dns", "--json"],
        &["top", "--json", "--once", "-d", "0.2"],
    ] {
        let objects = objects(&typed(view).output().expect("watcher starts"));
        if view.contains(&"--once") {
            assert_eq!(objects[0]["daemon_pid"], daemon.pid());
        }
    }
}

#[test]
fn ten_thousand_flows_arrive() {
    const FLOWS: u16 = 10_000;
    let home = Home::new();
    let _daemon = home.run();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    for n in 0..FLOWS {
        let [high, low] = n.to_be_bytes();
        socket.send_to(b"x", SocketAddr::from(([127, 9, high, low], 9))).expect("a datagram");
    }
    let mut client = Client::connect(&socket_path(&home.state())).expect("a daemon");
    let Answer::Snapshot(snapshot) = client.ask(Ask::Snapshot { max_age_ms: 0 }).expect("an answer") else {
        panic!("something else")
    };
    let ours = |row: &&watcher_core::FlowRow| {
        row.sample.id.process.tgid == std::process::id()
            && row.remote().is_some_and(|remote| remote.to_string().starts_with("127.9."))
    };
    let rows: Vec<_> = snapshot.flows.iter().filter(ours).collect();
    assert_eq!(rows.len(), usize::from(FLOWS));
    assert!(rows.iter().all(|row| row.traffic.tx_bytes == 1));

    let me = std::process::id().to_string();
    let args = ["top", "--attach", "--json", "--by", "connection", "--include-loopback", "--once", "-d", "0.1", "-p"];
    let top = objects(&home.say(&[&args[..], &[&me]].concat()));
    let rows = top[0]["connections"].as_array().expect("connections");
    let ours = rows.iter().filter(|row| row["remote"].as_str().is_some_and(|remote| remote.starts_with("127.9.")));
    assert_eq!(ours.map(|row| row["tx_bytes"].as_u64().expect("a count")).sum::<u64>(), u64::from(FLOWS));
}

/// A connection within the host, over in a moment.
fn connect(listener: &TcpListener) {
    let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    drop(listener.accept().expect("a connection"));
    drop(stream);
}

#[test]
fn following_survives_the_daemon() {
    let home = Home::new();
    let daemon = home.run();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    let args = ["connections", "--follow", "--json", "--include-loopback", "--remote", &port];
    let mut live = home.follow(&args);
    let next_end = |live: &mut daemon::Live| -> Value {
        wait_for("an event", || {
            connect(&listener);
            live.lines().into_iter().find(|event| event["event"] == "ended")
        })
    };
    let event = next_end(&mut live);
    assert_eq!((&event["pid"], &event["protocol"]), (&std::process::id().into(), &"tcp".into()), "{event}");

    daemon.end(Signal::SIGKILL);
    wait_for("a word about the daemon", || live.said().contains("waiting for the daemon").then_some(()));
    let daemon = home.run();
    let word = format!("process {} counts now", daemon.pid());
    wait_for("a word about the new daemon", || live.said().contains(&word).then_some(()));
    live.lines();
    next_end(&mut live);
    assert_eq!(live.end(Signal::SIGINT), Some(0));
}

#[test]
fn following_ends_when_nobody_reads() {
    let home = Home::new();
    let _daemon = home.run();
    let mut child = home.command(&["connections", "--follow"]).spawn().expect("watcher starts");
    drop(child.stdout.take());
    let status = wait_for("its end", || child.try_wait().expect("a child"));
    let mut words = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().expect("stderr"), &mut words).expect("text");
    assert_eq!((status.code(), words.as_str()), (Some(0), ""));
}

#[test]
fn an_attached_top_ends_with_a_word_when_the_daemon_has() {
    let home = Home::new();
    let daemon = home.run();
    let mut child = home.command(&["top", "--json", "--attach", "-d", "0.2"]).spawn().expect("watcher starts");
    let mut out = BufReader::new(child.stdout.take().expect("stdout"));
    let mut line = String::new();
    out.read_line(&mut line).expect("an object");
    daemon.end(Signal::SIGKILL);
    let status = wait_for("its end", || {
        line.clear();
        while out.read_line(&mut line).expect("text") > 0 {}
        child.try_wait().expect("a child")
    });
    let mut words = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().expect("stderr"), &mut words).expect("text");
    assert_eq!(status.code(), Some(1));
    assert!(words.contains("the daemon has ended; try: sudo watcher start"), "{words}");
}

#[test]
fn the_screen_says_what_became_of_the_daemon_and_finds_the_next() {
    let home = Home::new();
    let daemon = home.run();
    let mut screen = Screen::start(home.command(&["top", "--attach", "-d", "0.2"]));
    screen.wait_for(&format!("daemon {} ·", daemon.pid()));
    screen.wait_for("since daemon start");
    daemon.signal(Signal::SIGSTOP);
    screen.wait_for("no answer from the daemon for 3 s");
    daemon.end(Signal::SIGKILL);
    screen.wait_for("the daemon has ended; try: sudo watcher start");
    let daemon = home.run();
    screen.wait_for(&format!("daemon {} ·", daemon.pid()));
    screen.wait_for("another daemon counts now");
    daemon.signal(Signal::SIGSTOP);
    let begun = Instant::now();
    assert_eq!(screen.press("q"), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5), "a stuck daemon does not keep the screen from ending");
    daemon.signal(Signal::SIGCONT);
}
