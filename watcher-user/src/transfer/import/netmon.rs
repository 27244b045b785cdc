//! netmon's database, read in pieces: it has no patience for whoever reads while it writes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, params, types::ValueRef};

use super::outcome::Reason;

/// Rows that are read at once: some hundredths of a second.
pub const PIECE: usize = 65_536;
const PATIENCE: Duration = Duration::from_secs(5);
/// netmon is of 2025. What is older has a clock that was never set.
const FIRST: i64 = 1_735_689_600;
/// Nobody's link brings as many bytes in a second.
const HUGE: i64 = 1 << 40;
const LONGEST_NAME: usize = 1_024;

/// Why a file is not taken over.
#[derive(Debug, thiserror::Error)]
pub enum NetmonError {
    /// There is none.
    #[error("there is no {0}: name netmon's database, `watcher import PATH`")]
    Missing(PathBuf),
    /// It is not for this user.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Text, an image, nothing.
    #[error("{0} is not an SQLite database")]
    NotADatabase(PathBuf),
    /// It was one.
    #[error("{path} is damaged ({why}): `sqlite3 {path} .recover` may save what is left")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// Another program's.
    #[error("{path} is a database, but not netmon's: it has no {lacks}")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What netmon's has.
        lacks: String,
    },
    /// netmon wrote nothing into it.
    #[error("{0} is netmon's, and empty")]
    Empty(PathBuf),
    /// Anything else.
    #[error("{path}: {source}")]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// One of netmon's two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// By application.
    Applications,
    /// By interface.
    Interfaces,
}

impl Log {
    fn table(self) -> &'static str {
        match self {
            Self::Applications => "app_traffic_logs",
            Self::Interfaces => "traffic_logs",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Applications => "app_name",
            Self::Interfaces => "interface",
        }
    }
}

/// A row that can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Which second, since 1970.
    pub second: i64,
    /// Whose.
    pub name: &'a str,
    /// Received.
    pub rx: u64,
    /// Sent.
    pub tx: u64,
}

/// A database that is netmon's.
#[derive(Debug)]
pub struct Netmon {
    db: Connection,
    path: PathBuf,
}

impl Netmon {
    /// Opens it to read, and looks whether it is netmon's.
    ///
    /// # Errors
    /// It is not.
    pub fn open(path: &Path) -> Result<Self, NetmonError> {
        let about = fs::File::open(path).and_then(|file| file.metadata()).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => NetmonError::Missing(path.to_owned()),
            _ => NetmonError::Unreadable { path: path.to_owned(), source },
        })?;
        // SQLite takes an empty file for a database.
        if !about.is_file() || about.len() == 0 {
            return Err(NetmonError::NotADatabase(path.to_owned()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(|e| failed(path, e))?;
        let netmon = Self { db, path: path.to_owned() };
        netmon.db.busy_timeout(PATIENCE).map_err(|e| failed(path, e))?;
        for log in [Log::Applications, Log::Interfaces] {
            netmon.check(log)?;
        }
        if netmon.last(Log::Applications, i64::MAX)?.is_none() && netmon.last(Log::Interfaces, i64::MAX)?.is_none() {
            return Err(NetmonError::Empty(path.to_owned()));
        }
        Ok(netmon)
    }

    fn check(&self, log: Log) -> Result<(), NetmonError> {
        let table = log.table();
        let columns = (|| {
            // A view would be somebody's query, of any cost.
            let sql = "SELECT name FROM pragma_table_info(?1)
                WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
            let mut statement = self.db.prepare(sql)?;
            statement.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
        })();
        let columns = columns.map_err(|e| failed(&self.path, e))?;
        let foreign = |lacks| Err(NetmonError::Foreign { path: self.path.clone(), lacks });
        if columns.is_empty() {
            return foreign(format!("table {table}"));
        }
        let needed = ["id", "timestamp", log.name(), "bytes_in", "bytes_out"];
        match needed.into_iter().find(|needed| !columns.iter().any(|column| column == needed)) {
            Some(column) => foreign(format!("column {column} in its table {table}")),
            None => Ok(()),
        }
    }

    /// The last row of a time before `until`, seconds since 1970: up to it all of each second is there.
    ///
    /// # Errors
    /// SQLite's.
    pub fn last(&self, log: Log, until: i64) -> Result<Option<i64>, NetmonError> {
        let sql = format!("SELECT id FROM {} WHERE timestamp < ?1 ORDER BY id DESC LIMIT 1", log.table());
        let last = self.db.query_row(&sql, [until], |row| row.get(0)).optional();
        last.map_err(|e| failed(&self.path, e))
    }

    /// What a table goes by, wherever the file is: its first row that has bytes, which netmon never takes away. `None` when
    /// there is none yet.
    ///
    /// # Errors
    /// SQLite's.
    pub fn source(&self, log: Log) -> Result<Option<String>, NetmonError> {
        let (table, name) = (log.table(), log.name());
        let sql = format!(
            "SELECT '{table} ' || id || ' ' || quote(timestamp) || ' ' || quote(bytes_in) || ' ' || quote(bytes_out)
                || ' ' || quote(substr({name}, 1, 64))
             FROM {table} WHERE bytes_in > 0 OR bytes_out > 0 ORDER BY id LIMIT 1"
        );
        let found = self.db.query_row(&sql, [], |row| row.get(0)).optional();
        found.map_err(|e| failed(&self.path, e))
    }

    /// Gives rows after `after`, up to `until`, to `each`, at most [`PIECE`] of them; the id of the last one.
    ///
    /// # Errors
    /// SQLite's.
    pub fn piece(
        &self,
        log: Log,
        after: i64,
        until: i64,
        now: Timestamp,
        each: &mut dyn FnMut(i64, Result<Line<'_>, Reason>),
    ) -> Result<Option<i64>, NetmonError> {
        let read = (|| {
            let sql = format!(
                "SELECT id, timestamp, {}, bytes_in, bytes_out FROM {} WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
                log.name(),
                log.table()
            );
            let mut statement = self.db.prepare_cached(&sql)?;
            let mut rows = statement.query(params![after, until, PIECE as i64])?;
            let mut last = None;
            while let Some(row) = rows.next()? {
                let id = row.get(0)?;
                let values = [row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?, row.get_ref(4)?];
                each(id, line(values, now.as_second()));
                last = Some(id);
            }
            Ok(last)
        })();
        read.map_err(|e| failed(&self.path, e))
    }
}

fn line(values: [ValueRef<'_>; 4], now: i64) -> Result<Line<'_>, Reason> {
    let [second, name, rx, tx] = values;
    let ValueRef::Integer(second) = second else { return Err(Reason::Time) };
    if second < FIRST {
        return Err(Reason::Time);
    }
    if second >= now - now.rem_euclid(60) {
        return Err(Reason::Future);
    }
    let bytes = |value| match value {
        ValueRef::Integer(bytes) if bytes > HUGE => Err(Reason::Huge),
        ValueRef::Integer(bytes) => u64::try_from(bytes).map_err(|_| Reason::Bytes),
        _ => Err(Reason::Bytes),
    };
    let (rx, tx) = (bytes(rx)?, bytes(tx)?);
    let ValueRef::Text(name) = name else { return Err(Reason::Name) };
    let name = std::str::from_utf8(name).ok().filter(|name| (1..=LONGEST_NAME).contains(&name.len()));
    Ok(Line { second, name: name.ok_or(Reason::Name)?, rx, tx })
}

fn failed(path: &Path, source: rusqlite::Error) -> NetmonError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => NetmonError::NotADatabase(path),
        Some(ErrorCode::DatabaseCorrupt) => NetmonError::Damaged { path, why: source.to_string() },
        _ => NetmonError::Sqlite { path, source },
    }
}
