//! The tables, version after version. Forward only: what was once released is never edited, only followed.

use rusqlite::{Connection, Transaction};

/// `PRAGMA application_id`: "wtch".
pub const APPLICATION_ID: i32 = 0x7774_6368;

/// Each brings the tables from the version of its place to the next.
const STEPS: &[&str] = &[V1, V2];

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

/// Brings the tables up to [`VERSION`].
///
/// # Errors
/// SQLite's.
pub fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let from: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (version, step) in (0..).zip(STEPS).skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        let change: Transaction<'_> = db.transaction()?;
        change.execute_batch(step)?;
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
        db.execute_batch(step).expect("steps that were released work");
        db.pragma_update(None, "application_id", APPLICATION_ID).expect("it is writable");
        db.pragma_update(None, "user_version", at).expect("it is writable");
    }
}
