//! All rows of a line, one after the other: for whoever takes them elsewhere. Each byte once, and memory for one period.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
    sync::Arc,
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use watcher_core::{
    Scope,
    history::{Amount, By, Calendar, Choice, Held, Kind, Level, Query, Segment, Sort, Span, plan},
};

use super::{
    History, HistoryError,
    names::no_such,
    read::{extent, held},
    rows::each,
};

/// So many names are remembered.
const REMEMBERED: usize = 32_768;

/// What to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scan {
    /// Which line.
    pub by: By,
    /// From; the beginning of the history where there is none.
    pub from: Option<Timestamp>,
    /// Up to, exclusive; all there is where there is none.
    pub until: Option<Timestamp>,
    /// Rows are no finer: what is kept by the minute is added up to this. Where only coarser rows are kept, they are coarser.
    pub finest: Level,
}

/// What a row is about. Names are as processes and networks gave them: hostile until made printable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the columns of an export")]
pub struct Named {
    pub scope: Scope,
    pub estimated: bool,
    pub application: Option<Arc<str>>,
    pub rule: Option<Arc<str>>,
    pub process: Option<Arc<str>>,
    pub pid: Option<u32>,
    pub uid: Option<u32>,
    pub domain: Option<Arc<str>>,
    pub interface: Option<Arc<str>>,
    pub apart: Option<bool>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// The minute, hour or day.
    pub span: Span,
    /// Which of them.
    pub level: Level,
    /// Of what.
    pub of: Arc<Named>,
    /// How much.
    pub amount: Amount,
}

impl History {
    /// Gives each row to `each`, in order of time, until that breaks. One moment of the file, however long it takes. Returns the
    /// time that was gone through; `None` when nothing was ever collected.
    ///
    /// # Errors
    /// SQLite's.
    pub fn scan(
        &mut self,
        scan: &Scan,
        each: &mut dyn FnMut(Span, Scanned) -> ControlFlow<()>,
    ) -> Result<Option<Span>, HistoryError> {
        let path = self.path.clone();
        let gone_through = (|| {
            let db = self.db.transaction()?;
            let query = Query {
                from: scan.from,
                until: scan.until,
                by: scan.by,
                choice: Choice::default(),
                sort: Sort::Name,
                limit: 0,
                step: None,
                zone: None,
            };
            let Some(range) = extent(&db, &query)? else { return Ok(None) };
            let finest = scan.finest.max(Level::Minute);
            let held = held(&db, range)?;
            let of = line(scan.by);
            let mut pass = Pass { db: &db, calendar: &self.calendar, held: &held, range, of, finest, open: None };
            let mut names = Names { db: &db, known: HashMap::new() };
            for segment in plan(range, &held, finest) {
                if pass.segment(segment, &mut names, each)?.is_break() {
                    return Ok(Some(range));
                }
            }
            // Whether it breaks at the end or not, it is the end.
            let _ended = pass.close(&mut names, each)?;
            Ok(Some(range))
        })();
        gone_through.map_err(|e| HistoryError::of(&path, e))
    }
}

fn line(by: By) -> Kind {
    match by {
        By::Application => Kind::Application,
        By::Process => Kind::Process,
        By::Domain => Kind::Remote,
        By::User => Kind::User,
        By::Interface => Kind::Interface,
    }
}

type Out<'a> = dyn FnMut(Span, Scanned) -> ControlFlow<()> + 'a;

struct Pass<'a> {
    db: &'a Connection,
    calendar: &'a Calendar,
    held: &'a Held,
    range: Span,
    of: Kind,
    finest: Level,
    /// The period that rows are added to.
    open: Option<(Span, Level, BTreeMap<i64, Amount>)>,
}

impl Pass<'_> {
    fn segment(
        &mut self,
        Segment { level: at, span }: Segment,
        names: &mut Names<'_>,
        out: &mut Out<'_>,
    ) -> rusqlite::Result<ControlFlow<()>> {
        // Minutes that are not over are nowhere else yet, whatever has been added up. They are few.
        let mut open = BTreeMap::new();
        let _all = each(self.db, Level::Open, self.of, span, |begins, rows| {
            open.insert(begins, rows);
            Ok(ControlFlow::Continue(()))
        })?;
        let ended = each(self.db, at.max(Level::Minute), self.of, span, |begins, rows| {
            let later = open.split_off(&begins);
            for (begins, rows) in std::mem::replace(&mut open, later).into_iter().chain([(begins, rows)]) {
                if self.add(at, begins, rows, names, out)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if ended.is_break() {
            return Ok(ended);
        }
        for (begins, rows) in open {
            if self.add(at, begins, rows, names, out)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn add(
        &mut self,
        at: Level,
        begins: Timestamp,
        rows: Vec<(i64, Amount)>,
        names: &mut Names<'_>,
        out: &mut Out<'_>,
    ) -> rusqlite::Result<ControlFlow<()>> {
        let (span, of) = self.period(at, begins);
        if self.open.as_ref().is_none_or(|(open, level, _)| (*open, *level) != (span, of)) {
            if self.close(names, out)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.open = Some((span, of, BTreeMap::new()));
        }
        if let Some((_, _, sums)) = &mut self.open {
            for (series, amount) in rows {
                *sums.entry(series).or_default() += amount;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The period of a row, and how it is called.
    fn period(&self, at: Level, begins: Timestamp) -> (Span, Level) {
        let added_up = match at {
            Level::Hour => &self.held.hours[..],
            Level::Day => &self.held.days[..],
            Level::Open | Level::Minute => &[],
        };
        if at >= self.finest {
            let before = added_up.partition_point(|span| span.from <= begins);
            let held = before.checked_sub(1).and_then(|at| added_up.get(at)).filter(|span| span.has(begins));
            return (held.copied().unwrap_or_else(|| self.calendar.around(begins, at)), at);
        }
        let Span { from, until } = self.calendar.around(begins, self.finest);
        (Span { from: from.max(self.range.from), until: until.min(self.range.until) }, self.finest)
    }

    fn close(&mut self, names: &mut Names<'_>, out: &mut Out<'_>) -> rusqlite::Result<ControlFlow<()>> {
        let Some((span, level, sums)) = self.open.take() else { return Ok(ControlFlow::Continue(())) };
        for (series, amount) in sums {
            let of = names.of(series)?;
            if out(self.range, Scanned { span, level, of, amount }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// What series are called.
struct Names<'a> {
    db: &'a Connection,
    known: HashMap<i64, Arc<Named>>,
}

const NAMED: &str = "SELECT s.scope, s.estimated, a.name, a.rule, p.name, p.pid,
        CASE WHEN s.kind = 5 THEN s.uid ELSE p.uid END, r.name, i.name, CASE WHEN s.kind = 6 THEN s.apart END
    FROM series s LEFT JOIN application a ON a.id = s.application LEFT JOIN process p ON p.id = s.process
        LEFT JOIN remote r ON r.id = s.remote LEFT JOIN interface i ON i.id = s.interface
    WHERE s.id = ?1";

impl Names<'_> {
    fn of(&mut self, series: i64) -> rusqlite::Result<Arc<Named>> {
        if let Some(named) = self.known.get(&series) {
            return Ok(Arc::clone(named));
        }
        let read = |row: &rusqlite::Row<'_>| {
            let scope = match row.get(0)? {
                0 => Scope::Network,
                1 => Scope::Loopback,
                _ => Scope::Packet,
            };
            Ok(Named {
                scope,
                estimated: row.get(1)?,
                application: row.get(2)?,
                rule: row.get(3)?,
                process: row.get(4)?,
                pid: row.get(5)?,
                uid: row.get(6)?,
                domain: row.get(7)?,
                interface: row.get(8)?,
                apart: row.get(9)?,
            })
        };
        let found = self.db.prepare_cached(NAMED)?.query_row([series], read).optional()?;
        let named = Arc::new(found.ok_or_else(|| no_such(series))?);
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(series, Arc::clone(&named));
        Ok(named)
    }
}
