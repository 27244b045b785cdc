//! Rows of traffic, and how kinds, scopes and levels are numbered. The numbers are those of the file: they never change.

use std::{collections::HashMap, ops::ControlFlow};

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use watcher_core::{
    Scope,
    history::{Amount, Kind, Level, Span},
};

use super::packed;

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

/// The numbers of scopes.
pub const NETWORK: i64 = 0;
pub const LOOPBACK: i64 = 1;

/// A scope's number.
pub fn scope(scope: Scope) -> i64 {
    match scope {
        Scope::Network => NETWORK,
        Scope::Loopback => LOOPBACK,
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

/// What the file says cannot be.
pub fn corrupt(why: String) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(why))
}

const ADD: &str = "INSERT INTO open (kind, at, series, rx, tx, rx_peak, tx_peak) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT DO UPDATE SET rx = rx + excluded.rx, tx = tx + excluded.tx,
        rx_peak = max(rx_peak, excluded.rx_peak), tx_peak = max(tx_peak, excluded.tx_peak)";

/// Adds to open minutes.
pub struct Adder<'db> {
    statement: CachedStatement<'db>,
}

impl<'db> Adder<'db> {
    pub fn new(db: &'db Connection) -> rusqlite::Result<Self> {
        Ok(Self { statement: db.prepare_cached(ADD)? })
    }

    pub fn add(&mut self, of: Kind, at: Timestamp, series: i64, amount: Amount) -> rusqlite::Result<()> {
        self.statement.execute(params![
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

/// One minute, hour or day after the other, of those that begin within `span`: when it began, and its rows.
pub fn each(
    db: &Connection,
    from: Level,
    of: Kind,
    span: Span,
    mut take: impl FnMut(Timestamp, Vec<(i64, Amount)>) -> rusqlite::Result<ControlFlow<()>>,
) -> rusqlite::Result<ControlFlow<()>> {
    let (since, until) = (span.from.as_second(), span.until.as_second());
    if from != Level::Open {
        let sql = "SELECT at, rows FROM packed WHERE level = ?1 AND kind = ?2 AND at >= ?3 AND at < ?4 ORDER BY at";
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query(params![level(from), kind(of), since, until])?;
        while let Some(row) = rows.next()? {
            let blob = row.get_ref(1)?.as_blob()?;
            if take(time(row.get(0)?), packed::unpack(blob)?)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        return Ok(ControlFlow::Continue(()));
    }
    let sql =
        "SELECT at, series, rx, tx, rx_peak, tx_peak FROM open WHERE kind = ?1 AND at >= ?2 AND at < ?3 ORDER BY at";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![kind(of), since, until])?;
    let mut current: Option<(i64, Vec<(i64, Amount)>)> = None;
    while let Some(row) = rows.next()? {
        let at = row.get(0)?;
        let number = |at| row.get::<_, i64>(at).map(bytes);
        let amount = Amount { rx_bytes: number(2)?, tx_bytes: number(3)?, rx_peak: number(4)?, tx_peak: number(5)? };
        let row = (row.get(1)?, amount);
        match &mut current {
            Some((minute, rows)) if *minute == at => rows.push(row),
            _ => {
                if let Some((minute, rows)) = current.replace((at, vec![row]))
                    && take(time(minute), rows)?.is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }
    current.map_or(Ok(ControlFlow::Continue(())), |(minute, rows)| take(time(minute), rows))
}

/// What rows that begin within `span` add up to, by series.
pub fn sums(db: &Connection, from: Level, of: Kind, span: Span) -> rusqlite::Result<HashMap<i64, Amount>> {
    let mut sums: HashMap<i64, Amount> = HashMap::new();
    let all = each(db, from, of, span, |_, rows| {
        for (series, amount) in rows {
            *sums.entry(series).or_default() += amount;
        }
        Ok(ControlFlow::Continue(()))
    });
    all.map(|_| sums)
}

/// Takes rows away that begin within `span`.
pub fn remove(db: &Connection, at: Level, of: Kind, span: Span) -> rusqlite::Result<()> {
    let (since, until) = (span.from.as_second(), span.until.as_second());
    let removed = if at == Level::Open {
        db.prepare_cached("DELETE FROM open WHERE kind = ?1 AND at >= ?2 AND at < ?3")?.execute(params![
            kind(of),
            since,
            until
        ])
    } else {
        db.prepare_cached("DELETE FROM packed WHERE level = ?1 AND kind = ?2 AND at >= ?3 AND at < ?4")?
            .execute(params![level(at), kind(of), since, until])
    };
    removed.map(drop)
}

/// When the first row of a level from `since` on begins.
pub fn first(db: &Connection, at: Level, since: Option<Timestamp>) -> rusqlite::Result<Option<Timestamp>> {
    edge(db, at, "min", since.map_or(i64::MIN, Timestamp::as_second))
}

/// When the last row of a level begins.
pub fn last(db: &Connection, at: Level) -> rusqlite::Result<Option<Timestamp>> {
    edge(db, at, "max", i64::MIN)
}

fn edge(db: &Connection, at: Level, which: &str, since: i64) -> rusqlite::Result<Option<Timestamp>> {
    let rows = match at {
        Level::Open => "open WHERE".to_owned(),
        _ => format!("packed WHERE level = {} AND", level(at)),
    };
    let mut statement = db.prepare_cached(&format!("SELECT {which}(at) FROM {rows} kind = ?1 AND at >= ?2"))?;
    let found = Kind::ALL.map(|of| statement.query_row(params![kind(of), since], |row| row.get::<_, Option<i64>>(0)));
    let found = found.into_iter().filter_map(Result::transpose).collect::<rusqlite::Result<Vec<i64>>>()?;
    let found = if which == "min" { found.into_iter().min() } else { found.into_iter().max() };
    Ok(found.map(time))
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
