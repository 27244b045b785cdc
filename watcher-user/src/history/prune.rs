//! What is too old goes, a little at a time; the level above has its sums.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use watcher_core::history::{Calendar, Kind, Level, Span};

use super::{
    rollup::rolled,
    rows::{first, level, mark, remove, set_mark},
};

/// The name of the moment before which rows of a level are gone.
pub fn since(level: Level) -> &'static str {
    match level {
        Level::Open | Level::Minute => "minutes since",
        Level::Hour => "hours since",
        Level::Day => "days since",
    }
}

/// How often names that no row needs are looked for.
const CLEAN: &str = "names cleaned";

/// Takes an hour of minutes or a day of hours away, or names that no row needs any more. `false` when there is nothing.
pub fn step(db: &Connection, calendar: &Calendar, now: Timestamp) -> rusqlite::Result<bool> {
    for (of, by) in [(Level::Minute, Level::Hour), (Level::Hour, Level::Day)] {
        let (Some(kept), Some(added_up)) = (of.kept_for(), mark(db, rolled(by))?) else { continue };
        let Ok(horizon) = now.checked_sub(kept) else { continue };
        let Some(oldest) = first(db, of, None)? else { continue };
        // Whole hours and days: what is left of one would count for less than it was.
        let span = calendar.around(oldest, by);
        if span.until > horizon.min(added_up) {
            continue;
        }
        let span = Span { from: oldest, until: span.until };
        for kind in Kind::ALL {
            remove(db, of, kind, span)?;
        }
        if of == Level::Hour {
            db.prepare_cached("DELETE FROM bucket WHERE level = ?1 AND at < ?2")?
                .execute(params![level(of), span.until.as_second()])?;
        }
        let before = mark(db, since(of))?;
        set_mark(db, since(of), before.map_or(span.until, |before| before.max(span.until)))?;
        return Ok(true);
    }
    clean(db, calendar, now)
}

/// Once a day.
fn clean(db: &Connection, calendar: &Calendar, now: Timestamp) -> rusqlite::Result<bool> {
    let today = calendar.around(now, Level::Day).from;
    if mark(db, CLEAN)? == Some(today) {
        return Ok(false);
    }
    let mut named = Names::default();
    {
        let sql = "DELETE FROM series WHERE keep_until < ?1 RETURNING application, process, remote";
        let mut statement = db.prepare_cached(sql)?;
        let mut gone = statement.query([now.as_second()])?;
        while let Some(row) = gone.next()? {
            named.each(row, HashSet::insert)?;
        }
    }
    if !named.is_empty() {
        // Those that other series have stay.
        let mut statement = db.prepare_cached("SELECT application, process, remote FROM series")?;
        let mut left = statement.query([])?;
        while let Some(row) = left.next()? {
            named.each(row, |names, number| names.remove(&number))?;
        }
        for (table, gone) in ["application", "process", "remote"].into_iter().zip(&named.0) {
            let mut statement = db.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?;
            gone.iter().try_for_each(|number| statement.execute([number]).map(drop))?;
        }
        db.execute("DELETE FROM boot WHERE id NOT IN (SELECT boot FROM process)", [])?;
    }
    set_mark(db, CLEAN, today)?;
    Ok(true)
}

/// Numbers of applications, processes and remotes.
#[derive(Default)]
struct Names([HashSet<i64>; 3]);

impl Names {
    fn each(&mut self, row: &Row<'_>, with: impl Fn(&mut HashSet<i64>, i64) -> bool) -> rusqlite::Result<()> {
        for (at, names) in self.0.iter_mut().enumerate() {
            with(names, row.get(at)?);
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(HashSet::is_empty)
    }
}
