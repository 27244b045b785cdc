//! What is too old goes, a little at a time; the level above has its sums.

use jiff::Timestamp;
use rusqlite::{Connection, params};
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
    db.execute("DELETE FROM series WHERE keep_until < ?1", [now.as_second()])?;
    db.execute("DELETE FROM process WHERE id NOT IN (SELECT process FROM series)", [])?;
    db.execute("DELETE FROM remote WHERE id NOT IN (SELECT remote FROM series)", [])?;
    db.execute("DELETE FROM application WHERE id NOT IN (SELECT application FROM series)", [])?;
    set_mark(db, CLEAN, today)?;
    Ok(true)
}
