//! Hostile names through every view.

use std::{
    fs::{self, File},
    net::{IpAddr, UdpSocket},
    os::unix::ffi::OsStrExt as _,
    process::Command,
};

use nix::{
    sched::{CloneFlags, setns},
    sys::signal::Signal,
};
use serde_json::Value;
use watcher_core::json::hides_or_turns;

use crate::{
    daemon::{Home, objects, wait_for},
    far::Far,
    hostile,
    screen::Screen,
};

/// What is printed, and how it is to be read.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Text,
    Json,
    Csv,
}

const VIEWS: &[(&[&str], Form)] = &[
    (&["top", "--attach", "--once", "--plain", "-d", "0.2"], Form::Text),
    (&["top", "--attach", "--once", "--plain", "-d", "0.2", "--by", "connection"], Form::Text),
    (&["top", "--attach", "--once", "--plain", "-d", "0.2", "--by", "app"], Form::Text),
    (&["top", "--attach", "--once", "--plain", "-d", "0.2", "--by", "remote"], Form::Text),
    (&["top", "--attach", "--once", "--json", "-d", "0.2", "--by", "connection"], Form::Json),
    (&["top", "--attach", "--once", "--json", "-d", "0.2", "--by", "app"], Form::Json),
    (&["summary"], Form::Text),
    (&["summary", "--json"], Form::Json),
    (&["connections"], Form::Text),
    (&["connections", "--json"], Form::Json),
    (&["dns"], Form::Text),
    (&["dns", "--json"], Form::Json),
    (&["insights"], Form::Text),
    (&["insights", "--json"], Form::Json),
    (&["alerts"], Form::Text),
    (&["alerts", "--json"], Form::Json),
    (&["status"], Form::Text),
    (&["status", "--json"], Form::Json),
    (&["stats", "apps", "today"], Form::Text),
    (&["stats", "apps", "today", "--json"], Form::Json),
    (&["stats", "apps", "today", "--csv"], Form::Csv),
    (&["stats", "processes", "today", "--csv"], Form::Csv),
    (&["stats", "domains", "today", "--csv"], Form::Csv),
    (&["stats", "interfaces", "today"], Form::Text),
    (&["stats", "interfaces", "today", "--csv"], Form::Csv),
    (&["upload", "--dry-run"], Form::Json),
    (&["upload", "status"], Form::Text),
];

const EXPORTS: [&str; 5] = ["application", "process", "domain", "user", "interface"];

/// Only line ends, and nothing that a terminal acts on or that hides.
fn assert_clean(what: &str, text: &str) {
    for line in text.lines() {
        let bad = line.chars().find(|&c| c.is_control() || hides_or_turns(c));
        assert_eq!(bad, None, "{what}: {line:?}");
    }
}

fn check(what: &str, form: Form, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
    // Nothing may stand out; then JSON has no line.
    assert!(form == Form::Json || !text.is_empty(), "{what}");
    assert_clean(what, text);
    match form {
        Form::Text => {}
        Form::Json => {
            let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            values.for_each(|value| drop(value.unwrap_or_else(|e| panic!("{what}: {e}"))));
            assert!(!text.contains(['<', '>', '&']), "{what}: {text}");
        }
        Form::Csv => {
            for record in csv::Reader::from_reader(bytes).records() {
                let record = record.unwrap_or_else(|e| panic!("{what}: {e}"));
                let formula = record.iter().find(|cell| cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']));
                assert_eq!(formula, None, "{what}");
            }
        }
    }
}

pub fn nothing_gets_through() {
    let home = Home::new();
    home.configure(
        "[collect]\nsample_interval = \"1s\"\n[upload]\nurl = \"http://127.0.0.1:9/\"\ninterval = \"1h\"\n\
         [privacy]\ncommands = \"full\"\n[[alert]]\nname = \"any\"\napp = \"*\"\nover = \"1 B\"\n",
    );
    let far = Far::new();
    for name in ["\u{1b}[777m", "=1+1", "\u{9b}777m", "a\u{202e}b"] {
        let made = Command::new("ip").args(["-n", &far.near, "link", "add", name, "type", "veth"]).status();
        assert!(made.expect("iproute2").success(), "{name:?}");
    }
    let log = home.folder().join("log");
    let daemon = home.run_by(within(&far, &log, &home.command(&["run"])));
    answer_dns(&far);

    let mut sent = Vec::new();
    let senders: Vec<_> = hostile::words()
        .iter()
        .enumerate()
        .map(|(number, word)| {
            let program = home.folder().join(word);
            let this = std::env::current_exe().expect("this program");
            fs::hard_link(&this, &program).or_else(|_| fs::copy(&this, &program).map(drop)).expect("a program");
            let bytes = hostile::head(number, word.as_bytes()).len() as u64;
            let (number, peer) = (number.to_string(), far.address().to_string());
            let sender = far
                .send_by(&[program.as_os_str(), hostile::ROLE.as_ref(), number.as_ref(), peer.as_ref(), word], bytes);
            sent.push((sender.pid(), bytes, word.as_bytes().to_owned()));
            sender
        })
        .collect();

    // They are what they say, to the byte: nothing was made harmless by being left out.
    let rows = objects(&home.say(&["connections", "--json"]));
    for (pid, bytes, word) in &sent {
        let of_pid = |row: &&Value| row["pid"] == *pid && row["protocol"] == "tcp";
        let row = rows.iter().find(of_pid).unwrap_or_else(|| panic!("{word:?} is not in {rows:?}"));
        assert_eq!(row["tx_bytes"], *bytes, "{row}");
        let command = row["command"].as_str().expect("text");
        assert!(command.contains(&*String::from_utf8_lossy(word)), "{command:?} of {word:?}");
    }
    home.wait_for_summary(daemon.pid());
    wait_for("the alert about each", || {
        let kept = fs::read_to_string(home.state().join("alerts.json")).ok()?;
        kept.contains("=cmd|").then_some(())
    });
    for (verb, form) in VIEWS {
        let out = home.say(verb);
        assert!(out.status.success(), "{verb:?}: {out:?}");
        check(&format!("{verb:?}"), *form, &out.stdout);
        assert_clean(&format!("{verb:?}, standard error"), &String::from_utf8_lossy(&out.stderr));
    }
    look_at_screen(&home);
    check("summary.json", Form::Json, &fs::read(home.state().join("summary.json")).expect("a report"));
    check("alerts.json", Form::Json, &fs::read(home.state().join("alerts.json")).expect("a file"));
    drop(senders);
    daemon.end(Signal::SIGTERM);
    let said = fs::read(&log).expect("a log");
    check("the log", Form::Text, &said);
    assert!(String::from_utf8_lossy(&said).contains("alert any"), "it names whom the alert is about");
    for by in EXPORTS {
        for (format, form) in [("csv", Form::Csv), ("json", Form::Json)] {
            let db = home.state().join("history.db");
            let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
            let out =
                command.args(["export", "--by", by, "--format", format, "--db"]).arg(db).output().expect("it starts");
            assert!(out.status.success(), "{by}: {out:?}");
            check(&format!("export {by} {format}"), form, &out.stdout);
        }
    }
}

/// The daemon in the namespace of the hostile interfaces; its log in a file.
fn within(far: &Far, log: &std::path::Path, run: &Command) -> Command {
    let mut command = Command::new("/bin/bash");
    command.args(["-c", "exec nsenter --net=\"/run/netns/$1\" -- \"${@:2}\" 2>\"$0\""]);
    command.arg(log).arg(&far.near).arg(run.get_program()).args(run.get_args());
    command
}

/// Every question is answered with the far end's own address.
fn answer_dns(far: &Far) {
    let path = format!("/run/netns/{}", far.far);
    let IpAddr::V4(address) = far.address().ip() else { panic!("an address of IPv4") };
    let bind = std::thread::spawn(move || {
        setns(File::open(path).expect("a namespace"), CloneFlags::CLONE_NEWNET).expect("setns");
        UdpSocket::bind((address, 53)).expect("a port")
    });
    let socket = bind.join().expect("no panic");
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((n, who)) = socket.recv_from(&mut buffer) {
            let mut answer = buffer[..n].to_vec();
            answer[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1]);
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            answer.extend(address.octets());
            socket.send_to(&answer, who).ok();
        }
    });
}

/// Of escape sequences only its own kind: CSI, and none of theirs.
fn look_at_screen(home: &Home) {
    for by in ["process", "connection", "app", "remote"] {
        let mut screen = Screen::start(home.command(&["top", "--attach", "-d", "0.2", "--by", by]));
        screen.wait_for("daemon ");
        let drawn = screen.drawn.lock().expect("no panic").clone();
        assert!(!drawn.contains(hostile::CSI), "{by}: {drawn:?}");
        let mut chars = drawn.chars();
        while let Some(c) = chars.next() {
            if c == '\u{1b}' {
                let next = chars.next();
                assert!(matches!(next, Some('[' | '(' | '7' | '8' | '=' | '>')), "{by}: ESC {next:?} in {drawn:?}");
            } else {
                let is_clean = matches!(c, '\r' | '\n') || !c.is_control() && !hides_or_turns(c);
                assert!(is_clean, "{by}: {c:?} in {drawn:?}");
            }
        }
        screen.press("q");
    }
}
