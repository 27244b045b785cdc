use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};
use watcher_core::{
    Application, BootTime, NamedBy, ProcessId, Scope,
    history::{Amount, By, Entry, Level, Program, Series, Subject},
};

use super::{at, berlin, report};
use crate::{
    history::{FILE, Scan, Store, Upkeep},
    transfer::export::{Export, Format, run},
};

const EVERY: [By; 5] = [By::Application, By::Process, By::Domain, By::User, By::Interface];
const EVERY_FORMAT: [Format; 3] = [Format::Csv, Format::Json, Format::Parquet];
const HOSTILE: &str = "=HYPERLINK(\"x\")\n\u{1b}[31m, \u{202e}";

/// Received and sent, by scope.
type Sums = BTreeMap<String, (u64, u64)>;

fn entries(minute: Timestamp, name: &str, scope: Scope, rx_bytes: u64) -> Vec<Entry> {
    let application = Arc::new(Application { name: name.into(), rule: NamedBy::Unit, evidence: "x".into() });
    let id = ProcessId { tgid: 7, start: BootTime(1) };
    let program = Program { id, name: name.into(), uid: 4_000_000_000, application: Arc::clone(&application) };
    let subjects = [
        Subject::Total,
        Subject::Application(Arc::clone(&application)),
        Subject::Process(Arc::new(program)),
        Subject::Remote { application, remote: "example.com".into() },
        Subject::User(4_000_000_000),
        Subject::Interface { name: "eth0".into(), apart: scope != Scope::Network },
    ];
    let entry = |subject: Subject| {
        let scope = if matches!(subject, Subject::Interface { .. }) { Scope::Network } else { scope };
        let peak = if subject.kind().has_peaks() { (rx_bytes, 1) } else { (0, 0) };
        let amount = Amount { rx_bytes, tx_bytes: 1, rx_peak: peak.0, tx_peak: peak.1 };
        Entry { minute, series: Arc::new(Series { scope, estimated: false, subject }), amount }
    };
    subjects.into_iter().map(entry).collect()
}

/// Ten months: days, hours, minutes, and one that is under way.
fn history(folder: &Path) -> Timestamp {
    let now = at("2026-11-21T10:00:30Z");
    let mut store = Store::open_or_make(&folder.join(FILE), berlin()).unwrap();
    let mut minute = at("2026-01-20T00:00:00Z");
    let mut n = 0;
    while minute < now {
        n += 1;
        let scope = [Scope::Network, Scope::Loopback, Scope::Packet][n % 3];
        store.add(&entries(minute, ["nginx", HOSTILE][n % 2], scope, n as u64 * 1_000), minute).unwrap();
        minute += SignedDuration::from_mins(60 * 7 + 13);
    }
    store.add(&entries(at("2026-11-21T10:00:00Z"), "nginx", Scope::Network, 5), now).unwrap();
    while store.maintain(now, true).unwrap() == Upkeep::Stepped {}
    now
}

fn scan(by: By, finest: Level) -> Scan {
    Scan { by, from: None, until: None, finest }
}

fn written(folder: &Path, scan: Scan, format: Format) -> std::path::PathBuf {
    let path = folder.join("rows");
    let rows = run(&Export { scan, format, to: Some(path.clone()) }, &folder.join(FILE), &berlin()).unwrap();
    assert!(rows > 0);
    path
}

/// (scope, start, seconds, received, sent) of each row.
fn read(path: &Path, format: Format) -> Vec<(String, i64, i64, u64, u64)> {
    match format {
        Format::Csv => {
            let mut rows = csv::Reader::from_path(path).unwrap();
            let headings = rows.headers().unwrap().clone();
            let [scope, start, seconds, rx, tx] = ["scope", "start_unix", "seconds", "rx_bytes", "tx_bytes"]
                .map(|name| headings.iter().position(|heading| heading == name).unwrap());
            let row = |row: csv::StringRecord| {
                let number = |at: usize| row[at].parse::<u64>().unwrap();
                let of = row[scope].to_owned();
                (of, row[start].parse().unwrap(), row[seconds].parse().unwrap(), number(rx), number(tx))
            };
            rows.into_records().map(|found| row(found.unwrap())).collect()
        }
        Format::Json => {
            let text = fs::read_to_string(path).unwrap();
            let row = |line: &str| {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                let number = |name: &str| row[name].as_u64().unwrap();
                let of = row["scope"].as_str().unwrap().to_owned();
                let (start, seconds) = (row["start_unix"].as_i64().unwrap(), row["seconds"].as_i64().unwrap());
                (of, start, seconds, number("rx_bytes"), number("tx_bytes"))
            };
            text.lines().map(row).collect()
        }
        Format::Parquet => {
            let file = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
            let row = |row: parquet::record::Row| {
                let fields: BTreeMap<&str, &Field> =
                    row.get_column_iter().map(|(name, field)| (name.as_str(), field)).collect();
                let number = |name: &str| match fields[name] {
                    Field::ULong(number) => *number,
                    other => panic!("{name}: {other:?}"),
                };
                let signed = |name: &str| match fields[name] {
                    Field::Long(number) => *number,
                    other => panic!("{name}: {other:?}"),
                };
                let Field::Str(scope) = fields["scope"] else { panic!("{fields:?}") };
                (scope.clone(), signed("start_unix"), signed("seconds"), number("rx_bytes"), number("tx_bytes"))
            };
            file.get_row_iter(None).unwrap().map(|found| row(found.unwrap())).collect()
        }
    }
}

fn sums(rows: &[(String, i64, i64, u64, u64)]) -> Sums {
    let mut sums = Sums::new();
    for (scope, _, _, rx, tx) in rows {
        let sum = sums.entry(scope.clone()).or_default();
        *sum = (sum.0 + rx, sum.1 + tx);
    }
    sums
}

#[test]
fn what_is_read_back_is_what_stats_says_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    for by in EVERY {
        let mut first = None;
        for finest in [Level::Minute, Level::Hour, Level::Day] {
            for format in EVERY_FORMAT {
                let rows = read(&written(folder.path(), scan(by, finest), format), format);
                let found = sums(&rows);
                assert_eq!(*first.get_or_insert(found.clone()), found, "{by:?} {finest:?} {format:?}");
                assert!(rows.is_sorted_by_key(|row| row.1), "{by:?} {finest:?} {format:?}");
            }
        }
        // Of network and loopback, as stats with --include-loopback; interfaces that are apart are no part of its total.
        let stats = report(&folder.path().join(FILE), by, (None, None), true);
        let stats = stats
            .rows
            .iter()
            .fold((0, 0), |sum: (u64, u64), row| (sum.0 + row.amount.rx_bytes, sum.1 + row.amount.tx_bytes));
        let first = first.unwrap();
        let of = |scope: &str| first.get(scope).copied().unwrap_or_default();
        let (network, loopback) = (of("network"), of("loopback"));
        assert_eq!((network.0 + loopback.0, network.1 + loopback.1), stats, "{by:?}");
        assert_eq!(first.len(), if by == By::Interface { 1 } else { 3 });
    }
}

#[test]
fn rows_are_as_long_as_was_asked_or_as_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let now = history(folder.path());
    let lengths = |finest| {
        let rows = read(&written(folder.path(), scan(By::User, finest), Format::Json), Format::Json);
        let mut lengths: Vec<i64> = rows.iter().map(|row| row.2).collect();
        lengths.sort_unstable();
        lengths.dedup();
        lengths
    };
    // A day that the clock is put forward on, and today up to the end of its last row.
    let hours = |n: i64| n * 3_600;
    assert_eq!(lengths(Level::Minute), [60, hours(1), hours(23), hours(24)]);
    let today = at("2026-11-21T10:01:00Z").duration_since(at("2026-11-20T23:00:00Z")).as_secs();
    assert_eq!(lengths(Level::Day), [today, hours(23), hours(24), hours(25)]);
    let mut week = scan(By::User, Level::Minute);
    (week.from, week.until) = (Some(now - SignedDuration::from_hours(72)), Some(now));
    let rows = read(&written(folder.path(), week, Format::Csv), Format::Csv);
    assert!(rows.iter().all(|row| row.2 == 60) && rows.len() > 5, "{rows:?}");
}

#[test]
fn no_cell_is_a_formula_or_moves_a_cursor() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let path = written(folder.path(), scan(By::Process, Level::Day), Format::Csv);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.chars().all(|c| !c.is_control() || c == '\r' || c == '\n'));
    assert_eq!(text.lines().count(), text.matches("\r\n").count());
    let mut rows = csv::Reader::from_path(&path).unwrap();
    let hostile = rows.records().map(Result::unwrap).find(|row| row[5].contains("HYPERLINK")).unwrap();
    let shown = "'=HYPERLINK(\"x\")\\n\\u{1b}[31m, \\u{202e}";
    assert_eq!((&hostile[5], &hostile[7], &hostile[9], &hostile[13]), (shown, shown, "4000000000", ""));
    // Elsewhere names are as they are.
    let path = written(folder.path(), scan(By::Application, Level::Day), Format::Json);
    let lines = fs::read_to_string(path).unwrap();
    let mut rows = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let hostile = rows.find(|row| row["application"] == HOSTILE).unwrap();
    assert!(hostile["rx_peak"].as_u64() > Some(0) && hostile["process"].is_null(), "{hostile}");
}

#[test]
fn parquet_tells_what_is_not_there_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let path = written(folder.path(), scan(By::Process, Level::Day), Format::Parquet);
    let file = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    let row = file.get_row_iter(None).unwrap().next().unwrap().unwrap();
    let fields: BTreeMap<&str, &Field> = row.get_column_iter().map(|(name, of)| (name.as_str(), of)).collect();
    assert_eq!(fields["uid"], &Field::UInt(4_000_000_000));
    assert_eq!((fields["interface"], fields["rx_peak"], fields["apart"]), (&Field::Null, &Field::Null, &Field::Null));
    assert!(matches!(fields["start"], Field::TimestampMillis(_)), "{fields:?}");
}

#[test]
fn a_file_has_its_name_once_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("rows");
    fs::write(&path, "before").unwrap();
    let broken = Export { scan: scan(By::User, Level::Day), format: Format::Csv, to: Some(path.clone()) };
    let other = folder.path().join("other.db");
    fs::write(&other, "no history").unwrap();
    run(&broken, &other, &berlin()).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"before");
    let beside = |folder: &Path| fs::read_dir(folder).unwrap().count();
    assert_eq!(beside(out.path()), 1);
    run(&broken, &folder.path().join(FILE), &berlin()).unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with("start,start_unix,"));
    assert_eq!(beside(out.path()), 1);
    let device = Export { to: Some("/dev/null".into()), ..broken.clone() };
    run(&device, &folder.path().join(FILE), &berlin()).unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let folder_itself = Export { to: Some(folder.path().to_owned()), ..broken };
    run(&folder_itself, &folder.path().join(FILE), &berlin()).unwrap_err();
}

#[test]
fn what_the_disk_said_is_known_whatever_the_format() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    for format in EVERY_FORMAT {
        let full = Export { scan: scan(By::Process, Level::Minute), format, to: Some("/dev/full".into()) };
        let error = run(&full, &folder.path().join(FILE), &berlin()).unwrap_err();
        let causes: Vec<_> = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).collect();
        assert!(causes.iter().any(|e| e.kind() == std::io::ErrorKind::StorageFull), "{format:?}: {error:?}");
    }
}
