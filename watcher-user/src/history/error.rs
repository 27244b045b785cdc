//! What can be wrong with a history.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use watcher_core::history::NoSuchLine;

/// Why there is no answer, or nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no file.
    #[error("there is no history at {0}: `watcher start` begins one, or name another file with --db")]
    Missing(PathBuf),
    /// Another watcher, of tomorrow, wrote it.
    #[error(
        "{path} was written by a newer watcher (its format is {found}, this one knows {known}): update watcher, or name another file with --db"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its `user_version`.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A database of something else.
    #[error("{0} is a database, but not a history of watcher; one of netmon can be taken over with `watcher import`")]
    Foreign(PathBuf),
    /// Not a database, or no more.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// No line has what was asked for.
    #[error(transparent)]
    NoSuchLine(#[from] NoSuchLine),
    /// There is no thread to write it.
    #[error("the thread that writes the history cannot be started")]
    Thread(#[source] std::io::Error),
    /// Too many ask.
    #[error("too many ask at once: try again")]
    Busy,
    /// Anything else: a full disk, a missing permission.
    #[error("{path}: {source}")]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl HistoryError {
    /// With the place.
    pub(super) fn of(path: &std::path::Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, why: source.to_string() }
            }
            _ => Self::Sqlite { path, source },
        }
    }

    /// Whether the file itself is of no use any more.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}
