//! The real program, and a history that was written as the daemon writes it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use serde_json::Value;
use watcher_core::{
    Application, NamedBy, ProcessId, Scope,
    history::{Amount, Entry, Program, Series, Subject},
};
use watcher_user::history::{Store, Upkeep, open_or_set_aside};

const BERLIN: &str = "Europe/Berlin";

struct Home {
    folder: tempfile::TempDir,
    zone: String,
}

impl Home {
    fn new(zone: &str) -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), zone: zone.to_owned() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("history.db")
    }

    fn store(&self) -> Store {
        let zone = TimeZone::get(&self.zone).expect("a zone");
        open_or_set_aside(&self.file(), "a boot", zone).expect("it opens").store
    }

    /// Writes what two programs moved at each of these times, and folds what is over before `now`.
    fn write(&self, times: &[(Timestamp, u64)], now: Timestamp) {
        let mut store = self.store();
        for (at, bytes) in times {
            let entries: Vec<Entry> = subjects().into_iter().map(|subject| entry(*at, *bytes, subject)).collect();
            store.add(&entries, *at).expect("written");
        }
        store.add(&[], now).expect("written");
        while store.maintain(now, false).expect("kept") == Upkeep::Stepped {}
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
        command.args(args).env("TZ", &self.zone).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        command.env("DIALTONE_WATCHER_HOME", self.folder.path());
        command
    }

    fn say(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("watcher starts")
    }

    fn text(&self, args: &[&str]) -> String {
        let out = self.say(args);
        let words = String::from_utf8_lossy(&out.stderr);
        assert_eq!((out.status.code(), &*words), (Some(0), ""), "{args:?}");
        String::from_utf8(out.stdout).expect("UTF-8")
    }

    fn object(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.text(args)).expect("an object")
    }
}

fn subjects() -> Vec<Subject> {
    let application = |name: &str| {
        let (name, evidence) = (name.into(), "/usr/bin/it".into());
        Arc::new(Application { name, rule: NamedBy::Executable, evidence })
    };
    let (firefox, sshd) = (application("Firefox"), application("sshd"));
    let id = ProcessId { tgid: 4242, start: watcher_core::BootTime(7) };
    let process = Program { id, name: "Web Content".into(), uid: 0, application: Arc::clone(&firefox) };
    let remote = Subject::Remote { application: Arc::clone(&firefox), remote: "example.org".into() };
    vec![
        Subject::Total,
        Subject::Application(firefox),
        Subject::Process(Arc::new(process)),
        remote,
        Subject::User(0),
        Subject::Application(sshd),
        Subject::Interface { name: "eth0".into(), apart: false },
        Subject::Interface { name: "docker0".into(), apart: true },
    ]
}

/// The total is what both applications moved.
fn entry(at: Timestamp, bytes: u64, subject: Subject) -> Entry {
    let rx_bytes = match &subject {
        Subject::Application(application) if &*application.name == "sshd" => bytes,
        Subject::Total | Subject::User(_) => bytes * 3,
        _ => bytes * 2,
    };
    let amount = Amount { rx_bytes, tx_bytes: 1, rx_peak: rx_bytes, tx_peak: 1 };
    let series = Arc::new(Series { scope: Scope::Network, estimated: false, subject });
    Entry { minute: at, series, amount }
}

fn at(text: &str) -> Timestamp {
    text.parse::<Zoned>().expect("a time").timestamp()
}

/// The day on which Berlin's clock was put forward, with something just before, within and just after it.
fn short_day(home: &Home) {
    let times = [
        (at("2026-03-28T23:59[Europe/Berlin]"), 1_000_000),
        (at("2026-03-29T00:00[Europe/Berlin]"), 100),
        (at("2026-03-29T03:30[Europe/Berlin]"), 20),
        (at("2026-03-29T23:59[Europe/Berlin]"), 3),
        (at("2026-03-30T00:00[Europe/Berlin]"), 1_000_000),
    ];
    home.write(&times, at("2026-04-02T12:00[Europe/Berlin]"));
}

/// A zone in which it is about noon, so that no test runs over midnight; and the minute there.
fn noon() -> (String, Timestamp) {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let minute = now.with().second(0).subsec_nanosecond(0).build().expect("a minute");
    (format!("Etc/GMT{:+}", now.hour() - 12), minute.timestamp())
}

#[test]
fn the_file_may_be_named_anywhere_and_the_answer_is_the_same() {
    let home = Home::new(BERLIN);
    short_day(&home);
    let file = home.file().display().to_string();
    let first = home.text(&["--db", &file, "stats", "all"]);
    assert!(first.contains("Firefox") && first.contains("All time, since 28 March 2026"), "{first}");
    assert_eq!(home.text(&["stats", "--db", &file, "all"]), first);
    assert_eq!(home.text(&["stats", "all", "--db", &file]), first);
    // The state directory has it too.
    assert_eq!(home.text(&["stats", "all"]), first);
    let out = home.say(&["--db", &file, "summary"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn a_day_of_23_hours_has_its_own_bytes_and_no_others() {
    let home = Home::new(BERLIN);
    short_day(&home);
    let day = home.object(&["stats", "--from", "2026-03-29", "--to", "2026-03-30", "--json"]);
    assert_eq!(
        (&day["from"], &day["until"]),
        (&"2026-03-29T00:00:00+01:00".into(), &"2026-03-30T00:00:00+02:00".into())
    );
    assert_eq!(day["time_zone"], BERLIN);
    assert_eq!((&day["total"]["rx_bytes"], &day["total"]["rx_peak"]), (&369.into(), &300.into()), "{day}");
    let rows: Vec<(&str, u64)> = (day["rows"].as_array().expect("a list").iter())
        .map(|row| (row["name"].as_str().expect("text"), row["rx_bytes"].as_u64().expect("bytes")))
        .collect();
    assert_eq!(rows, [("Firefox", 246), ("sshd", 123)]);
    assert_eq!(day["rows"][0]["explained"][0]["rule"], "executable");
    // To somebody elsewhere the day is another one: from 01:00 to 02:00 of the next in Berlin.
    let elsewhere =
        home.command(&["stats", "--from", "2026-03-29", "--to", "2026-03-30", "--csv"]).env("TZ", "UTC").output();
    let elsewhere = String::from_utf8(elsewhere.expect("watcher starts").stdout).expect("UTF-8");
    let lines: Vec<&str> = elsewhere.split("\r\n").collect();
    assert_eq!(lines[0], "name,rx_bytes,tx_bytes,bytes,rx_peak,tx_peak,estimated,rule,evidence");
    assert_eq!(lines[1], "Firefox,2000046,3,2000049,2000000,1,false,executable,/usr/bin/it");
}

#[test]
fn every_view_has_todays_bytes() {
    let (zone, minute) = noon();
    let home = Home::new(&zone);
    let earlier = minute - SignedDuration::from_hours(2);
    home.write(&[(earlier, 10), (minute, 100)], minute);
    for (view, name, bytes) in [
        ("apps", "Firefox", 220),
        ("processes", "Web Content", 220),
        ("domains", "example.org", 220),
        ("users", "root", 330),
        ("interfaces", "eth0", 220),
    ] {
        for period in ["today", "week", "month", "all"] {
            let object = home.object(&["stats", view, period, "--json"]);
            let rows = object["rows"].as_array().expect("a list");
            let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{object}"));
            assert_eq!(row["rx_bytes"], bytes, "{view} {period}: {object}");
        }
    }
    let interfaces = home.object(&["stats", "interfaces", "--json"]);
    assert_eq!(interfaces["total"]["rx_bytes"], 220, "docker0 is apart: {interfaces}");
    let drawn = home.object(&["stats", "interfaces", "--json", "--graph", "hour"]);
    let bins = drawn["bins"].as_array().expect("a list");
    assert_eq!(bins.iter().filter_map(|bin| bin["rx_bytes"].as_u64()).sum::<u64>(), 220, "{drawn}");
    let text = home.text(&["stats", "--graph", "--units", "bits"]);
    assert!(text.starts_with("Today, ") && text.contains("Downloaded by hour\n") && text.contains('█'), "{text}");
    let ascii = home.command(&["stats", "--graph"]).env("LC_ALL", "C").output().expect("watcher starts");
    assert!(ascii.stdout.is_ascii(), "{}", String::from_utf8_lossy(&ascii.stdout));
    let parts = home.text(&["stats", "--period", "3h", "--graph", "minute", "--csv"]);
    let sum: u64 = parts.lines().skip(1).filter_map(|line| line.split(',').nth(2)?.parse::<u64>().ok()).sum();
    assert_eq!(sum, 330, "{parts}");
    assert!(parts.lines().count() >= 181, "every minute has a line: {}", parts.lines().count());
}

#[test]
fn what_is_no_history_has_words_of_its_own() {
    let home = Home::new(BERLIN);
    let path = |name: &str| home.folder.path().join(name);
    std::fs::write(path("text"), "not a database, but long enough to be looked at as if it were one").expect("written");
    for (file, says) in [
        (path("nothing"), "there is no history at"),
        (path("text"), "is damaged"),
        (PathBuf::from("/dev/null"), "is no file"),
        (home.folder.path().to_owned(), "is no file: name a history, history.db"),
    ] {
        let out = home.say(&["stats", "--db", &file.display().to_string()]);
        let words = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(1), "{words}");
        assert!(words.contains(says), "{words}");
    }
    let out = home.say(&["stats"]);
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(words.contains("nothing was collected yet") && words.contains("sudo watcher start"), "{words}");
    drop(home.store());
    assert_eq!(home.text(&["stats"]), "Today\n\nNothing was collected yet: sudo watcher start\n");
    assert_eq!(home.object(&["stats", "--json"])["from"], Value::Null);
}

/// The machine is root's.
#[cfg(target_os = "linux")]
#[test]
fn who_may_not_read_it_is_told_so() {
    use std::os::unix::{fs::PermissionsExt as _, process::CommandExt as _};

    const NOBODY: u32 = 65_534;
    let home = Home::new(BERLIN);
    short_day(&home);
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(home.folder.path(), everybody.clone()).expect("a folder for everybody");
    let program = home.folder.path().join("watcher");
    std::fs::copy(env!("CARGO_BIN_EXE_watcher"), &program).expect("a copy");
    std::fs::set_permissions(&program, everybody).expect("a program for everybody");
    let file = home.file().display().to_string();
    for args in [&["stats"][..], &["stats", "--db", &file]] {
        let mut command = Command::new(&program);
        command.args(args).env("DIALTONE_WATCHER_HOME", home.folder.path()).uid(NOBODY).gid(NOBODY).current_dir("/");
        let out = command.stdin(Stdio::null()).output().expect("watcher starts");
        let words = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(1), "{words}");
        assert!(words.contains("history.db may not be read: be root"), "{words}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let home = Home::new(BERLIN);
    short_day(&home);
    let mut child = home
        .command(&["stats", "all", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("watcher starts");
    drop(child.stdout.take());
    let out = child.wait_with_output().expect("it ends");
    assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned()), (Some(0), String::new()));
}

#[test]
fn reading_leaves_the_file_as_it_was() {
    let home = Home::new(BERLIN);
    short_day(&home);
    let read = |path: &Path| std::fs::read(path).expect("a file");
    let before = read(&home.file());
    home.text(&["stats", "all", "--graph"]);
    assert!(read(&home.file()) == before);
}
