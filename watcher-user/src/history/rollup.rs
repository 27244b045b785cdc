//! From minutes to hours to days. Rows are added to the level above; sums do not change.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use watcher_core::history::{Amount, Calendar, Kind, Level, Span, fold};

use super::{
    names::{Key, keep},
    packed,
    rows::{first, level, mark, remove, set_mark, sums, time},
};

/// A minute that is over leaves the open ones. Where its hour and its day have been added up already (the clock was set back, or
/// a disk was full), it is added to these too.
pub fn settle(db: &Connection, calendar: &Calendar, minute: Timestamp) -> rusqlite::Result<()> {
    let span = calendar.around(minute, Level::Minute);
    let above: Vec<(Level, Timestamp)> = [Level::Hour, Level::Day]
        .into_iter()
        .map(|level| Ok((level, late(db, calendar, level, minute)?)))
        .collect::<rusqlite::Result<Vec<_>>>()?
        .into_iter()
        .filter_map(|(level, bucket)| Some((level, bucket?.from)))
        .collect();
    for of in Kind::ALL {
        let rows = folded(db, Level::Open, of, span, Level::Minute)?;
        packed::add(db, Level::Minute, of, span.from, &rows)?;
        for (level, at) in &above {
            raise(db, *level, of, *at, &rows)?;
        }
        remove(db, Level::Open, of, span)?;
    }
    Ok(())
}

/// Adds to an hour or day, and keeps the names of its rows as long.
fn raise(db: &Connection, to: Level, of: Kind, at: Timestamp, rows: &[(i64, Amount)]) -> rusqlite::Result<()> {
    packed::add(db, to, of, at, rows)?;
    rows.iter().try_for_each(|(series, _)| keep(db, *series, to, at))
}

/// The hour or day of a minute, if it was added up, or should have been.
fn late(db: &Connection, calendar: &Calendar, at: Level, minute: Timestamp) -> rusqlite::Result<Option<Span>> {
    if mark(db, rolled(at))?.is_none_or(|until| minute >= until) {
        return Ok(None);
    }
    if let Some(bucket) = bucket_around(db, at, minute)? {
        return Ok(Some(bucket));
    }
    let bucket = free(db, calendar, at, minute)?;
    note(db, at, bucket)?;
    Ok(Some(bucket))
}

/// Adds up the first hour of minutes, or day of hours, that is over and has not been. `false` when there is none.
pub fn step(db: &Connection, calendar: &Calendar, from: Level, now: Timestamp) -> rusqlite::Result<bool> {
    let Some(above) = from.above() else { return Ok(false) };
    let Some(at) = first(db, from, mark(db, rolled(above))?)? else { return Ok(false) };
    let bucket = free(db, calendar, above, at)?;
    let done = match from {
        // Hours of the day may still be under way.
        Level::Hour => {
            let added_up = mark(db, rolled(Level::Hour))?;
            first(db, Level::Minute, added_up)?.is_none_or(|minute| minute >= bucket.until)
        }
        _ => true,
    };
    let open = first(db, Level::Open, Some(bucket.from))?.is_some_and(|minute| bucket.has(minute));
    if bucket.until > now || !done || open {
        return Ok(false);
    }
    for of in Kind::ALL {
        raise(db, above, of, bucket.from, &folded(db, from, of, bucket, above)?)?;
    }
    note(db, above, bucket)?;
    set_mark(db, rolled(above), bucket.until)?;
    Ok(true)
}

/// The name of the moment up to which a level has been added up.
pub fn rolled(level: Level) -> &'static str {
    match level {
        Level::Open | Level::Minute => "minutes",
        Level::Hour => "hours",
        Level::Day => "days",
    }
}

/// What rows of a level within `span` come to, with as many names as the level above has room for.
fn folded(db: &Connection, from: Level, of: Kind, span: Span, above: Level) -> rusqlite::Result<Vec<(i64, Amount)>> {
    let rows = sums(db, from, of, span)?;
    if !matches!(of, Kind::Remote | Kind::Process) || rows.len() <= above.room() {
        return Ok(rows.into_iter().collect());
    }
    let rows = rows.into_iter().map(|(series, amount)| Ok((series, group(db, series)?, amount)));
    let folded = fold(rows.collect::<rusqlite::Result<Vec<_>>>()?, above.room());
    let mut kept = folded.kept;
    for (group, amount) in folded.rest {
        let others = Key::others(db, of, group)?.number(db, span.until)?;
        match kept.iter_mut().find(|(series, _)| *series == others) {
            Some((_, sum)) => *sum += amount,
            None => kept.push((others, amount)),
        }
    }
    Ok(kept)
}

/// What rows are folded by.
fn group(db: &Connection, series: i64) -> rusqlite::Result<Key> {
    db.prepare_cached("SELECT scope, estimated, application FROM series WHERE id = ?1")?.query_row([series], |row| {
        Ok(Key { scope: row.get(0)?, estimated: row.get(1)?, application: row.get(2)?, ..Key::default() })
    })
}

/// The hour or day around a moment, as far as no other one that was added up is in the way: zones change.
fn free(db: &Connection, calendar: &Calendar, of: Level, at: Timestamp) -> rusqlite::Result<Span> {
    let span = calendar.around(at, of);
    let neighbour = |sql: &str| -> rusqlite::Result<Option<i64>> {
        db.prepare_cached(sql)?.query_row(params![level(of), at.as_second()], |row| row.get(0)).optional()
    };
    let before = neighbour("SELECT until FROM bucket WHERE level = ?1 AND at <= ?2 ORDER BY at DESC LIMIT 1")?;
    let after = neighbour("SELECT at FROM bucket WHERE level = ?1 AND at > ?2 ORDER BY at LIMIT 1")?;
    Ok(Span {
        from: before.map_or(span.from, |until| span.from.max(time(until))),
        until: after.map_or(span.until, |next| span.until.min(time(next))),
    })
}

fn bucket_around(db: &Connection, of: Level, at: Timestamp) -> rusqlite::Result<Option<Span>> {
    let sql = "SELECT at, until FROM bucket WHERE level = ?1 AND at <= ?2 ORDER BY at DESC LIMIT 1";
    let bucket = db
        .prepare_cached(sql)?
        .query_row(params![level(of), at.as_second()], |row| {
            Ok(Span { from: time(row.get(0)?), until: time(row.get(1)?) })
        })
        .optional()?;
    Ok(bucket.filter(|bucket| bucket.has(at)))
}

fn note(db: &Connection, of: Level, bucket: Span) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO bucket (level, at, until) VALUES (?1, ?2, ?3)")?
        .execute(params![level(of), bucket.from.as_second(), bucket.until.as_second()])
        .map(drop)
}
