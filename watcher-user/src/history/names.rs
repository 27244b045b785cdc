//! Series by number. Names stand once in the file, and are looked for once.

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};
use watcher_core::{
    Application, NamedBy,
    history::{Kind, Level, OTHERS, Program, Series, Subject},
};

use super::rows::{corrupt, kind, scope};

/// So many numbers are remembered; then all are looked for again.
const REMEMBERED: usize = 8_192;
/// How much longer than its rows a series stays, and how often that is written at most.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// The numbers that have been looked for.
#[derive(Debug)]
pub struct Numbers {
    boot: Box<str>,
    known: HashMap<Arc<Series>, (i64, Timestamp)>,
}

impl Numbers {
    /// Processes are those of this boot.
    pub fn new(boot: &str) -> Self {
        Self { boot: boot.into(), known: HashMap::new() }
    }

    /// The number of a series whose row begins at `at`. Made where it is new; kept at least as long as a row of a minute.
    pub fn of(&mut self, db: &Connection, series: &Arc<Series>, at: Timestamp) -> rusqlite::Result<i64> {
        let needed = until(Level::Minute, at);
        if let Some((id, keep)) = self.known.get(series)
            && *keep >= needed
        {
            return Ok(*id);
        }
        let keep = needed.checked_add(SLACK).unwrap_or(needed);
        let id = self.find(db, series, keep)?;
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(Arc::clone(series), (id, keep));
        Ok(id)
    }

    /// Numbers may have been given up.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    fn find(&self, db: &Connection, series: &Series, keep: Timestamp) -> rusqlite::Result<i64> {
        let mut key = Key {
            kind: kind(series.subject.kind()),
            scope: scope(series.scope),
            estimated: series.estimated,
            ..Key::default()
        };
        match &series.subject {
            Subject::Total | Subject::Ip => {}
            Subject::Application(app) => key.application = application(db, app)?,
            Subject::Process(program) => {
                key.application = application(db, &program.application)?;
                key.process = process(db, &self.boot, program, key.application)?;
            }
            Subject::Remote { application: app, remote } => {
                (key.application, key.remote) = (application(db, app)?, named(db, "remote", remote)?);
            }
            Subject::User(uid) => key.uid = i64::from(*uid),
            Subject::Interface { name, apart } => (key.interface, key.apart) = (named(db, "interface", name)?, *apart),
            Subject::Explained { name } => key.interface = named(db, "interface", name)?,
        }
        key.number(db, keep)
    }
}

/// When rows of a level that begin at `at` are no more.
fn until(level: Level, at: Timestamp) -> Timestamp {
    level.kept_for().and_then(|time| at.checked_add(time).ok()).unwrap_or(Timestamp::MAX)
}

/// Keeps a series for as long as a row of `level` that begins at `at` needs it.
pub fn keep(db: &Connection, series: i64, level: Level, at: Timestamp) -> rusqlite::Result<()> {
    let needed = until(level, at);
    let more = needed.checked_add(SLACK).unwrap_or(needed).as_second();
    db.prepare_cached("UPDATE series SET keep_until = ?2 WHERE id = ?1 AND keep_until < ?3")?
        .execute(params![series, more, needed.as_second()])
        .map(drop)
}

/// A series as the file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Key {
    pub kind: i64,
    pub scope: i64,
    pub estimated: bool,
    pub application: i64,
    pub process: i64,
    pub remote: i64,
    pub uid: i64,
    pub interface: i64,
    pub apart: bool,
}

impl Key {
    /// Its number; made where it is new.
    pub fn number(&self, db: &Connection, keep: Timestamp) -> rusqlite::Result<i64> {
        db.prepare_cached(
            "INSERT INTO series (kind, scope, estimated, application, process, remote, uid, interface, apart, keep_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO UPDATE SET keep_until = max(keep_until, excluded.keep_until) RETURNING id",
        )?
        .query_row(
            params![
                self.kind,
                self.scope,
                self.estimated,
                self.application,
                self.process,
                self.remote,
                self.uid,
                self.interface,
                self.apart,
                keep.as_second()
            ],
            |row| row.get(0),
        )
    }

    /// The series of a number.
    ///
    /// # Errors
    /// SQLite's; for a damaged file when there is none, because a row has the number.
    pub fn find(db: &Connection, series: i64) -> rusqlite::Result<Self> {
        let sql = "SELECT kind, scope, estimated, application, process, remote, uid, interface, apart
            FROM series WHERE id = ?1";
        let found = db.prepare_cached(sql)?.query_row([series], |row| {
            Ok(Self {
                kind: row.get(0)?,
                scope: row.get(1)?,
                estimated: row.get(2)?,
                application: row.get(3)?,
                process: row.get(4)?,
                remote: row.get(5)?,
                uid: row.get(6)?,
                interface: row.get(7)?,
                apart: row.get(8)?,
            })
        });
        found.optional()?.ok_or_else(|| no_such(series))
    }

    /// What of an application goes by no name: of its remotes, or of its processes.
    pub fn others(db: &Connection, of: Kind, group: Self) -> rusqlite::Result<Self> {
        let mut key = Self { kind: kind(of), ..group };
        match of {
            Kind::Remote => key.remote = named(db, "remote", OTHERS)?,
            Kind::Process => key.process = others(db, key.application)?,
            _ => {}
        }
        Ok(key)
    }
}

/// Rows have a number that the file has no series for.
pub fn no_such(series: i64) -> rusqlite::Error {
    corrupt(format!("rows of series {series}, which the file does not have"))
}

/// Text that names something in the table of that name.
fn named(db: &Connection, table: &str, name: &str) -> rusqlite::Result<i64> {
    let select = format!("SELECT id FROM {table} WHERE name = ?1");
    let insert = format!("INSERT INTO {table} (name) VALUES (?1)");
    found_or_made(db, &select, &insert, &[&name])
}

fn application(db: &Connection, app: &Application) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "INSERT INTO application (name, rule, evidence) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET evidence = excluded.evidence RETURNING id",
    )?
    .query_row(params![app.name, app.rule.as_str(), app.evidence], |row| row.get(0))
}

fn process(db: &Connection, boot: &str, program: &Program, application: i64) -> rusqlite::Result<i64> {
    if program.id == watcher_core::ProcessId::KERNEL && *program.name == *OTHERS {
        return others(db, application);
    }
    let start = i64::try_from(program.id.start.0).unwrap_or(i64::MAX);
    let boot = if boot.is_empty() { 0 } else { named(db, "boot", boot)? };
    process_row(db, boot, (i64::from(program.id.tgid), start), &program.name, i64::from(program.uid), application)
}

fn others(db: &Connection, application: i64) -> rusqlite::Result<i64> {
    process_row(db, 0, (0, 0), OTHERS, 0, application)
}

fn process_row(
    db: &Connection,
    boot: i64,
    (pid, start): (i64, i64),
    name: &str,
    uid: i64,
    application: i64,
) -> rusqlite::Result<i64> {
    let select = "SELECT id FROM process WHERE boot = ?1 AND pid = ?2 AND start = ?3 AND name = ?4 AND uid = ?5
        AND application = ?6";
    let insert = "INSERT INTO process (boot, pid, start, name, uid, application) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    found_or_made(db, select, insert, &[&boot, &pid, &start, &name, &uid, &application])
}

fn found_or_made(db: &Connection, select: &str, insert: &str, values: &[&dyn ToSql]) -> rusqlite::Result<i64> {
    let found = db.prepare_cached(select)?.query_row(values, |row| row.get(0)).optional()?;
    match found {
        Some(id) => Ok(id),
        None => db.prepare_cached(insert)?.insert(values),
    }
}

/// A rule by the name that [`NamedBy::as_str`] gives it.
pub fn rule(name: &str) -> NamedBy {
    NamedBy::ALL.into_iter().find(|rule| rule.as_str() == name).unwrap_or(NamedBy::Executable)
}
