//! The daemon, whole: a real collector, real sockets, a real endpoint; killed, stopped, starved of disk, and pestered.
#![cfg(target_os = "linux")]

#[path = "views/disk.rs"]
mod disk;
#[path = "views/endpoint.rs"]
mod endpoint;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use watcher_user::control::{Answer, Ask, Status, client::Client, socket_path};

use disk::Disk;
use endpoint::Endpoint;

const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at something that takes its time.
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A state directory with a configuration beside it.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(config: &str) -> Self {
        assert!(nix::unistd::geteuid().is_root(), "this needs root: `cargo xtask test`");
        let this = Self { folder: tempfile::tempdir().expect("a folder") };
        this.configure(config);
        this
    }

    fn configure(&self, config: &str) {
        fs::write(self.config(), config).expect("a configuration");
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
        command.args(verb).arg("--config").arg(self.config()).arg("--state").arg(self.state());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DIALTONE_WATCHER_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn say(&self, verb: &[&str]) -> Output {
        self.command(verb).output().expect("watcher starts")
    }

    fn ask(&self, ask: Ask) -> Option<Answer> {
        Client::connect(&socket_path(&self.state())).ok()?.ask(ask).ok()
    }

    fn status(&self) -> Option<Arc<Status>> {
        match self.ask(Ask::Status)? {
            Answer::Status(status) => Some(status),
            _ => None,
        }
    }

    fn run(&self) -> Daemon {
        let mut child = self.command(&["run"]).spawn().expect("watcher starts");
        let said = Arc::new(Mutex::new(String::new()));
        let err = child.stderr.take().expect("stderr");
        let reader = std::thread::spawn({
            let said = said.clone();
            move || {
                for line in BufReader::new(err).lines().map_while(Result::ok) {
                    let mut said = said.lock().expect("no panic");
                    said.push_str(&line);
                    said.push('\n');
                }
            }
        });
        let mut daemon = Daemon { child, said, reader: Some(reader) };
        wait_for("the daemon's first status", || {
            let ended = daemon.child.try_wait().expect("a child");
            assert!(ended.is_none(), "{ended:?}: {}", daemon.said());
            self.status()
        });
        daemon
    }
}

/// `watcher run`.
struct Daemon {
    child: Child,
    said: Arc<Mutex<String>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Daemon {
    fn said(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("a signal");
    }

    /// How long it took to end.
    fn end(mut self, signal: Signal) -> (Option<i32>, Duration, String) {
        let begun = Instant::now();
        self.signal(signal);
        let code = wait_for("the daemon's end", || self.child.try_wait().expect("a child")).code();
        let took = begun.elapsed();
        self.reader.take().map(std::thread::JoinHandle::join);
        (code, took, self.said())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A process sends so many bytes over loopback; returns its pid. Bash can, and Debian has it everywhere.
fn send(bytes: usize) -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let script = format!("printf '%*s' {bytes} x > /dev/tcp/127.0.0.1/{port}");
    let mut child = Command::new("/bin/bash").args(["-c", &script]).spawn().expect("bash starts");
    let (mut stream, _) = listener.accept().expect("a connection");
    let taken = std::io::copy(&mut stream, &mut std::io::sink()).expect("bytes");
    assert!(child.wait().expect("bash").success());
    assert_eq!(taken, bytes as u64);
    u64::from(child.id())
}

fn uploading(to: &str, interval: &str) -> String {
    format!(
        "[upload]\nurl = \"{to}\"\ninterval = \"{interval}\"\n[collect]\nlist_loopback = true\nsample_interval = \"1s\"\n"
    )
}

/// What the open window says that a process sent; it is on the disk by the time that it says so.
fn in_open_window(home: &Home, pid: u64) -> Option<u64> {
    let Answer::Window(rollup) = home.ask(Ask::Window)? else { return None };
    rollup.processes.iter().find(|p| u64::from(p.names.pid) == pid).map(|p| p.counters.tx_bytes)
}

#[test]
fn windows_add_up_over_a_stop_and_a_kill() {
    let endpoint = Endpoint::start(true);
    let home = Home::new(&uploading(&endpoint.address, "2s"));
    let mut counted = BTreeMap::new();

    let daemon = home.run();
    for n in 0..5 {
        counted.insert(send(300_001 + n), 300_001 + n as u64);
    }
    let (code, took, said) = daemon.end(Signal::SIGTERM);
    assert_eq!(code, Some(0), "{said}");
    assert!(took < Duration::from_secs(2), "stopping took {took:?}: {said}");

    let daemon = home.run();
    let pid = send(700_007);
    counted.insert(pid, 700_007);
    // Either the open window is on the disk with it, or a finished one has gone out.
    wait_for("the bytes in a window", || {
        (in_open_window(&home, pid) == Some(700_007) || endpoint.sent_by_process().contains_key(&pid)).then_some(())
    });
    daemon.end(Signal::SIGKILL);

    let daemon = home.run();
    assert!(daemon.said().contains("did not end in good order"), "{}", daemon.said());
    counted.insert(send(900_009), 900_009);
    let (code, _, said) = daemon.end(Signal::SIGTERM);
    assert_eq!(code, Some(0), "{said}");
    // Whatever the last daemon did not manage to send, this does.
    let out = home.say(&["upload", "--now"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));

    let sent = endpoint.sent_by_process();
    let seen: BTreeMap<u64, u64> =
        counted.keys().map(|pid| (*pid, sent.get(pid).copied().unwrap_or_default())).collect();
    assert_eq!(seen, counted);
}

/// It has the lock before it loads its programs, which takes longer than a look.
#[test]
fn who_is_told_to_stop_while_it_starts_stops_in_good_order() {
    let home = Home::new("");
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let child = home.command(&["run"]).spawn().expect("watcher starts");
        let daemon = Daemon { child, said: Arc::default(), reader: None };
        wait_for("its lock", || {
            let lock = fs::File::open(home.state().join("lock")).ok()?;
            nix::fcntl::Flock::lock(lock, nix::fcntl::FlockArg::LockSharedNonblock).is_err().then_some(())
        });
        assert_eq!(daemon.end(signal).0, Some(0));
    }
}

#[test]
fn it_stops_in_time_though_the_endpoint_never_answers_and_loses_nothing() {
    let endpoint = Endpoint::start(false);
    let home = Home::new(&uploading(&endpoint.address, "1s"));
    let daemon = home.run();
    let pid = send(123_457);
    wait_for("a window that waits", || home.status().filter(|status| status.upload.waiting > 0));
    let (code, took, said) = daemon.end(Signal::SIGTERM);
    assert_eq!(code, Some(0), "{said}");
    assert!(took < Duration::from_secs(2), "stopping took {took:?}: {said}");

    let better = Endpoint::start(true);
    home.configure(&uploading(&better.address, "1s"));
    let out = home.say(&["upload", "--now"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(better.sent_by_process().get(&pid), Some(&123_457));
}

#[test]
fn a_second_one_is_refused_and_the_first_goes_on() {
    let home = Home::new("");
    let daemon = home.run();
    let out = home.say(&["run"]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("runs already (process {}", daemon.child.id())), "{said}");
    assert!(home.status().is_some());
}

#[test]
fn a_bad_configuration_leaves_the_old_one_in_force_and_says_so() {
    let home = Home::new("[collect]\nsample_interval = \"1s\"\n");
    let daemon = home.run();
    home.configure("[collect]\nsample_intervall = \"1s\"\n");
    let out = home.say(&["reload"]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("sample_intervall") && said.contains("sample_interval"), "names the nearest key: {said}");
    let status = wait_for("the status after that", || home.status().filter(|status| status.config_error.is_some()));
    assert!(status.config_error.as_deref().is_some_and(|why| why.contains("stays as it was")));

    home.configure("[collect]\nsample_interval = \"2s\"\n");
    daemon.signal(Signal::SIGHUP);
    wait_for("the status after the good one", || home.status().filter(|status| status.config_error.is_none()));
}

#[test]
fn clients_that_are_stuck_hostile_or_many_do_not_slow_it() {
    let home = Home::new("[collect]\nsample_interval = \"1s\"\n");
    let _daemon = home.run();
    let path = socket_path(&home.state());
    let connect = || UnixStream::connect(&path).expect("a connection");

    // Not a request; a request of another version; one that never ends.
    for (hostile, answer) in [
        (&b"GET / HTTP/1.1\n"[..], "not a request"),
        (&b"{\"watcher\":99,\"ask\":\"status\"}\n"[..], "version 1"),
        (&[b'x'; 5000][..], "at most 4096 bytes"),
    ] {
        let mut stream = connect();
        stream.write_all(hostile).expect("room");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("an answer");
        assert!(line.contains("\"error\"") && line.contains(answer), "{line}");
    }

    // Some that ask and never read, and then so many that say nothing that there is no place left.
    let mut crowd: Vec<UnixStream> = Vec::new();
    for _ in 0..8 {
        let mut stream = connect();
        for _ in 0..50 {
            stream.write_all(b"{\"watcher\":1,\"ask\":\"snapshot\"}\n").expect("room");
        }
        crowd.push(stream);
    }
    let refused = wait_for("a client too many", || {
        let stream = connect();
        stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a time limit");
        let mut line = String::new();
        let said = BufReader::new(&stream).read_line(&mut line).is_ok_and(|n| n > 0);
        crowd.push(stream);
        said.then_some(line)
    });
    assert!(refused.contains("clients are being served"), "{refused}");
    // It still samples each second: its file says so, which needs no place.
    let polls = |at: &Path| -> Option<u64> {
        let summary: Value = serde_json::from_slice(&fs::read(at.join("summary.json")).ok()?).ok()?;
        summary["since_start"]["period"]["polls"].as_u64()
    };
    let before = polls(&home.state()).unwrap_or(0);
    let begun = Instant::now();
    wait_for("three more polls", || polls(&home.state()).filter(|now| *now >= before + 3));
    assert!(begun.elapsed() < Duration::from_secs(5), "three polls took {:?}", begun.elapsed());

    drop(crowd);
    wait_for("a place again", || home.status());
}

#[test]
fn a_full_disk_is_said_once_and_collection_goes_on() {
    let endpoint = Endpoint::start(true);
    let home = Home::new(&uploading(&endpoint.address, "1h"));
    let _disk = Disk::mount(&home.state(), "1m");
    let daemon = home.run();
    let pid = send(250_000);
    wait_for("the bytes in the open window", || (in_open_window(&home, pid) == Some(250_000)).then_some(()));
    let mut ballast = fs::File::create(home.state().join("ballast")).expect("a file");
    while ballast.write_all(&[0; 4096]).is_ok() {}

    let before = home.status().expect("a status").polls;
    wait_for("five more polls", || home.status().filter(|status| status.polls >= before + 5));
    let said = daemon.said();
    assert!(said.contains("collection goes on"), "{said}");
    assert!(said.matches("No space left").count() <= 3, "not every five seconds: {said}");

    fs::remove_file(home.state().join("ballast")).expect("gone");
    drop(ballast);
    let more = send(250_001);
    wait_for("new bytes too", || (in_open_window(&home, more) == Some(250_001)).then_some(()));
    let (code, _, said) = daemon.end(Signal::SIGTERM);
    assert_eq!(code, Some(0), "{said}");
    let out = home.say(&["upload", "--now"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let sent = endpoint.sent_by_process();
    assert_eq!((sent.get(&pid), sent.get(&more)), (Some(&250_000), Some(&250_001)));
}

#[test]
fn start_status_stop_and_the_dry_run() {
    let home = Home::new("[collect]\nsample_interval = \"1s\"\nlist_loopback = true\n");
    let said =
        |out: &Output| format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let out = home.say(&["status"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("does not run"), "{}", said(&out));
    let out = home.say(&["start"]);
    assert!(out.status.success(), "{}", said(&out));
    let pid = send(77_777);
    wait_for("the bytes in the open window", || (in_open_window(&home, pid) == Some(77_777)).then_some(()));

    // Standard output is the body and nothing else; nothing is sent, and it says that upload is off.
    let out = home.say(&["upload", "--dry-run"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("upload is off"), "{}", said(&out));
    let body: Value = serde_json::from_slice(&out.stdout).expect("one JSON object");
    let mine = body["processes"].as_array().expect("a list").iter().find(|p| p["pid"] == pid).expect("the sender");
    assert_eq!((&mine["tx_bytes"], &mine["name"]), (&77_777.into(), &"bash".into()));
    assert!(mine.get("command").is_none_or(|command| command == "bash"), "commands stay here: {mine}");

    let out = home.say(&["stop"]);
    assert!(out.status.success() && said(&out).contains("is stopped"), "{}", said(&out));
    let out = home.say(&["stop"]);
    assert!(out.status.success() && said(&out).contains("does not run"), "{}", said(&out));
    let summary: Value =
        serde_json::from_slice(&fs::read(home.state().join("summary.json")).expect("a file")).expect("JSON");
    assert_eq!(summary["running"], false);
}

#[test]
fn a_supervisor_hears_that_it_is_ready_lives_and_stops() {
    let home = Home::new("");
    let path = home.folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let mut command = home.command(&["run", "--log-format", "json"]);
    let mut child = command.env("NOTIFY_SOCKET", &path).spawn().expect("watcher starts");
    let hear = |wanted: &str| {
        let mut buffer = [0; 4096];
        loop {
            let n = socket.recv(&mut buffer).unwrap_or_else(|e| panic!("{wanted}: {e}"));
            let said = String::from_utf8_lossy(&buffer[..n]).into_owned();
            if said.lines().any(|line| line.starts_with(wanted)) {
                return;
            }
        }
    };
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("STATUS=");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGHUP).expect("a signal");
    hear("RELOADING=1");
    hear("READY=1");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("a signal");
    hear("STOPPING=1");
    let mut said = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut said).expect("text");
    assert!(child.wait().expect("a child").success(), "{said}");
    for line in said.lines() {
        let line: Value = serde_json::from_str(line).expect("an object per line");
        assert!(line["time"].is_string() && line["level"] == "info" && line["message"].is_string(), "{line}");
    }
    assert!(said.lines().count() >= 3, "{said}");
}

#[test]
fn a_reload_sends_what_waits_to_the_new_endpoint_and_can_turn_upload_off() {
    let (silent, better) = (Endpoint::start(false), Endpoint::start(true));
    let home = Home::new(&uploading(&silent.address, "1s"));
    let daemon = home.run();
    let pid = send(222_223);
    wait_for("a window that waits", || home.status().filter(|status| status.upload.waiting > 0));
    home.configure(&uploading(&better.address, "1s"));
    let out = home.say(&["reload"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    wait_for("the bytes at the new endpoint", || (better.sent_by_process().get(&pid) == Some(&222_223)).then_some(()));

    home.configure("[collect]\nlist_loopback = true\nsample_interval = \"1s\"\n");
    let out = home.say(&["reload"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let status = wait_for("upload off", || home.status().filter(|status| status.upload.to.is_none()));
    assert_eq!(status.upload.state, "off");
    let arrived = better.bodies.lock().expect("no panic").len();
    let polls = status.polls;
    wait_for("three more polls", || home.status().filter(|status| status.polls >= polls + 3));
    assert_eq!(better.bodies.lock().expect("no panic").len(), arrived, "nothing leaves while upload is off");
    drop(daemon);
}
