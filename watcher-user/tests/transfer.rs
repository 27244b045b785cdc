//! `watcher import` and `watcher export` as they are run.

use std::{
    io::Read as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use rusqlite::{Connection, OpenFlags};

const NETMON: &str = "
CREATE TABLE traffic_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL, interface TEXT NOT NULL,
    bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL);
CREATE INDEX idx_timestamp ON traffic_logs(timestamp);
CREATE TABLE app_traffic_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL, app_name TEXT NOT NULL,
    bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL);
CREATE INDEX idx_app_timestamp ON app_traffic_logs(timestamp);
WITH RECURSIVE second(at) AS (SELECT 1764547200 UNION ALL SELECT at + 1 FROM second WHERE at < 1764547200 + 200000)
    INSERT INTO app_traffic_logs (timestamp, app_name, bytes_in, bytes_out) SELECT at, 'Mail', at % 100, 1 FROM second;
INSERT INTO traffic_logs (timestamp, interface, bytes_in, bytes_out) SELECT timestamp, 'en0', bytes_in, 2 FROM app_traffic_logs;
INSERT INTO traffic_logs (timestamp, interface, bytes_in, bytes_out) VALUES (1764547200, 'lo0', 77, 77);
";

/// A home with netmon's database in it.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(home.path().join(".netmon")).expect("a folder");
    let netmon = Connection::open(home.path().join(".netmon/netmon.db")).expect("a database");
    netmon.execute_batch(&format!("BEGIN; {NETMON} COMMIT")).expect("rows");
    home
}

fn watcher(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watcher"));
    command.args(args).env("HOME", home).env("TZ", "Europe/Berlin").env_remove("SUDO_USER").current_dir(home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(home: &Path, args: &[&str]) -> (Output, String) {
    let out = watcher(home, args).output().expect("the program starts");
    let words = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    (out, words)
}

#[test]
fn netmons_past_is_taken_over_once_and_comes_out_again_whole() {
    let home = home();
    let (out, words) = run(home.path(), &["import", "--dry-run", "--db", "history.db"]);
    assert!(out.status.success() && words.contains("200001 of 200001 rows by application would be"), "{words}");
    assert!(!home.path().join("history.db").exists());
    let (out, words) = run(home.path(), &["import", "--db", "history.db"]);
    assert!(out.status.success() && words.contains("200001 of 200001 rows by application taken over"), "{words}");
    let (out, words) = run(home.path(), &["import", "--db", "history.db"]);
    assert!(out.status.success() && words.contains("Nothing is new"), "{words}");

    let received: u64 = (1_764_547_200_u64..=1_764_547_200 + 200_000).map(|at| at % 100).sum();
    let sums = |args: &[&str]| {
        let (out, words) = run(home.path(), &[&["export", "--db", "history.db"], args].concat());
        assert!(out.status.success(), "{words}");
        let mut rows = csv::Reader::from_reader(&*out.stdout);
        let rows: Vec<csv::StringRecord> = rows.records().map(|row| row.expect("a row")).collect();
        assert!(rows.iter().all(|row| &row[19] == "true" && row[0].ends_with("+01:00")), "{rows:?}");
        let counted = rows.iter().filter(|row| &row[13] != "true");
        counted.fold((0, 0), |sum: (u64, u64), row| {
            let number = |at: usize| row[at].parse::<u64>().expect("a number");
            (sum.0 + number(15), sum.1 + number(16))
        })
    };
    assert_eq!(sums(&[]), (received, 200_001));
    assert_eq!(sums(&["--by", "interface", "--level", "day"]), (received, 400_002));
    // 1764547200 is 2025-12-01T01:00 in Berlin.
    assert_eq!(sums(&["--from", "2025-12-01", "--to", "2025-12-02"]).1, 23 * 3_600);
}

#[test]
fn parquet_is_a_file_with_a_magic_number_at_both_ends() {
    let home = home();
    run(home.path(), &["import", "--db", "history.db"]);
    let (out, words) = run(home.path(), &["export", "--db", "history.db", "--format", "parquet", "-o", "rows.parquet"]);
    assert!(out.status.success() && out.stdout.is_empty(), "{words}");
    let file = std::fs::read(home.path().join("rows.parquet")).expect("it is there");
    let (out, _) = run(home.path(), &["export", "--db", "history.db", "--format", "parquet"]);
    assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1") && out.stdout == file);
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let home = home();
    run(home.path(), &["import", "--db", "history.db"]);
    for format in ["csv", "json", "parquet"] {
        let mut child =
            watcher(home.path(), &["export", "--db", "history.db", "--format", format]).spawn().expect("it starts");
        // The pipe is closed before the first row can be written.
        drop(child.stdout.take());
        let mut words = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut words).expect("words");
        assert!(child.wait().expect("it ends").success() && words.is_empty(), "{format}: {words}");
    }
}

#[test]
fn what_cannot_be_is_said_with_the_right_exit_code() {
    let home = home();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["import", "absent.db"], 1, "there is no absent.db"),
        (&["export", "--db", ".netmon/netmon.db"], 1, "not a history of watcher"),
        (&["export", "--db", "absent.db"], 1, "there is no history at absent.db"),
        (&["export", "--from", "soon"], 2, "--from: 'soon' is no time; write 2026-03-29"),
        (&["export", "--from", "2026-02-30"], 2, "--from: '2026-02-30' is no time"),
        (&["export", "--from", "2026-03-02", "--to", "2026-03-01"], 2, "--from must be before --to"),
    ];
    for (args, code, expected) in cases {
        let (out, words) = run(home.path(), args);
        assert!(out.status.code() == Some(code) && words.contains(expected), "{args:?}: {words}");
    }
}

#[test]
fn an_import_that_was_killed_goes_on_where_it_was() {
    let home = home();
    let history = home.path().join("history.db");
    let mut child = watcher(home.path(), &["import", "--db", "history.db"]).spawn().expect("it starts");
    // Until a part of it is there, or all.
    let has_begun = || {
        let rows = Connection::open_with_flags(&history, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|db| db.query_row("SELECT count(*) FROM import", [], |row| row.get::<_, i64>(0)));
        rows.is_ok_and(|rows| rows > 0)
    };
    while !has_begun() && child.try_wait().expect("it is a child").is_none() {
        std::thread::yield_now();
    }
    child.kill().expect("it is a child");
    child.wait().expect("it ends");
    let (out, words) = run(home.path(), &["import", "--db", "history.db"]);
    assert!(out.status.success(), "{words}");
    let received: u64 = (1_764_547_200_u64..=1_764_547_200 + 200_000).map(|at| at % 100).sum();
    for by in ["application", "interface"] {
        let (out, words) = run(home.path(), &["export", "--db", "history.db", "--by", by, "--format", "json"]);
        assert!(out.status.success(), "{words}");
        let rows = out.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let rows = rows.map(|line| serde_json::from_slice::<serde_json::Value>(line).expect("an object"));
        let counted = rows.filter(|row| row["apart"] != true).map(|row| row["rx_bytes"].as_u64().expect("a number"));
        assert_eq!(counted.sum::<u64>(), received, "{by}");
    }
}
