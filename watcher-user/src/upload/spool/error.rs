//! What can go wrong with the spool's directory, in words that say what to try.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Something in the spool's directory could not be done. Nothing that was in the spool before has changed.
#[derive(Debug, Error)]
#[error("cannot {doing} {}: {source}{}", path.display(), self.trouble().advice())]
pub struct SpoolError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No space or no quota is left.
    Full,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The directory belongs to somebody else.
    Forbidden,
    /// Another process has the spool open.
    InUse,
    /// Anything else.
    Other,
}

impl SpoolError {
    pub(super) fn new(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self { doing, path: path.to_owned(), source }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match self.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Trouble::Full,
            io::ErrorKind::ReadOnlyFilesystem => Trouble::ReadOnly,
            io::ErrorKind::PermissionDenied => Trouble::Forbidden,
            io::ErrorKind::WouldBlock => Trouble::InUse,
            _ => Trouble::Other,
        }
    }
}

impl Trouble {
    fn advice(self) -> &'static str {
        match self {
            Self::Full => "; finished windows wait in memory until there is space",
            Self::ReadOnly => "; finished windows wait in memory until the file system is writable",
            Self::Forbidden => "; run as the owner of the directory, or choose another one",
            Self::InUse => "; another watcher has the spool open: ask it, or stop it first",
            Self::Other => "",
        }
    }
}
