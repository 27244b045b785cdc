//! What series are called, and which of them are meant.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Row as SqlRow, params};
use watcher_core::{
    Scope,
    history::{Amount, By, Choice, Explanation, InterfaceColumns, Kind, ProcessColumns, Query, Row, Sort},
};

use super::{
    names::rule,
    rows::{kind, scope},
};

/// The series of one line that a choice means.
#[derive(Debug)]
pub struct Labels {
    of: HashMap<i64, Label>,
}

#[derive(Debug, Default)]
struct Label {
    estimated: bool,
    application: String,
    rule: String,
    evidence: String,
    /// The number in the file keeps processes of one name and pid apart.
    process: i64,
    pid: u32,
    process_name: String,
    remote: String,
    uid: u32,
    interface: String,
    apart: bool,
}

/// A row that is being added up.
#[derive(Debug, Default)]
pub struct Sum {
    /// So far.
    pub row: Row,
    parts: usize,
}

impl Sum {
    /// Whether it is part of the total.
    pub fn counts(&self) -> bool {
        self.row.interface.as_ref().is_none_or(|interface| !interface.apart)
    }
}

const SELECT: &str = "SELECT s.id, s.estimated, coalesce(a.name, ''), coalesce(a.rule, ''), coalesce(a.evidence, ''),
        s.process, coalesce(p.pid, 0), coalesce(p.name, ''), coalesce(r.name, ''),
        CASE WHEN s.process > 0 THEN p.uid ELSE s.uid END, coalesce(i.name, ''), s.apart, s.scope
    FROM series s LEFT JOIN application a ON a.id = s.application LEFT JOIN process p ON p.id = s.process
        LEFT JOIN remote r ON r.id = s.remote LEFT JOIN interface i ON i.id = s.interface
    WHERE s.kind = ?1";

impl Labels {
    /// Those of a line that a choice means.
    pub fn read(db: &Connection, of: Kind, choice: &Choice) -> rusqlite::Result<Self> {
        let scopes: &[Scope] =
            if choice.include_loopback { &[Scope::Network, Scope::Loopback] } else { &[Scope::Network] };
        let scopes: Vec<i64> = scopes.iter().map(|of| scope(*of)).collect();
        let mut labels = Self::read_all_with(db, of, |at| scopes.contains(&at))?;
        labels.of.retain(|_, label| {
            choice.application.as_ref().is_none_or(|name| *name == label.application)
                && choice.domain.as_ref().is_none_or(|name| *name == label.remote)
                && choice.user.is_none_or(|uid| uid == label.uid)
        });
        Ok(labels)
    }

    /// All of a line.
    pub fn read_all(db: &Connection, of: Kind) -> rusqlite::Result<Self> {
        Self::read_all_with(db, of, |_| true)
    }

    fn read_all_with(db: &Connection, of: Kind, wanted: impl Fn(i64) -> bool) -> rusqlite::Result<Self> {
        let mut statement = db.prepare_cached(SELECT)?;
        let rows = statement.query_map(params![kind(of)], |row| Ok((row.get(0)?, row.get(12)?, label(row)?)))?;
        let rows = rows.collect::<rusqlite::Result<Vec<(i64, i64, Label)>>>()?;
        let of = rows.into_iter().filter(|(_, scope, _)| wanted(*scope)).map(|(id, _, label)| (id, label)).collect();
        Ok(Self { of })
    }

    /// Whether a series is meant.
    pub fn has(&self, series: i64) -> bool {
        self.of.contains_key(&series)
    }

    /// The name of an interface.
    pub fn name(&self, series: i64) -> &str {
        self.of.get(&series).map_or("", |label| &label.interface)
    }

    /// Adds a series to the row that it belongs to.
    pub fn enter(&self, series: i64, amount: Amount, by: By, rows: &mut BTreeMap<String, Sum>) {
        let Some(label) = self.of.get(&series) else { return };
        let sum = rows.entry(label.key(by)).or_insert_with(|| Sum { row: label.row(by), parts: 0 });
        sum.row.amount += amount;
        sum.row.estimated |= label.estimated;
        sum.parts += 1;
        // Several series at once: each one's peak was at a time of its own.
        if sum.parts > 1 {
            sum.row.amount = sum.row.amount.without_peaks();
        }
        if by == By::Application
            && let explanation = (Explanation { rule: rule(&label.rule), evidence: label.evidence.clone() })
            && !sum.row.explained.contains(&explanation)
        {
            sum.row.explained.push(explanation);
        }
    }

    /// The rows that there is room for, in order, and how many there are beyond.
    pub fn sorted(&self, rows: BTreeMap<String, Sum>, query: &Query) -> (Vec<Row>, u64) {
        let mut rows: Vec<Row> = rows.into_values().map(|sum| sum.row).collect();
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
}

impl Label {
    fn key(&self, by: By) -> String {
        match by {
            By::Application => self.application.clone(),
            By::Process => format!("{}\0{}", self.process_name, self.process),
            By::Domain => self.remote.clone(),
            By::User => format!("{:010}", self.uid),
            By::Interface => self.interface.clone(),
        }
    }

    fn row(&self, by: By) -> Row {
        let mut row = Row::default();
        row.name = match by {
            By::Application => self.application.clone(),
            By::Process => self.process_name.clone(),
            By::Domain => self.remote.clone(),
            By::User => self.uid.to_string(),
            By::Interface => self.interface.clone(),
        };
        match by {
            By::Process => {
                let application = self.application.clone();
                row.process = Some(ProcessColumns { pid: self.pid, application, uid: self.uid });
            }
            By::Interface => {
                row.interface = Some(InterfaceColumns { apart: self.apart, ..InterfaceColumns::default() })
            }
            By::Application | By::Domain | By::User => {}
        }
        row
    }
}

fn label(row: &SqlRow<'_>) -> rusqlite::Result<Label> {
    Ok(Label {
        estimated: row.get(1)?,
        application: row.get(2)?,
        rule: row.get(3)?,
        evidence: row.get(4)?,
        process: row.get(5)?,
        pid: row.get(6)?,
        process_name: row.get(7)?,
        remote: row.get(8)?,
        uid: row.get(9)?,
        interface: row.get(10)?,
        apart: row.get(11)?,
    })
}
