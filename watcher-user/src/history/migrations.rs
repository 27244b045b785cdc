//! The tables, version after version. Forward only: what was once released is never edited, only followed.

use rusqlite::{Connection, Transaction, params};
use watcher_core::history::Amount;

use super::{
    packed::{self, Sums},
    rows::bytes,
};

/// `PRAGMA application_id`: "wtch".
pub const APPLICATION_ID: i32 = 0x7774_6368;

/// Each brings the tables from the version of its place to the next.
const STEPS: &[Step] = &[Step::Sql(V1), Step::Sql(V2), Step::Code(pack)];

enum Step {
    Sql(&'static str),
    Code(fn(&Connection) -> rusqlite::Result<()>),
}

impl Step {
    fn take(&self, db: &Connection) -> rusqlite::Result<()> {
        match self {
            Self::Sql(sql) => db.execute_batch(sql),
            Self::Code(code) => code(db),
        }
    }
}

/// The version that this watcher writes: `PRAGMA user_version`.
pub const VERSION: i64 = STEPS.len() as i64;

/// Names stand once; what has none is 0. Times are seconds since 1970, UTC.
const V1: &str = "
CREATE TABLE application (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    rule     TEXT NOT NULL,
    evidence TEXT NOT NULL,       -- what the rule read last
    UNIQUE (name, rule)
) STRICT;

CREATE TABLE process (
    id          INTEGER PRIMARY KEY,
    boot        TEXT NOT NULL,    -- which boot; start only means something within one
    pid         INTEGER NOT NULL,
    start       INTEGER NOT NULL, -- nanoseconds since boot
    name        TEXT NOT NULL,
    uid         INTEGER NOT NULL,
    application INTEGER NOT NULL,
    UNIQUE (boot, pid, start, name, uid, application)
) STRICT;

CREATE TABLE remote (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE interface (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE series (
    id          INTEGER PRIMARY KEY,
    kind        INTEGER NOT NULL, -- 0 total, 1 IP, 2 application, 3 process, 4 remote, 5 user, 6 interface, 7 explained
    scope       INTEGER NOT NULL, -- 0 network, 1 loopback, 2 link layer
    estimated   INTEGER NOT NULL,
    application INTEGER NOT NULL,
    process     INTEGER NOT NULL,
    remote      INTEGER NOT NULL,
    uid         INTEGER NOT NULL,
    interface   INTEGER NOT NULL,
    apart       INTEGER NOT NULL,
    keep_until  INTEGER NOT NULL, -- no row needs it after that
    UNIQUE (kind, scope, estimated, application, process, remote, uid, interface, apart)
) STRICT;

CREATE TABLE traffic (
    level   INTEGER NOT NULL, -- 0 open minute, 1 minute, 2 hour, 3 day
    kind    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    series  INTEGER NOT NULL,
    rx      INTEGER NOT NULL,
    tx      INTEGER NOT NULL,
    rx_peak INTEGER NOT NULL,
    tx_peak INTEGER NOT NULL,
    PRIMARY KEY (level, kind, at, series)
) STRICT, WITHOUT ROWID;

-- Hours and days that have been added up.
CREATE TABLE bucket (
    level INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (level, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE mark (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What was taken over from somebody else's database.
const V2: &str = "
CREATE TABLE import (
    source TEXT PRIMARY KEY, -- a table of a file, by its first row that has bytes
    last   INTEGER NOT NULL, -- the id of the last row that was read
    since  INTEGER NOT NULL, -- the first minute that was taken over
    until  INTEGER NOT NULL  -- the end of the last one
) STRICT, WITHOUT ROWID;
";

/// What is over is packed; a boot is a number.
const V3: &str = "
CREATE TABLE open (
    kind    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    series  INTEGER NOT NULL,
    rx      INTEGER NOT NULL,
    tx      INTEGER NOT NULL,
    rx_peak INTEGER NOT NULL,
    tx_peak INTEGER NOT NULL,
    PRIMARY KEY (kind, at, series)
) STRICT, WITHOUT ROWID;
INSERT INTO open SELECT kind, at, series, rx, tx, rx_peak, tx_peak FROM traffic WHERE level = 0;

CREATE TABLE packed (
    level INTEGER NOT NULL, -- 1 minute, 2 hour, 3 day
    kind  INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    rows  BLOB NOT NULL,
    UNIQUE (level, kind, at)
) STRICT;

CREATE TABLE boot (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO boot (name) SELECT DISTINCT boot FROM process WHERE boot <> '';

CREATE TABLE program (
    id          INTEGER PRIMARY KEY,
    boot        INTEGER NOT NULL, -- which boot, 0 for the rest of an application; start only means something within one
    pid         INTEGER NOT NULL,
    start       INTEGER NOT NULL, -- nanoseconds since boot
    name        TEXT NOT NULL,
    uid         INTEGER NOT NULL,
    application INTEGER NOT NULL
) STRICT;
INSERT INTO program SELECT p.id, coalesce(b.id, 0), p.pid, p.start, p.name, p.uid, p.application
    FROM process p LEFT JOIN boot b ON b.name = p.boot;
DROP TABLE process;
ALTER TABLE program RENAME TO process;
CREATE INDEX process_of ON process (boot, pid, application);
";

fn pack(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(V3)?;
    let sql = "SELECT level, kind, at, series, rx, tx, rx_peak, tx_peak FROM traffic WHERE level > 0
        ORDER BY level, kind, at";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut insert = db.prepare("INSERT INTO packed (level, kind, at, rows) VALUES (?1, ?2, ?3, ?4)")?;
    let mut period: Option<((i64, i64, i64), Sums)> = None;
    loop {
        let row = rows.next()?;
        let place = row.map(<(i64, i64, i64)>::try_from).transpose()?;
        if period.as_ref().map(|(at, _)| *at) != place
            && let Some(((level, kind, at), sums)) = std::mem::replace(&mut period, place.map(|at| (at, Sums::new())))
        {
            insert.execute(params![level, kind, at, packed::pack(&sums)])?;
        }
        let (Some(row), Some((_, sums))) = (row, &mut period) else { break };
        let number = |at| row.get::<_, i64>(at).map(bytes);
        let amount = Amount { rx_bytes: number(4)?, tx_bytes: number(5)?, rx_peak: number(6)?, tx_peak: number(7)? };
        sums.insert(row.get(3)?, amount);
    }
    db.execute_batch("DROP TABLE traffic")
}

/// Brings the tables up to [`VERSION`].
///
/// # Errors
/// SQLite's.
pub fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let from: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (version, step) in (0..).zip(STEPS).skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        let change: Transaction<'_> = db.transaction()?;
        step.take(&change)?;
        change.pragma_update(None, "application_id", APPLICATION_ID)?;
        change.pragma_update(None, "user_version", version + 1)?;
        change.commit()?;
    }
    Ok(())
}

/// A file as an earlier version left it.
#[cfg(test)]
pub fn made_as(path: &std::path::Path, version: i64) {
    let db = Connection::open(path).expect("a file of the test's own");
    for (at, step) in (1..=version).zip(STEPS) {
        step.take(&db).expect("steps that were released work");
        db.pragma_update(None, "application_id", APPLICATION_ID).expect("it is writable");
        db.pragma_update(None, "user_version", at).expect("it is writable");
    }
}
