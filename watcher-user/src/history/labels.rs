//! What series are called, and which of them are meant.
//!
//! Series are compared by the numbers that the file gives names; the names themselves are read for the rows that are shown.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};
use watcher_core::{
    Scope,
    history::{Amount, By, Choice, Explanation, InterfaceColumns, Kind, ProcessColumns, Query, Row, Sort},
};

use super::{
    names::{Key, rule},
    rows::{kind, scope},
};

/// The series of one line that a choice means.
#[derive(Debug)]
pub struct Labels {
    of: HashMap<i64, Key>,
}

/// A row that is being added up: of one number of the file.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    amount: Amount,
    estimated: bool,
    apart: bool,
    parts: usize,
}

/// Rows by their numbers.
#[derive(Debug, Default)]
pub struct Sums(BTreeMap<i64, Sum>);

impl Sums {
    /// What counts, without peaks.
    pub fn total(&self) -> Amount {
        let mut total = Amount::default();
        self.0.values().filter(|sum| !sum.apart).for_each(|sum| total += sum.amount.without_peaks());
        total
    }
}

impl Labels {
    /// Those of a line that a choice means.
    pub fn read(db: &Connection, of: Kind, choice: &Choice) -> rusqlite::Result<Self> {
        let scopes: &[Scope] =
            if choice.include_loopback { &[Scope::Network, Scope::Loopback] } else { &[Scope::Network] };
        let scopes: Vec<i64> = scopes.iter().map(|of| scope(*of)).collect();
        let numbers = |table: &str, name: &Option<String>| -> rusqlite::Result<Option<HashSet<i64>>> {
            let Some(name) = name else { return Ok(None) };
            let mut statement = db.prepare_cached(&format!("SELECT id FROM {table} WHERE name = ?1"))?;
            let found = statement.query_map([name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(Some(found))
        };
        let applications = numbers("application", &choice.application)?;
        let remotes = numbers("remote", &choice.domain)?;
        let processes = match choice.user.filter(|_| of == Kind::Process) {
            None => None,
            Some(uid) => {
                // The rest of an application is of several.
                let mut statement = db.prepare_cached("SELECT id FROM process WHERE uid = ?1 AND boot <> ''")?;
                Some(statement.query_map([uid], |row| row.get(0))?.collect::<rusqlite::Result<HashSet<i64>>>()?)
            }
        };
        let mut labels = Self::read_all(db, of)?;
        labels.of.retain(|_, key| {
            scopes.contains(&key.scope)
                && applications.as_ref().is_none_or(|found| found.contains(&key.application))
                && remotes.as_ref().is_none_or(|found| found.contains(&key.remote))
                && processes.as_ref().is_none_or(|found| found.contains(&key.process))
                && (of != Kind::User || choice.user.is_none_or(|uid| i64::from(uid) == key.uid))
        });
        Ok(labels)
    }

    /// All of a line.
    pub fn read_all(db: &Connection, of: Kind) -> rusqlite::Result<Self> {
        let mut statement = db.prepare_cached(
            "SELECT id, scope, estimated, application, process, remote, uid, interface, apart FROM series WHERE kind = ?1",
        )?;
        let keys = statement.query_map(params![kind(of)], |row| {
            let key = Key {
                kind: kind(of),
                scope: row.get(1)?,
                estimated: row.get(2)?,
                application: row.get(3)?,
                process: row.get(4)?,
                remote: row.get(5)?,
                uid: row.get(6)?,
                interface: row.get(7)?,
                apart: row.get(8)?,
            };
            Ok((row.get(0)?, key))
        })?;
        Ok(Self { of: keys.collect::<rusqlite::Result<_>>()? })
    }

    /// Only what is part of the total.
    pub fn keep_counted(&mut self) {
        self.of.retain(|_, key| !key.apart);
    }

    /// Whether a series is meant.
    pub fn has(&self, series: i64) -> bool {
        self.of.contains_key(&series)
    }

    /// Adds up series by what rows are.
    pub fn add_up(&self, found: &HashMap<i64, Amount>, by: By) -> Sums {
        let mut sums = Sums::default();
        for (series, amount) in found {
            let Some(key) = self.of.get(series) else { continue };
            let number = match by {
                By::Application => key.application,
                By::Process => key.process,
                By::Domain => key.remote,
                // Of processes when an application was chosen: see `rows`.
                By::User if key.kind == kind(Kind::Process) => -key.process,
                By::User => key.uid,
                By::Interface => key.interface,
            };
            let sum = sums.0.entry(number).or_default();
            sum.amount += *amount;
            sum.estimated |= key.estimated;
            sum.apart |= key.apart;
            sum.parts += 1;
        }
        sums
    }
}

/// Rows by name, in the order of names.
pub fn rows(db: &Connection, sums: Sums, by: By) -> rusqlite::Result<Vec<Row>> {
    let mut rows: BTreeMap<(String, i64), (Row, usize)> = BTreeMap::new();
    for (number, sum) in sums.0 {
        let mut row = named(db, by, number)?.unwrap_or_default();
        if let Some(interface) = &mut row.interface {
            interface.apart = sum.apart;
        }
        // Processes of one name and pid are several all the same; applications of one name are one.
        let apart = if by == By::Process { number } else { 0 };
        let (row, parts) = match rows.entry((row.name.clone(), apart)) {
            std::collections::btree_map::Entry::Vacant(free) => free.insert((row, 0)),
            std::collections::btree_map::Entry::Occupied(same) => {
                let same = same.into_mut();
                same.0.explained.append(&mut row.explained);
                same
            }
        };
        row.amount += sum.amount;
        row.estimated |= sum.estimated;
        *parts += sum.parts;
        // Several series at once: each one's peak was at a time of its own.
        if *parts > 1 {
            row.amount = row.amount.without_peaks();
        }
    }
    Ok(rows.into_values().map(|(row, _)| row).collect())
}

/// A row without bytes.
fn named(db: &Connection, by: By, number: i64) -> rusqlite::Result<Option<Row>> {
    let text = |sql: &str| db.prepare_cached(sql)?.query_row([number], |row| row.get::<_, String>(0)).optional();
    let plain = |name: Option<String>| name.map(|name| Row { name, ..Row::default() });
    match by {
        By::Domain => Ok(plain(text("SELECT name FROM remote WHERE id = ?1")?)),
        By::User if number < 0 => Ok(plain(text("SELECT CAST(uid AS TEXT) FROM process WHERE id = -?1")?)),
        By::User => Ok(plain(Some(number.to_string()))),
        By::Interface => {
            let row = plain(text("SELECT name FROM interface WHERE id = ?1")?);
            Ok(row.map(|row| Row { interface: Some(InterfaceColumns::default()), ..row }))
        }
        By::Application => db
            .prepare_cached("SELECT name, rule, evidence FROM application WHERE id = ?1")?
            .query_row([number], |row| {
                let explained = vec![Explanation { rule: rule(&row.get::<_, String>(1)?), evidence: row.get(2)? }];
                Ok(Row { name: row.get(0)?, explained, ..Row::default() })
            })
            .optional(),
        By::Process => db
            .prepare_cached(
                "SELECT p.name, p.pid, coalesce(a.name, ''), p.uid
                 FROM process p LEFT JOIN application a ON a.id = p.application WHERE p.id = ?1",
            )?
            .query_row([number], |row| {
                let process = ProcessColumns { pid: row.get(1)?, application: row.get(2)?, uid: row.get(3)? };
                Ok(Row { name: row.get(0)?, process: Some(process), ..Row::default() })
            })
            .optional(),
    }
}

/// The rows that there is room for, in the order that was asked for, and how many there are beyond.
pub fn sorted(mut rows: Vec<Row>, query: &Query) -> (Vec<Row>, u64) {
    // The sort is stable: equals stay in the order of their names.
    rows.sort_by_key(|row| {
        let amount = row.amount;
        std::cmp::Reverse(match query.sort {
            Sort::Total => amount.bytes(),
            Sort::Downloaded => amount.rx_bytes,
            Sort::Uploaded => amount.tx_bytes,
            Sort::PeakDown => amount.rx_peak,
            Sort::PeakUp => amount.tx_peak,
            Sort::Name => 0,
        })
    });
    let more = rows.len().saturating_sub(query.limit);
    rows.truncate(query.limit);
    (rows, more as u64)
}
