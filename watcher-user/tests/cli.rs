//! Bad input and bad places: every one has a clear message and the right exit code.
#![cfg(target_os = "linux")]

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::channel,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);
const NOBODY: u32 = 65_534;

fn watcher(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs to the end, which must come soon.
fn run(command: &mut Command) -> Output {
    let child = command.spawn().expect("the program starts");
    let pid = Pid::from_raw(child.id().cast_signed());
    let (sender, ended) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let out = ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        kill(pid, Signal::SIGKILL).ok();
        panic!("{command:?} does not end")
    });
    out.expect("its output can be read")
}

fn code_and_words(out: &Output) -> (Option<i32>, String) {
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

/// A folder that everybody can enter, removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("watcher-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a folder for everybody");
        Self(path)
    }

    /// A copy of a program, which anybody may run.
    fn copy(&self, program: &Path, name: &OsStr) -> PathBuf {
        let path = self.0.join(name);
        fs::copy(program, &path).expect("a copy");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a copy that runs");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn assert_names_capabilities(out: &Output) {
    let (code, words) = code_and_words(out);
    assert_eq!(code, Some(1), "{words}");
    for needed in ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"] {
        assert!(words.contains(needed), "{needed} is not in: {words}");
    }
    assert!(!words.contains("panicked"), "{words}");
}

#[test]
fn who_is_not_root_reads_which_capabilities_would_do() {
    let folder = Folder::new("nobody");
    let copy = folder.copy(Path::new(env!("CARGO_BIN_EXE_watcher")), OsStr::new("watcher"));
    let mut command = Command::new(copy);
    command
        .args(["top", "--standalone", "--json", "--once"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    assert_names_capabilities(&run(&mut command));
}

#[test]
fn root_without_capabilities_reads_which_would_do() {
    assert!(nix::unistd::geteuid().is_root(), "this needs root: `cargo xtask test`");
    let mut command = Command::new("setpriv");
    command.args([
        "--bounding-set=-all",
        "--inh-caps=-all",
        env!("CARGO_BIN_EXE_watcher"),
        "top",
        "--standalone",
        "--json",
        "--once",
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    assert_names_capabilities(&run(&mut command));
}

#[test]
fn bad_usage_ends_with_2_and_names_what_is_wrong() {
    for (args, named) in [
        (&["top", "--no-such-flag"][..], "--no-such-flag"),
        (&["top", "--standalone", "--sort", "colour"], "colour"),
        (&["top", "--standalone", "--by", "colour"], "colour"),
        (&["top", "--standalone", "--interval", "-1"], "-1"),
        (&["top", "--standalone", "--interval", "soon"], "soon"),
        (&["top", "--standalone", "--count", "many"], "many"),
        (&["no-such-command"], "no-such-command"),
    ] {
        let (code, words) = code_and_words(&run(&mut watcher(args)));
        assert_eq!(code, Some(2), "{args:?}: {words}");
        assert!(words.contains(named), "{args:?}: {named} is not in: {words}");
    }
}

/// A watcher whose output is read line by line.
struct Live {
    child: Child,
    out: Option<BufReader<std::process::ChildStdout>>,
}

impl Live {
    fn start(args: &[&str]) -> Self {
        Self::spawn(&mut watcher(args))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("watcher starts");
        let out = child.stdout.take().map(BufReader::new);
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.as_mut().expect("open output").read_line(&mut line).expect("a line");
        if line.is_empty() {
            let mut words = String::new();
            self.child.stderr.take().expect("stderr").read_to_string(&mut words).ok();
            panic!("watcher ended: {words}");
        }
        line
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("a signal");
    }

    /// How it ended, and what it said about that.
    fn end(&mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "watcher does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut words = String::new();
        self.child.stderr.take().expect("stderr").read_to_string(&mut words).expect("text");
        (status.code(), words)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    for format in ["--json", "--plain"] {
        let mut live = Live::start(&["top", "--standalone", format, "--interval", "0.1"]);
        live.line();
        live.out = None;
        assert_eq!(live.end(), (Some(0), String::new()), "{format}");
    }
}

#[test]
fn sigterm_and_sigint_bring_a_last_object() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        // The second object would come in an hour, so what comes is the last one.
        let mut live = Live::start(&["top", "--standalone", "--json", "--interval", "3600"]);
        live.line();
        live.signal(signal);
        let last: Value = serde_json::from_str(&live.line()).expect("an object");
        assert!(last["interval_seconds"].as_f64().is_some_and(|s| s > 0.0), "{last}");
        let mut rest = String::new();
        live.out.as_mut().expect("open output").read_to_string(&mut rest).expect("the end");
        assert_eq!(rest, "", "after the last object");
        assert_eq!(live.end(), (Some(0), String::new()), "{signal}");
    }
}

/// A name that would start a line of its own, turn the terminal red, and clear it.
const HOSTILE: &[u8] = b"evil\nroot\r\x1b[31m\x1b[2J\x07";

/// A process of that name sends one datagram to loopback. Bash can, and Debian has it everywhere.
fn send_as_hostile(folder: &Folder) -> u32 {
    let bash = folder.copy(Path::new("/bin/bash"), OsStr::from_bytes(HOSTILE));
    let mut child =
        Command::new(bash).args(["-c", "printf 12345 > /dev/udp/127.0.0.1/9"]).spawn().expect("bash starts");
    let pid = child.id();
    assert!(child.wait().expect("bash").success(), "bash has no /dev/udp");
    pid
}

#[test]
fn a_hostile_process_name_is_an_escaped_string_in_json() {
    let folder = Folder::new("json");
    let mut live = Live::start(&["top", "--standalone", "--json", "--include-loopback", "--interval", "0.1"]);
    live.line();
    let pid = send_as_hostile(&folder);
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "process {pid} does not appear");
        let line = live.line();
        assert!(!line.trim_end().contains(|c: char| c.is_control()), "control characters in {line:?}");
        let object: Value = serde_json::from_str(&line).expect("an object per line");
        let row = object["processes"].as_array().expect("processes").iter().find(|p| p["pid"] == pid).cloned();
        if let Some(row) = row {
            assert_eq!(row["name"], String::from_utf8_lossy(HOSTILE).as_ref());
            assert_eq!(row["tx_bytes"], 5);
            break;
        }
    }
}

#[test]
fn a_hostile_process_name_stays_on_its_line_in_plain_text() {
    let folder = Folder::new("plain");
    let mut live = Live::start(&["top", "--standalone", "--plain", "--include-loopback", "--interval", "0.1"]);
    live.line();
    let pid = send_as_hostile(&folder).to_string();
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "process {pid} does not appear");
        let line = live.line();
        assert!(!line.trim_end_matches('\n').contains(|c: char| c.is_control()), "control characters in {line:?}");
        assert!(!line.starts_with("root"), "the name began a line: {line:?}");
        if line.split_whitespace().any(|word| word == pid) {
            assert!(line.contains("evil"), "{line:?}");
            break;
        }
    }
}

/// Runs `script` in a mount namespace of its own, where what it mounts is seen by nobody else.
fn elsewhere(script: &str, args: &[&str]) -> Command {
    assert!(nix::unistd::geteuid().is_root(), "this needs root: `cargo xtask test`");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_kernel_without_btf_is_told_so() {
    let script = "mount -t tmpfs none /sys/kernel/btf && exec \"$@\"";
    let (code, words) = code_and_words(&run(&mut elsewhere(
        script,
        &[env!("CARGO_BIN_EXE_watcher"), "top", "--backend=ebpf", "--once"],
    )));
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("/sys/kernel/btf/vmlinux") && words.contains("CONFIG_DEBUG_INFO_BTF=y"), "{words}");
    assert_eq!(words.matches("No such file").count(), 1, "the cause is named once: {words}");

    let out = run(&mut elsewhere(script, &[env!("CARGO_BIN_EXE_watcher"), "doctor", "--json"]));
    assert_eq!(out.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&out.stdout).expect("an object");
    assert!(report.to_string().contains("CONFIG_DEBUG_INFO_BTF=y"), "{report}");
}

#[cfg(feature = "pcap")]
#[test]
fn where_ebpf_is_refused_packets_are_counted_and_both_top_and_doctor_say_why() {
    let script = "mount -t tmpfs none /sys/kernel/btf && exec \"$@\"";
    let watcher = env!("CARGO_BIN_EXE_watcher");
    let out = run(&mut elsewhere(script, &[watcher, "top", "--standalone", "--once", "--json"]));
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(0), "{said}");
    assert!(
        said.contains("packets are counted, which is not exact") && said.contains("CONFIG_DEBUG_INFO_BTF=y"),
        "{said}"
    );
    assert_eq!(said.matches("No such file").count(), 1, "the cause is named once: {said}");
    let object: Value = serde_json::from_slice(&out.stdout).expect("an object");
    assert_eq!((&object["backend"], &object["exact"]), (&"pcap".into(), &false.into()));

    let out = run(&mut elsewhere(script, &[watcher, "doctor", "--json"]));
    assert_eq!(out.status.code(), Some(1), "less than this machine is asked for");
    let report: Value = serde_json::from_slice(&out.stdout).expect("an object");
    assert_eq!((&report["backend"], &report["self_test"]["exact"]), (&"pcap".into(), &true.into()));
    let lost = report["degraded"].as_array().expect("a list").iter().map(|lost| lost["capability"].as_str());
    let lost: Vec<_> = lost.flatten().collect();
    assert!(["owners", "bytes", "ebpf"].iter().all(|capability| lost.contains(capability)), "{lost:?}");
}

#[test]
fn without_proc_it_says_what_to_mount() {
    let script = "mount -t tmpfs none /proc && exec \"$@\"";
    let (code, words) = code_and_words(&run(&mut elsewhere(
        script,
        &[env!("CARGO_BIN_EXE_watcher"), "top", "--backend=ebpf", "--once"],
    )));
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("is /proc mounted?"), "{words}");
    let out = run(&mut elsewhere(script, &[env!("CARGO_BIN_EXE_watcher"), "doctor"]));
    assert_eq!(out.status.code(), Some(1));
    let words = String::from_utf8_lossy(&out.stdout);
    assert!(words.contains("mount -t proc proc /proc"), "{words}");
}

/// What the kernel tells needs no /proc: names, users and bytes are right where it is hidden.
#[test]
fn processes_that_proc_hides_have_their_names_and_bytes() {
    const CAPABILITIES: &str = "-all,+bpf,+perfmon,+net_admin";
    let folder = Folder::new("hidden");
    let copy = folder.copy(Path::new(env!("CARGO_BIN_EXE_watcher")), OsStr::new("watcher"));
    let script = format!(
        "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups \
         --inh-caps={CAPABILITIES} --ambient-caps={CAPABILITIES} --bounding-set={CAPABILITIES} \"$@\""
    );
    let copy = copy.to_str().expect("a plain path");
    let watch = [copy, "top", "--standalone", "--json", "--include-loopback", "--interval", "0.1"];
    let mut live = Live::spawn(&mut elsewhere(&script, &watch));
    live.line();
    let bash = folder.copy(Path::new("/bin/bash"), OsStr::new("hidden-bash"));
    let sender = "printf 12345 > /dev/udp/127.0.0.1/9; read -r line";
    let mut child = Command::new(bash).args(["-c", sender]).stdin(Stdio::piped()).spawn().expect("bash starts");
    let deadline = Instant::now() + PATIENCE;
    let row = loop {
        assert!(Instant::now() < deadline, "process {} does not appear", child.id());
        let object: Value = serde_json::from_str(&live.line()).expect("an object per line");
        assert_eq!(object["exact"], true);
        let row = object["processes"].as_array().expect("processes").iter().find(|p| p["pid"] == child.id()).cloned();
        if let Some(row) = row {
            break row;
        }
    };
    drop(child.stdin.take());
    child.wait().expect("bash ends");
    assert_eq!((&row["name"], &row["user"], &row["tx_bytes"]), (&"hidden-bash".into(), &"root".into(), &5.into()));
    assert!(row["command"].to_string().contains("/dev/udp/127.0.0.1/9"), "{row}");

    let out = run(&mut elsewhere(&script, &[copy, "doctor", "--json"]));
    let report: Value = serde_json::from_slice(&out.stdout).expect("an object");
    assert_eq!(
        (&report["facts"]["proc_hidepid"], &report["backend"]),
        (&"invisible".into(), &"ebpf".into()),
        "{report}"
    );
}
