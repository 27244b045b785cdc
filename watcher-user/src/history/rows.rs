//! Rows of traffic, and how kinds, scopes and levels are numbered. The numbers are those of the file: they never change.

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use watcher_core::{
    Scope,
    history::{Amount, Kind, Level, Span},
};

/// A kind's number.
pub fn kind(kind: Kind) -> i64 {
    match kind {
        Kind::Total => 0,
        Kind::Ip => 1,
        Kind::Application => 2,
        Kind::Process => 3,
        Kind::Remote => 4,
        Kind::User => 5,
        Kind::Interface => 6,
        Kind::Explained => 7,
    }
}

/// A level's number.
pub fn level(level: Level) -> i64 {
    match level {
        Level::Open => 0,
        Level::Minute => 1,
        Level::Hour => 2,
        Level::Day => 3,
    }
}

/// A scope's number.
pub fn scope(scope: Scope) -> i64 {
    match scope {
        Scope::Network => 0,
        Scope::Loopback => 1,
        Scope::Packet => 2,
    }
}

/// SQLite's integers are signed. Nobody moves 8 exabytes.
pub fn stored(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The bytes of an integer that [`stored`] made.
pub fn bytes(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// A time of the file.
pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

const ADD: &str =
    "INSERT INTO traffic (level, kind, at, series, rx, tx, rx_peak, tx_peak) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT DO UPDATE SET rx = rx + excluded.rx, tx = tx + excluded.tx,
        rx_peak = max(rx_peak, excluded.rx_peak), tx_peak = max(tx_peak, excluded.tx_peak)";

/// Adds to rows of one level and kind.
pub struct Adder<'db> {
    statement: CachedStatement<'db>,
}

impl<'db> Adder<'db> {
    pub fn new(db: &'db Connection) -> rusqlite::Result<Self> {
        Ok(Self { statement: db.prepare_cached(ADD)? })
    }

    pub fn add(&mut self, to: Level, of: Kind, at: Timestamp, series: i64, amount: Amount) -> rusqlite::Result<()> {
        self.statement.execute(params![
            level(to),
            kind(of),
            at.as_second(),
            series,
            stored(amount.rx_bytes),
            stored(amount.tx_bytes),
            stored(amount.rx_peak),
            stored(amount.tx_peak),
        ])?;
        Ok(())
    }
}

const SUM: &str = "SELECT series, sum(rx), sum(tx), max(rx_peak), max(tx_peak) FROM traffic
    WHERE level = ?1 AND kind = ?2 AND at >= ?3 AND at < ?4 GROUP BY series";

/// What rows that begin within `span` add up to, by series.
pub fn sums(db: &Connection, from: Level, of: Kind, span: Span) -> rusqlite::Result<Vec<(i64, Amount)>> {
    let mut statement = db.prepare_cached(SUM)?;
    statement
        .query_map(params![level(from), kind(of), span.from.as_second(), span.until.as_second()], |row| {
            let number = |at| row.get::<_, i64>(at).map(bytes);
            let (rx_bytes, tx_bytes) = (number(1)?, number(2)?);
            Ok((row.get(0)?, Amount { rx_bytes, tx_bytes, rx_peak: number(3)?, tx_peak: number(4)? }))
        })?
        .collect()
}

/// Takes rows away that begin within `span`; how many there were.
pub fn remove(db: &Connection, at: Level, of: Kind, span: Span) -> rusqlite::Result<usize> {
    let mut statement =
        db.prepare_cached("DELETE FROM traffic WHERE level = ?1 AND kind = ?2 AND at >= ?3 AND at < ?4")?;
    statement.execute(params![level(at), kind(of), span.from.as_second(), span.until.as_second()])
}

/// When the first row of a level from `since` on begins.
pub fn first(db: &Connection, at: Level, since: Option<Timestamp>) -> rusqlite::Result<Option<Timestamp>> {
    let since = since.map_or(i64::MIN, Timestamp::as_second);
    let mut statement =
        db.prepare_cached("SELECT at FROM traffic WHERE level = ?1 AND kind = ?2 AND at >= ?3 ORDER BY at LIMIT 1")?;
    let mut earliest: Option<i64> = None;
    for of in Kind::ALL {
        let found: Option<i64> =
            statement.query_row(params![level(at), kind(of), since], |row| row.get(0)).optional()?;
        earliest = [earliest, found].into_iter().flatten().min();
    }
    Ok(earliest.map(time))
}

/// A moment that is remembered by name.
pub fn mark(db: &Connection, name: &str) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement = db.prepare_cached("SELECT value FROM mark WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?.map(time))
}

/// Remembers it.
pub fn set_mark(db: &Connection, name: &str, at: Timestamp) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached("INSERT OR REPLACE INTO mark (name, value) VALUES (?1, ?2)")?;
    statement.execute(params![name, at.as_second()]).map(drop)
}
