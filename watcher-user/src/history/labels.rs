//! What series are called, and which of them are meant.
//!
//! Series are compared by the numbers that the file gives names; the names themselves are read for the rows that are shown.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

use rusqlite::{Connection, OptionalExtension as _};
use watcher_core::history::{
    Amount, By, Choice, Explanation, InterfaceColumns, Kind, ProcessColumns, Query, Row, Sort,
};

use super::{
    names::{Key, rule},
    rows::{LOOPBACK, NETWORK, kind},
};

/// The series of one line that a choice means. They are looked up as rows have them: a history knows many more.
#[derive(Debug)]
pub struct Labels {
    scopes: &'static [i64],
    applications: Option<HashSet<i64>>,
    remotes: Option<HashSet<i64>>,
    user: Option<i64>,
    counted: bool,
    known: HashMap<i64, Option<Key>>,
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

    /// Whether any of it is.
    pub fn are_estimated(&self) -> bool {
        self.0.values().any(|sum| sum.estimated)
    }

    /// Leaves out processes that would not be shown, before their names are read; how many. Each is a row of its own.
    pub fn cut(&mut self, query: &Query) -> u64 {
        if query.by != By::Process || query.sort == Sort::Name || self.0.len() <= query.limit {
            return 0;
        }
        let mut order: Vec<(u64, Reverse<i64>)> =
            self.0.iter().map(|(number, sum)| (key(sum.amount, query.sort), Reverse(*number))).collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        let cut = order.split_off(query.limit);
        for (_, Reverse(number)) in &cut {
            self.0.remove(number);
        }
        cut.len() as u64
    }
}

impl Labels {
    /// Those of a choice.
    pub fn of(db: &Connection, choice: &Choice) -> rusqlite::Result<Self> {
        let numbers = |table: &str, name: &Option<String>| -> rusqlite::Result<Option<HashSet<i64>>> {
            let Some(name) = name else { return Ok(None) };
            let mut statement = db.prepare_cached(&format!("SELECT id FROM {table} WHERE name = ?1"))?;
            let found = statement.query_map([name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(Some(found))
        };
        Ok(Self {
            scopes: if choice.include_loopback { &[NETWORK, LOOPBACK] } else { &[NETWORK] },
            applications: numbers("application", &choice.application)?,
            remotes: numbers("remote", &choice.domain)?,
            user: choice.user.map(i64::from),
            counted: false,
            known: HashMap::new(),
        })
    }

    /// All but those of frames.
    pub fn all() -> Self {
        Self {
            scopes: &[NETWORK, LOOPBACK],
            applications: None,
            remotes: None,
            user: None,
            counted: false,
            known: HashMap::new(),
        }
    }

    /// Only what is part of the total.
    pub fn keep_counted(&mut self) {
        self.counted = true;
    }

    /// A series, if it is meant.
    pub fn get(&mut self, db: &Connection, series: i64) -> rusqlite::Result<Option<Key>> {
        let key = match self.known.get(&series) {
            Some(known) => *known,
            None => {
                let found = Key::find(db, series)?;
                let found = if self.means(db, &found)? { Some(found) } else { None };
                self.known.insert(series, found);
                found
            }
        };
        Ok(key.filter(|key| !(self.counted && key.apart)))
    }

    fn means(&self, db: &Connection, key: &Key) -> rusqlite::Result<bool> {
        let named = self.scopes.contains(&key.scope)
            && self.applications.as_ref().is_none_or(|found| found.contains(&key.application))
            && self.remotes.as_ref().is_none_or(|found| found.contains(&key.remote));
        let Some(uid) = self.user.filter(|_| named) else { return Ok(named) };
        if key.kind != kind(Kind::Process) {
            return Ok(key.kind != kind(Kind::User) || key.uid == uid);
        }
        // The rest of an application is of several.
        let sql = "SELECT count(*) FROM process WHERE id = ?1 AND uid = ?2 AND boot <> 0";
        db.prepare_cached(sql)?.query_row([key.process, uid], |row| row.get(0))
    }

    /// Adds up series by what rows are.
    pub fn add_up(&mut self, db: &Connection, found: &HashMap<i64, Amount>, by: By) -> rusqlite::Result<Sums> {
        // In the order of the file.
        let mut series: Vec<i64> = found.keys().copied().collect();
        series.sort_unstable();
        let mut sums = Sums::default();
        for series in series {
            let Some(key) = self.get(db, series)? else { continue };
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
            sum.amount += found[&series];
            sum.estimated |= key.estimated;
            sum.apart |= key.apart;
            sum.parts += 1;
        }
        Ok(sums)
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

/// What rows are sorted by, the largest first.
fn key(amount: Amount, sort: Sort) -> u64 {
    match sort {
        Sort::Total => amount.bytes(),
        Sort::Downloaded => amount.rx_bytes,
        Sort::Uploaded => amount.tx_bytes,
        Sort::PeakDown => amount.rx_peak,
        Sort::PeakUp => amount.tx_peak,
        Sort::Name => 0,
    }
}

/// The rows that there is room for, in the order that was asked for, and how many there are beyond.
pub fn sorted(mut rows: Vec<Row>, query: &Query) -> (Vec<Row>, u64) {
    // The sort is stable: equals stay in the order of their names.
    rows.sort_by_key(|row| Reverse(key(row.amount, query.sort)));
    let more = rows.len().saturating_sub(query.limit);
    rows.truncate(query.limit);
    (rows, more as u64)
}
