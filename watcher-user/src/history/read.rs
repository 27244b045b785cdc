//! Answers.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, params};
use watcher_core::history::{
    Amount, Bin, By, Calendar, Held, Kind, Level, Query, Report, Row, Segment, Span, Step, plan,
};

use super::{
    HistoryError,
    labels::{self, Labels},
    open::readable,
    prune::since,
    rows::{each, first, last, level, mark, sums, time},
};

/// A history that is open to be read.
#[derive(Debug)]
pub struct History {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    pub(super) calendar: Calendar,
}

/// Graphs have at most so many parts.
const MAX_BINS: usize = 20_000;

impl History {
    /// Opens it.
    ///
    /// # Errors
    /// There is none, a newer watcher wrote it, or it is something else or damaged.
    pub fn open(path: &Path, zone: TimeZone) -> Result<Self, HistoryError> {
        let db = readable(path)?;
        db.set_prepared_statement_cache_capacity(32);
        Ok(Self { db, path: path.to_owned(), calendar: Calendar::new(zone) })
    }

    /// Answers from what is written: what came after the last interval is not in it.
    ///
    /// # Errors
    /// No line has what was asked for, or SQLite's.
    pub fn report(&mut self, query: &Query) -> Result<Report, HistoryError> {
        let of = query.kind()?;
        let path = self.path.clone();
        let answered = (|| {
            // One moment for all of it.
            let db = self.db.transaction()?;
            let asked = query.zone.as_deref().and_then(|name| TimeZone::get(name).ok()).map(Calendar::new);
            answer(&db, asked.as_ref().unwrap_or(&self.calendar), query, of)
        })();
        answered.map_err(|e| HistoryError::of(&path, e))
    }
}

fn answer(db: &Connection, calendar: &Calendar, query: &Query, of: Kind) -> rusqlite::Result<Report> {
    let mut report = Report {
        span: None,
        by: query.by,
        rows: Vec::new(),
        more: 0,
        total: Amount::default(),
        estimated: false,
        coarse: None,
        bins: Vec::new(),
    };
    let Some(range) = extent(db, query)? else { return Ok(report) };
    report.span = Some(range);
    let held = held(db, range)?;
    let segments = plan(range, &held, Level::Day);
    report.coarse = coarse(&segments, range, db)?;
    let mut labels = Labels::of(db, &query.choice)?;
    let mut sums = labels.add_up(db, &read(db, &segments, of)?, query.by)?;
    let own = sums.total();
    report.estimated = sums.are_estimated();
    let cut = sums.cut(query);
    let mut rows = labels::rows(db, sums, query.by)?;
    report.total = total(db, &segments, query, &mut labels, own, &rows)?;
    if query.by == By::Interface {
        explain(db, &segments, &mut rows)?;
    }
    (report.rows, report.more) = labels::sorted(rows, query);
    report.more += cut;
    if let Some(step) = query.step.filter(|step| *step != Step::Second) {
        let segments = plan(range, &aligned(held, calendar), step.coarsest());
        // Of everything, the line with one row each.
        labels.keep_counted();
        report.bins = bins(db, calendar, &segments, (query.line().unwrap_or(of), &mut labels), step)?;
    }
    Ok(report)
}

/// What was asked for, cut to what there is.
pub(super) fn extent(db: &Connection, query: &Query) -> rusqlite::Result<Option<Span>> {
    let mut earliest: Option<Timestamp> = None;
    let mut latest: Option<Timestamp> = None;
    for at in Level::ALL {
        earliest = [earliest, first(db, at, None)?].into_iter().flatten().min();
        latest = [latest, last(db, at)?].into_iter().flatten().max();
    }
    let (Some(earliest), Some(latest)) = (earliest, latest) else { return Ok(None) };
    let from = query.from.unwrap_or(earliest);
    // Past the newest row, which may begin long before it ends.
    let until = query
        .until
        .unwrap_or_else(|| latest.checked_add(jiff::SignedDuration::from_secs(60)).unwrap_or(Timestamp::MAX));
    Ok(Some(Span { from, until: until.max(from) }))
}

pub(super) fn held(db: &Connection, range: Span) -> rusqlite::Result<Held> {
    let buckets = |of: Level| -> rusqlite::Result<Vec<Span>> {
        let sql = "SELECT at, until FROM bucket WHERE level = ?1 AND at < ?3 AND until > ?2 ORDER BY at";
        let mut statement = db.prepare_cached(sql)?;
        let spans = statement
            .query_map(params![level(of), range.from.as_second(), range.until.as_second()], |row| {
                Ok(Span { from: time(row.get(0)?), until: time(row.get(1)?) })
            })?;
        spans.collect()
    };
    Ok(Held {
        hours: buckets(Level::Hour)?,
        days: buckets(Level::Day)?,
        minutes_since: mark(db, since(Level::Minute))?,
        hours_since: mark(db, since(Level::Hour))?,
    })
}

/// The coarsest level whose row an edge of the time lies in.
fn coarse(segments: &[Segment], range: Span, db: &Connection) -> rusqlite::Result<Option<Level>> {
    let mut coarsest = None;
    for segment in segments.iter().filter(|segment| segment.level > Level::Minute) {
        for edge in [range.from, range.until] {
            let sql = "SELECT count(*) FROM bucket WHERE level = ?1 AND at < ?2 AND until > ?2";
            let cut: i64 =
                db.prepare_cached(sql)?.query_row(params![level(segment.level), edge.as_second()], |row| row.get(0))?;
            let touches = segment.span.from == edge || segment.span.until == edge;
            if cut > 0 && touches {
                coarsest = coarsest.max(Some(segment.level));
            }
        }
    }
    Ok(coarsest)
}

/// What all segments come to, by series.
fn read(db: &Connection, segments: &[Segment], of: Kind) -> rusqlite::Result<HashMap<i64, Amount>> {
    let mut found: HashMap<i64, Amount> = HashMap::new();
    for segment in segments {
        for at in levels(segment.level) {
            for (series, amount) in sums(db, at, of, segment.span)? {
                *found.entry(series).or_default() += amount;
            }
        }
    }
    Ok(found)
}

/// Where bytes of a segment are. Minutes that are not over are nowhere else, even where their hour and day have been added up
/// already: the clock was set back.
fn levels(of: Level) -> [Level; 2] {
    [Level::Open, of.max(Level::Minute)]
}

/// Everything's own peak, where everything was asked for; of one application, its own.
fn total(
    db: &Connection,
    segments: &[Segment],
    query: &Query,
    labels: &mut Labels,
    own: Amount,
    rows: &[Row],
) -> rusqlite::Result<Amount> {
    let choice = &query.choice;
    let of = if choice.include_loopback { Kind::Ip } else { Kind::Total };
    let peaks = if query.by == By::Interface || choice.domain.is_some() || choice.user.is_some() {
        Amount::default()
    } else if choice.application.is_some() {
        match (query.by, rows) {
            (By::Application, [row]) => row.amount,
            _ => Amount::default(),
        }
    } else {
        let mut all = Amount::default();
        for (series, amount) in read(db, segments, of)? {
            if labels.get(db, series)?.is_some() {
                all += amount;
            }
        }
        all
    };
    Ok(Amount { rx_peak: peaks.rx_peak, tx_peak: peaks.tx_peak, ..own })
}

/// Seconds to the middle of a row.
fn half(of: Level) -> i64 {
    match of {
        Level::Open | Level::Minute => 30,
        Level::Hour => 1_800,
        Level::Day => 11 * 3_600,
    }
}

/// How much of each interface processes explain.
fn explain(db: &Connection, segments: &[Segment], rows: &mut [Row]) -> rusqlite::Result<()> {
    let sums = Labels::all().add_up(db, &read(db, segments, Kind::Explained)?, By::Interface)?;
    for explained in labels::rows(db, sums, By::Interface)? {
        let same = rows.iter_mut().find(|row| row.name == explained.name);
        if let Some(columns) = same.and_then(|row| row.interface.as_mut()) {
            columns.explained_rx_bytes += explained.amount.rx_bytes;
            columns.explained_tx_bytes += explained.amount.tx_bytes;
        }
    }
    Ok(())
}

/// Only hours and days that are of this calendar too, where there is something finer: zones change, and people ask from others.
fn aligned(mut held: Held, calendar: &Calendar) -> Held {
    let (minutes_since, hours_since) = (held.minutes_since, held.hours_since);
    let fits = |row: &Span, level: Level, finer_since: Option<Timestamp>| {
        calendar.around(row.from, level).covers(row) || finer_since.is_some_and(|since| row.from < since)
    };
    held.hours.retain(|hour| fits(hour, Level::Hour, minutes_since));
    held.days.retain(|day| fits(day, Level::Day, hours_since));
    held
}

fn bins(
    db: &Connection,
    calendar: &Calendar,
    segments: &[Segment],
    (of, labels): (Kind, &mut Labels),
    step: Step,
) -> rusqlite::Result<Vec<Bin>> {
    let mut bins: BTreeMap<Timestamp, Bin> = BTreeMap::new();
    for segment in segments {
        for level in levels(segment.level) {
            let last = segment.span.until.as_second() - 1;
            let _all = each(db, level, of, segment.span, |begins, rows| {
                // A row that lies in two parts is in the one that has more of it.
                let middle = time((begins.as_second() + half(level)).min(last));
                let Span { from, until } = calendar.part(middle, step);
                for (series, amount) in rows {
                    if labels.get(db, series)?.is_some() {
                        let bin = bins.entry(from).or_insert(Bin { from, until, rx_bytes: 0, tx_bytes: 0 });
                        bin.rx_bytes = bin.rx_bytes.saturating_add(amount.rx_bytes);
                        bin.tx_bytes = bin.tx_bytes.saturating_add(amount.tx_bytes);
                    }
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
    }
    Ok(bins.into_values().take(MAX_BINS).collect())
}
