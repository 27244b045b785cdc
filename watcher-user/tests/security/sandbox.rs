//! What the daemon gives up once it counts, and that it works without.

use std::{fs, path::PathBuf, process::Command};

use nix::{libc, sys::signal::Signal};
use serde_json::Value;

use crate::{
    attempts::{self, Outcomes},
    daemon::{Home, code_and_words, objects, wait_for},
    far::Far,
};

/// CAP_DAC_READ_SEARCH 2, CAP_SYS_PTRACE 19, CAP_BPF 39.
const OF_COLLECTOR: u64 = 1 << 2 | 1 << 19 | 1 << 39;
const BYTES: u64 = 7_654_321;

/// A line of a thread's status: hexadecimal or decimal.
fn field(thread: &str, name: &str) -> u64 {
    let line = thread.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("the field");
    u64::from_str_radix(line.trim(), 16).expect("a number")
}

fn threads(pid: u32) -> Vec<(bool, String)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("threads");
    let paths = tasks.map(|task| task.expect("a thread").path());
    paths
        .map(|path| {
            let is_first = path.ends_with(pid.to_string());
            (is_first, fs::read_to_string(path.join("status")).expect("its status"))
        })
        .collect()
}

pub fn holds_what_it_needs() {
    let home = Home::new();
    let daemon = home.run();
    let threads = threads(daemon.pid());
    assert!(threads.len() >= 4, "ring, history, control and the first: {threads:?}");
    for (collects, status) in &threads {
        let kept = if *collects { OF_COLLECTOR } else { 0 };
        for set in ["CapEff", "CapPrm"] {
            assert_eq!(field(status, set), kept, "{set}: {status}");
        }
        for set in ["CapInh", "CapAmb", "CapBnd"] {
            assert_eq!(field(status, set), 0, "{set}: {status}");
        }
        assert_eq!((field(status, "NoNewPrivs"), field(status, "Seccomp")), (1, 2), "{status}");
    }
    let told = &objects(&home.say(&["status", "--json"]))[0]["sandbox"];
    let kept = ["CAP_BPF", "CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"];
    assert_eq!(told["capabilities"], serde_json::json!(kept), "{told}");
    assert_eq!((&told["calls"], &told["files"]), (&true.into(), &true.into()), "{told}");
    let text = String::from_utf8(home.say(&["status"]).stdout).expect("text");
    assert!(text.contains("system calls filtered; files by Landlock"), "{text}");
    daemon.end(Signal::SIGTERM);
}

/// Bytes, the names of applications (which want `/proc/PID/exe`), a reload, the history, and a command of an alert that came
/// with the reload and writes where the daemon may not.
pub fn counts_as_before() {
    let home = Home::new();
    let daemon = home.run();
    let (far, fired) = (Far::new(), home.folder().join("fired"));
    let program: PathBuf = home.folder().join("sealed-sender");
    fs::copy("/bin/bash", &program).expect("a copy");
    home.configure(&format!(
        "[collect]\nsample_interval = \"1s\"\n[[alert]]\nname = \"any\"\napp = \"sealed-sender\"\nover = \"1 MB\"\n\
         command = [\"/bin/sh\", \"-c\", 'grep -E \"^(Seccomp|NoNewPrivs):\" /proc/self/status > \"$0.part\"; mv \"$0.part\" \"$0\"', \
         \"{}\"]\n",
        fired.display()
    ));
    assert_eq!(code_and_words(&home.say(&["reload"])), (Some(0), String::new()));
    let sender = far.send_by_bash(&program, BYTES);
    let rows = objects(&home.say(&["connections", "--json", "--pid", &sender.pid().to_string()]));
    assert_eq!((rows.len(), &rows[0]["tx_bytes"]), (1, &BYTES.into()), "{rows:?}");
    let apps = objects(&home.say(&["top", "--attach", "--json", "--by", "app", "--once", "-d", "0.2"]));
    let apps = apps[0]["apps"].as_array().expect("a list").clone();
    let app = apps.iter().find(|app| app["name"] == "sealed-sender").expect("it goes by its executable");
    assert_eq!(app["tx_bytes"], BYTES, "{app}");
    let said = wait_for("the command", || fs::read_to_string(&fired).ok());
    assert_eq!(said, "NoNewPrivs:\t0\nSeccomp:\t0\n", "commands are not the daemon's to confine");
    sender.end();
    let stats = objects(&home.say(&["stats", "apps", "today", "--json"]));
    let rows = stats[0]["rows"].as_array().expect("a list").clone();
    let row = rows.iter().find(|row| row["name"] == "sealed-sender").expect("a row");
    assert_eq!(row["tx_bytes"], BYTES, "{row}");
    daemon.end(Signal::SIGTERM);
}

pub fn cannot_be_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let out = command.arg(attempts::ROLE).arg(folder.path().join("state")).output().expect("it starts");
    assert!(out.status.success(), "{out:?}");
    let told: Value = serde_json::from_slice(&out.stdout).expect("an object");
    assert_eq!(told["force"]["missing"], serde_json::json!([]), "{told}");
    let of = |when: &str| -> Outcomes { serde_json::from_value(told[when].clone()).expect("outcomes") };
    // All of it works for root: what fails afterwards fails by what was given up.
    assert!(of("before").values().all(Option::is_none), "{told}");
    let see = "see another process's executable";
    for thread in ["collector", "old", "sealed"] {
        for (what, code) in of(thread) {
            let expected = match (&*what, thread) {
                ("write in the state directory", _) => None,
                ("write elsewhere" | "listen on a port", _) => Some(libc::EACCES),
                (what, "collector" | "old") if what == see => None,
                (what, "sealed") if what == see => Some(libc::EACCES),
                _ => Some(libc::EPERM),
            };
            assert_eq!(code, expected, "{what}, {thread}: {told}");
        }
    }
}

pub fn can_be_turned_off() {
    let home = Home::new();
    let mut command = home.command(&["run"]);
    let daemon = home.run_by({
        command.arg("--no-sandbox");
        command
    });
    let own = fs::read_to_string("/proc/self/status").expect("a status");
    for (_, status) in threads(daemon.pid()) {
        assert_eq!(field(&status, "CapEff"), field(&own, "CapEff"));
        assert_eq!((field(&status, "NoNewPrivs"), field(&status, "Seccomp")), (0, 0), "{status}");
    }
    assert_eq!(objects(&home.say(&["status", "--json"]))[0]["sandbox"], Value::Null);
    daemon.end(Signal::SIGTERM);
}
