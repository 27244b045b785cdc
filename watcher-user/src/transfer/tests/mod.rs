//! Real files: netmon's as netmon makes them, a history, and what is written of it read back.

mod exported;
mod imported;
mod refused;

use std::path::{Path, PathBuf};

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, params};
use tempfile::TempDir;
use watcher_core::history::{By, Choice, Query, Report, Sort};

use super::import::{Import, Outcome, run};
use crate::history::{FILE, History};

/// As netmon 0.5.0 makes them.
const NETMON: &str = "
CREATE TABLE IF NOT EXISTS traffic_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp INTEGER NOT NULL,
    interface TEXT NOT NULL,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_timestamp ON traffic_logs(timestamp);
CREATE INDEX IF NOT EXISTS idx_interface ON traffic_logs(interface);
CREATE TABLE IF NOT EXISTS app_traffic_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp INTEGER NOT NULL,
    app_name TEXT NOT NULL,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_app_timestamp ON app_traffic_logs(timestamp);
CREATE INDEX IF NOT EXISTS idx_app_name ON app_traffic_logs(app_name);
";

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A folder with a netmon and, later, a history.
struct Bench {
    folder: TempDir,
    netmon: Connection,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let netmon = Connection::open(folder.path().join("netmon.db")).unwrap();
        netmon.execute_batch(NETMON).unwrap();
        Self { folder, netmon }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn app(&self, second: Timestamp, name: &str, rx: i64, tx: i64) {
        let sql = "INSERT INTO app_traffic_logs (timestamp, app_name, bytes_in, bytes_out) VALUES (?, ?, ?, ?)";
        self.netmon.prepare_cached(sql).unwrap().execute(params![second.as_second(), name, rx, tx]).unwrap();
    }

    fn interface(&self, second: Timestamp, name: &str, rx: i64, tx: i64) {
        let sql = "INSERT INTO traffic_logs (timestamp, interface, bytes_in, bytes_out) VALUES (?, ?, ?, ?)";
        self.netmon.prepare_cached(sql).unwrap().execute(params![second.as_second(), name, rx, tx]).unwrap();
    }

    fn import_of(&self, file: &str, dry: bool, now: Timestamp) -> anyhow::Result<Outcome> {
        run(&Import { from: self.path(file), to: self.path(FILE), dry }, &berlin(), now)
    }

    fn import(&self, now: Timestamp) -> Outcome {
        self.import_of("netmon.db", false, now).unwrap()
    }

    fn report(&self, by: By, from: Option<Timestamp>, until: Option<Timestamp>) -> Report {
        report(&self.path(FILE), by, (from, until), false)
    }

    fn sum(&self, by: By) -> (u64, u64) {
        let total = self.report(by, None, None).total;
        (total.rx_bytes, total.tx_bytes)
    }
}

type Times = (Option<Timestamp>, Option<Timestamp>);

fn report(history: &Path, by: By, (from, until): Times, include_loopback: bool) -> Report {
    let choice = Choice { include_loopback, ..Choice::default() };
    let query = Query { from, until, by, choice, sort: Sort::default(), limit: usize::MAX, step: None, zone: None };
    History::open(history, berlin()).unwrap().report(&query).unwrap()
}
