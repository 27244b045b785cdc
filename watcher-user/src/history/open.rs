//! Opening the file: what is ours, what is newer, what is damaged.

use std::{
    fs,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::{
    HistoryError, Store,
    migrations::{APPLICATION_ID, VERSION, migrate},
};

/// The name of the file in the state directory.
pub const FILE: &str = "history.db";
/// How long a reader or writer waits for another.
const PATIENCE: Duration = Duration::from_secs(5);

/// A store that was opened.
#[derive(Debug)]
pub struct Opened {
    /// To write to.
    pub store: Store,
    /// Where a damaged file was put, and what was wrong with it.
    pub set_aside: Option<(PathBuf, String)>,
}

/// Opens the file to write, and makes it when there is none (0600). A damaged one is renamed, and a new one begun.
///
/// # Errors
/// A newer watcher wrote it, it is something else, or the disk does not let.
pub fn open_or_set_aside(path: &Path, boot: &str, zone: jiff::tz::TimeZone) -> Result<Opened, HistoryError> {
    match writable(path) {
        Ok(db) => Ok(Opened { store: Store::new(db, path, boot, zone)?, set_aside: None }),
        Err(e) if e.is_damage() => {
            let place = set_aside(path).map_err(|why| HistoryError::Damaged {
                path: path.to_owned(),
                why: format!("{e}, and it cannot be set aside: {why}"),
            })?;
            let store = Store::new(writable(path)?, path, boot, zone)?;
            Ok(Opened { store, set_aside: Some((place, e.to_string())) })
        }
        Err(e) => Err(e),
    }
}

pub(super) fn writable(path: &Path) -> Result<Connection, HistoryError> {
    let fail = |e| HistoryError::of(path, e);
    // Made here for its mode; SQLite gives the files beside it the same.
    let made = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).is_ok();
    let mut db = Connection::open(path).map_err(fail)?;
    db.busy_timeout(PATIENCE).map_err(fail)?;
    if !made {
        check(&db, path, true)?;
    }
    (|| {
        db.pragma_update(None, "journal_mode", "WAL")?;
        // A commit is in the file's log, not yet on the disk: a kill loses nothing, a power cut the last moments.
        db.pragma_update(None, "synchronous", "NORMAL")?;
        // Between commits, when nobody waits for one.
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        db.pragma_update(None, "cache_size", -1_024)?;
        migrate(&mut db)
    })()
    .map_err(fail)?;
    Ok(db)
}

/// Opens the file to read: beside a daemon that writes too. Of an earlier watcher's file a copy in memory is brought up.
///
/// # Errors
/// There is none, a newer watcher wrote it, or it is something else or damaged.
pub(super) fn readable(path: &Path) -> Result<Connection, HistoryError> {
    if !path.exists() {
        return Err(HistoryError::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fail = |e| HistoryError::of(path, e);
    let db = Connection::open_with_flags(path, flags).map_err(fail)?;
    db.busy_timeout(PATIENCE).map_err(fail)?;
    if check(&db, path, false)? == VERSION {
        return Ok(db);
    }
    let mut copy = Connection::open_in_memory().map_err(fail)?;
    Backup::new(&db, &mut copy).and_then(|backup| backup.run_to_completion(i32::MAX, PATIENCE, None)).map_err(fail)?;
    migrate(&mut copy).map_err(fail)?;
    Ok(copy)
}

/// The version of its tables. `may_be_new`: an empty file is one that is about to be begun.
fn check(db: &Connection, path: &Path, may_be_new: bool) -> Result<i64, HistoryError> {
    let fail = |e| HistoryError::of(path, e);
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(fail);
    let (id, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    if tables == 0 && id == 0 && may_be_new {
        return Ok(version);
    }
    if id != i64::from(APPLICATION_ID) {
        return Err(HistoryError::Foreign(path.to_owned()));
    }
    if version > VERSION {
        return Err(HistoryError::Newer { path: path.to_owned(), found: version, known: VERSION });
    }
    Ok(version)
}

/// Renames the file and those that SQLite keeps beside it. Their names say when.
pub(super) fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let place = |number: u32| {
        let number = if number == 0 { String::new() } else { format!("-{number}") };
        path.with_file_name(format!("{name}.damaged-{stamp}{number}"))
    };
    let place = (0..).map(place).find(|place| !place.exists()).unwrap_or_else(|| place(u32::MAX));
    fs::rename(path, &place)?;
    for suffix in ["-wal", "-shm"] {
        let beside = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        match fs::rename(beside(path), beside(&place)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(place)
}
