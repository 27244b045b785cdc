//! Piece by piece: what was read is written with how far that was, so that a kill at any moment neither loses nor doubles anything.

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use watcher_core::history::{Entry, Span};

use super::{
    minutes::Minutes,
    netmon::{Line, Log, Netmon},
    outcome::{Outcome, Reason, Table},
};
use crate::{
    history::{Store, Taken, Upkeep},
    transfer::progress::Progress,
};

/// So many entries, and so many minutes, are written at once: a daemon waits for it, and gives up after seconds.
const BATCH: usize = 4_096;
const MINUTES: usize = 256;
/// After each write the file is free for a part of the time that it took, so that whoever waits gets it.
const FREE: f64 = 0.25;
const LONGEST: Duration = Duration::from_millis(50);

/// What to take over, into what.
#[derive(Debug, Clone)]
pub struct Import {
    /// netmon's database.
    pub from: PathBuf,
    /// The history.
    pub to: PathBuf,
    /// Only say what would be.
    pub dry: bool,
}

/// Takes over what is new.
///
/// # Errors
/// It is not netmon's, or damaged; or the history cannot be written.
pub fn run(import: &Import, zone: &TimeZone, now: Timestamp) -> anyhow::Result<Outcome> {
    let netmon = Netmon::open(&import.from)?;
    // Who only looks makes no history.
    let store = match (import.dry, import.to.exists()) {
        (true, false) => None,
        (true, true) => Some(Store::look(&import.to, zone.clone())?),
        (false, _) => Some(Store::open_or_make(&import.to, zone.clone())?),
    };
    let counted_since = store.as_ref().map(Store::counted_since).transpose()?.flatten();
    let outcome = Outcome { dry: import.dry, counted_since, zone: Some(zone.clone()), ..Outcome::default() };
    let mut pass = Pass { netmon, store, now, outcome, progress: Progress::new() };
    for log in [Log::Interfaces, Log::Applications] {
        pass.table(log)?;
    }
    Ok(pass.outcome)
}

struct Pass {
    netmon: Netmon,
    store: Option<Store>,
    now: Timestamp,
    outcome: Outcome,
    progress: Progress,
}

impl Pass {
    fn table(&mut self, log: Log) -> anyhow::Result<()> {
        let minute = self.now.as_second() - self.now.as_second().rem_euclid(60);
        let Some(source) = self.netmon.source(log)? else { return Ok(()) };
        let Some(until) = self.netmon.last(log, minute)? else { return Ok(()) };
        let before = self.store.as_ref().map(|store| store.taken(&source)).transpose()?.flatten();
        let elsewhere = self.store.as_ref().map(|store| store.taken_from_others(&source)).transpose()?;
        let begun = before.map_or(i64::MIN, |taken| taken.last);
        let mut sieve = Sieve {
            minutes: Minutes::new(log),
            table: Table::default(),
            total: (0, 0),
            counted_since: self.outcome.counted_since,
            elsewhere: elsewhere.unwrap_or_default(),
        };
        let (mut after, mut whole, mut minutes) = (begun, None, 0);
        loop {
            let mut ready: Vec<(i64, Vec<Entry>)> = Vec::new();
            let mut previous = after;
            let read = self.netmon.piece(log, after, until, self.now, &mut |id, line| {
                // Between two minutes, so that no second is cut, and no peak.
                let minute = line.as_ref().ok().map(|line| line.second.div_euclid(60));
                if minute.is_some() && minute != whole {
                    whole = minute;
                    minutes += 1;
                    if sieve.minutes.len() >= BATCH || minutes >= MINUTES {
                        minutes = 0;
                        ready.push((previous, sieve.minutes.take()));
                    }
                }
                previous = id;
                sieve.row(line);
            })?;
            for (last, entries) in ready {
                self.write(&source, last, &entries)?;
            }
            let Some(last) = read else { break };
            after = last;
            let first = begun.max(0);
            self.progress.at(sieve.table.rows, (last - first) as f64 / (until - first).max(1) as f64);
        }
        let rest = sieve.minutes.take();
        if after > begun {
            self.write(&source, after, &rest)?;
        }
        match log {
            Log::Applications => self.outcome.applications = sieve.table,
            Log::Interfaces => (self.outcome.interfaces, self.outcome.total) = (sieve.table, sieve.total),
        }
        Ok(())
    }

    fn write(&mut self, source: &str, last: i64, entries: &[Entry]) -> anyhow::Result<()> {
        let Some(store) = self.store.as_mut().filter(|_| !self.outcome.dry) else { return Ok(()) };
        let mut began = Instant::now();
        store.take(source, entries, &Taken { last, span: span(entries) }, self.now)?;
        loop {
            thread::sleep(began.elapsed().mul_f64(FREE).min(LONGEST));
            began = Instant::now();
            if store.maintain(self.now, true)? == Upkeep::Done {
                return Ok(());
            }
        }
    }
}

/// The minutes of entries; of none, an empty span that widens no other.
fn span(entries: &[Entry]) -> Span {
    let minutes = || entries.iter().map(|entry| entry.minute);
    match (minutes().min(), minutes().max()) {
        (Some(from), Some(last)) => {
            Span { from, until: last.checked_add(SignedDuration::from_mins(1)).unwrap_or(last) }
        }
        _ => Span { from: Timestamp::MAX, until: Timestamp::MIN },
    }
}

/// Decides which rows count.
struct Sieve {
    minutes: Minutes,
    table: Table,
    total: (u64, u64),
    counted_since: Option<Timestamp>,
    elsewhere: Vec<Span>,
}

impl Sieve {
    fn row(&mut self, line: Result<Line<'_>, Reason>) {
        self.table.rows += 1;
        match line.and_then(|line| self.wanted(line)) {
            Err(reason) => *self.table.left_out.entry(reason).or_default() += 1,
            Ok(Line { rx: 0, tx: 0, .. }) => self.table.idle += 1,
            Ok(line) => self.take(&line),
        }
    }

    fn wanted<'a>(&self, line: Line<'a>) -> Result<Line<'a>, Reason> {
        let at = Timestamp::from_second(line.second).map_err(|_| Reason::Time)?;
        if self.counted_since.is_some_and(|since| at >= since) {
            return Err(Reason::Counted);
        }
        if self.elsewhere.iter().any(|span| span.has(at)) { Err(Reason::Taken) } else { Ok(line) }
    }

    fn take(&mut self, line: &Line<'_>) {
        let (has_room, is_in_total) = self.minutes.add(line);
        let table = &mut self.table;
        table.taken += 1;
        let sum = if has_room { table.names.entry(line.name.into()).or_default() } else { &mut table.others };
        add(sum, line);
        if is_in_total {
            add(&mut self.total, line);
        }
        let minute = line.second - line.second.rem_euclid(60);
        let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let span = table.span.get_or_insert(Span { from: at(minute), until: at(minute + 60) });
        (span.from, span.until) = (span.from.min(at(minute)), span.until.max(at(minute + 60)));
    }
}

fn add(sum: &mut (u64, u64), line: &Line<'_>) {
    (sum.0, sum.1) = (sum.0.saturating_add(line.rx), sum.1.saturating_add(line.tx));
}
