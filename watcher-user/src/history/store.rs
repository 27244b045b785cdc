//! Writing: the one connection that does.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, TransactionBehavior};
use watcher_core::history::{Calendar, Entry, Level};

use super::{
    HistoryError,
    names::Numbers,
    prune, rollup,
    rows::{Adder, first},
};

/// A daemon and an import may write at once: whoever begins waits for the other. One that had only read before could not.
const WAITING: TransactionBehavior = TransactionBehavior::Immediate;

/// A history that is open to be written.
#[derive(Debug)]
pub struct Store {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    pub(super) numbers: Numbers,
    pub(super) calendar: Calendar,
}

/// What [`Store::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// One step; there may be more to do.
    Stepped,
    /// Nothing is left to do.
    Done,
}

impl Store {
    pub(super) fn new(db: Connection, path: &Path, boot: &str, zone: TimeZone) -> Result<Self, HistoryError> {
        db.set_prepared_statement_cache_capacity(64);
        Ok(Self { db, path: path.to_owned(), numbers: Numbers::new(boot), calendar: Calendar::new(zone) })
    }

    /// Adds what came, in one transaction, and moves minutes that are over up.
    ///
    /// # Errors
    /// SQLite's; nothing of it was written then.
    pub fn add(&mut self, entries: &[Entry], now: Timestamp) -> Result<(), HistoryError> {
        self.add_and(entries, now, |_| Ok(()))
    }

    /// The same, and something else in the same transaction.
    pub(super) fn add_and(
        &mut self,
        entries: &[Entry],
        now: Timestamp,
        also: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), HistoryError> {
        let Self { db, numbers, calendar, .. } = self;
        let added = (|| {
            let change = db.transaction_with_behavior(WAITING)?;
            {
                let mut adder = Adder::new(&change)?;
                for entry in entries {
                    // What is old already must not go before it has been added up.
                    let id = numbers.of(&change, &entry.series, entry.minute.max(now))?;
                    adder.add(entry.series.subject.kind(), entry.minute, id, entry.amount)?;
                }
            }
            let current = calendar.around(now, Level::Minute);
            let mut from = None;
            while let Some(minute) = first(&change, Level::Open, from)? {
                if minute != current.from {
                    rollup::settle(&change, calendar, minute)?;
                }
                from = Some(calendar.around(minute, Level::Minute).until);
            }
            also(&change)?;
            change.commit()
        })();
        added.map_err(|e| {
            // Numbers that were made in this transaction are no more.
            self.numbers.forget();
            HistoryError::of(&self.path, e)
        })
    }

    /// One step of what can wait: an hour or a day that is over is added up, and what is too old goes. `settled`: the clock has
    /// been as it is for a while; otherwise nothing goes.
    ///
    /// # Errors
    /// SQLite's; the step can be tried again.
    pub fn maintain(&mut self, now: Timestamp, settled: bool) -> Result<Upkeep, HistoryError> {
        let Self { db, numbers, calendar, .. } = self;
        let stepped = (|| {
            let change = db.transaction_with_behavior(WAITING)?;
            let mut stepped = rollup::step(&change, calendar, Level::Minute, now)?
                || rollup::step(&change, calendar, Level::Hour, now)?;
            if !stepped && settled {
                stepped = prune::step(&change, calendar, now)?;
                if stepped {
                    numbers.forget();
                }
            }
            change.commit()?;
            if !stepped {
                // All of the log into the file, as far as no reader needs it.
                db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
            }
            Ok(if stepped { Upkeep::Stepped } else { Upkeep::Done })
        })();
        stepped.map_err(|e| HistoryError::of(&self.path, e))
    }
}
