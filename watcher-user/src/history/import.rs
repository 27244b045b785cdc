//! What is taken over from somebody else: added like what came live, and never twice.

use std::{
    collections::HashSet,
    fs,
    ops::ControlFlow,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown},
    path::Path,
};

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, OptionalExtension as _, params};
use watcher_core::history::{Entry, Kind, Level, Span};

use super::{
    HistoryError, Store,
    open::{readable, writable},
    prune::since,
    rows::{each, kind, mark, time},
};

/// How far a table of another database was read, and which minutes came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The id of the last row that was read.
    pub last: i64,
    /// The minutes that have bytes of it.
    pub span: Span,
}

impl Store {
    /// Opens the file, or makes it: as whoever owns the folder, so that a daemon that is not root can go on with it. One that is
    /// damaged is left where it is.
    ///
    /// # Errors
    /// A newer watcher wrote it, it is something else, damaged, or the disk does not let.
    pub fn open_or_make(path: &Path, zone: TimeZone) -> Result<Self, HistoryError> {
        if fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).is_ok()
            && let Some(folder) = path.parent()
            && let Ok(about) = fs::metadata(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
        {
            // Only root may; for others it is theirs already.
            chown(path, Some(about.uid()), Some(about.gid())).ok();
        }
        // Nothing that is taken over knows processes: it is of no boot.
        Self::new(writable(path)?, path, "", zone)
    }

    /// Opens the file to look what could be taken over: nothing can be written.
    ///
    /// # Errors
    /// There is none, a newer watcher wrote it, or it is something else or damaged.
    pub fn look(path: &Path, zone: TimeZone) -> Result<Self, HistoryError> {
        Self::new(readable(path)?, path, "", zone)
    }

    /// Adds what came of a source, and how far it has been read, in one transaction.
    ///
    /// # Errors
    /// SQLite's; nothing of it was written then.
    pub fn take(&mut self, source: &str, entries: &[Entry], taken: &Taken, now: Timestamp) -> Result<(), HistoryError> {
        let Taken { last, span } = taken;
        self.add_and(entries, now, |db| {
            db.prepare_cached(
                "INSERT INTO import (source, last, since, until) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET last = excluded.last, since = min(since, excluded.since),
                     until = max(until, excluded.until)",
            )?
            .execute(params![source, last, span.from.as_second(), span.until.as_second()])
            .map(drop)
        })
    }

    /// How far a source has been read before.
    ///
    /// # Errors
    /// SQLite's.
    pub fn taken(&self, source: &str) -> Result<Option<Taken>, HistoryError> {
        taken(&self.db, source).map_err(|e| HistoryError::of(&self.path, e))
    }

    /// The times that other files' tables of the same name were taken over for.
    ///
    /// # Errors
    /// SQLite's.
    pub fn taken_from_others(&self, source: &str) -> Result<Vec<Span>, HistoryError> {
        let table = source.split(' ').next().unwrap_or_default();
        let others = (|| {
            let sql = "SELECT since, until FROM import WHERE source != ?1 AND source LIKE ?2 || ' %' AND since < until";
            let mut statement = self.db.prepare_cached(sql)?;
            let spans = statement
                .query_map([source, table], |row| Ok(Span { from: time(row.get(0)?), until: time(row.get(1)?) }))?;
            spans.collect::<rusqlite::Result<_>>()
        })();
        others.map_err(|e| HistoryError::of(&self.path, e))
    }

    /// Since when watcher itself has counted; `None` when it never has.
    ///
    /// # Errors
    /// SQLite's.
    pub fn counted_since(&self) -> Result<Option<Timestamp>, HistoryError> {
        counted_since(&self.db).map_err(|e| HistoryError::of(&self.path, e))
    }
}

fn taken(db: &Connection, source: &str) -> rusqlite::Result<Option<Taken>> {
    db.prepare_cached("SELECT last, since, until FROM import WHERE source = ?1")?
        .query_row([source], |row| {
            let span = Span { from: time(row.get(1)?), until: time(row.get(2)?) };
            Ok(Taken { last: row.get(0)?, span })
        })
        .optional()
}

/// Series that no import made. An estimated total may be watcher's own, from packets: its applications tell.
const OWN: &str = "SELECT s.id FROM series s LEFT JOIN application a ON a.id = s.application
    WHERE s.kind = ?1 AND coalesce(a.rule, '') != 'imported' AND (s.kind = 2 OR s.estimated = 0)";

/// The first minute, or the first hour or day where finer rows of that time are gone.
fn counted_since(db: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let first = |of: Level| -> rusqlite::Result<Option<Timestamp>> {
        let mut earliest: Option<Timestamp> = None;
        // Others come with one of these.
        for line in [Kind::Application, Kind::Interface] {
            let mut statement = db.prepare_cached(OWN)?;
            let own =
                statement.query_map([kind(line)], |row| row.get(0))?.collect::<rusqlite::Result<HashSet<i64>>>()?;
            let ever = Span { from: Timestamp::MIN, until: earliest.unwrap_or(Timestamp::MAX) };
            let _ended = each(db, of, line, ever, |at, rows| {
                if !rows.iter().any(|(series, _)| own.contains(series)) {
                    return Ok(ControlFlow::Continue(()));
                }
                earliest = Some(at);
                Ok(ControlFlow::Break(()))
            })?;
        }
        Ok(earliest)
    };
    let minute = [first(Level::Open)?, first(Level::Minute)?].into_iter().flatten().min();
    let (hour, day) = (first(Level::Hour)?, first(Level::Day)?);
    let are_kept = |of: Level, at: Timestamp| -> rusqlite::Result<bool> {
        Ok(mark(db, since(of))?.is_none_or(|since| since <= at))
    };
    let Some(coarsest) = [minute, hour, day].into_iter().flatten().min() else { return Ok(None) };
    for (finer, found) in [(Level::Minute, minute), (Level::Hour, hour)] {
        if found.is_some() && are_kept(finer, coarsest)? {
            return Ok(found);
        }
    }
    Ok(Some(coarsest))
}
