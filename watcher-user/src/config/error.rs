//! What can be wrong with a configuration, and where.

use std::{fmt, io, path::PathBuf};

use thiserror::Error;

use super::keys;

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file, on a line, counted from 1.
    Line {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// In a variable of the environment.
    Variable(&'static str),
    /// In a flag.
    Flag(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// It is of another type, or out of range.
    #[error("expected {expected}, found {found}{}", reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Value {
        /// What would do.
        expected: &'static str,
        /// What stands there.
        found: String,
        /// More, where the two do not say it.
        reason: Option<String>,
    },
    /// A section was given a value.
    #[error("expected a table, found {found}")]
    NoTable {
        /// What stands there.
        found: String,
    },
    /// Something else stands where there may be many tables.
    #[error("expected tables, each under [[{section}]], found {found}")]
    NoTables {
        /// Their name.
        section: &'static str,
        /// What stands there.
        found: String,
    },
    /// Each value is good; together they are not.
    #[error("{0}")]
    Together(String),
    /// The text is no TOML.
    #[error("{0}")]
    Syntax(String),
}

/// The configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("reading {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such key.
    #[error("{place}: {key}: no such key{}", hint.map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    Unknown {
        /// Where.
        place: Place,
        /// The key, with its section.
        key: String,
        /// The nearest that there is.
        hint: Option<&'static str>,
    },
    /// A value is wrong.
    #[error("{place}: {}{problem}", key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default())]
    Wrong {
        /// Where.
        place: Place,
        /// The key, where the place does not name it.
        key: Option<String>,
        /// What is wrong.
        problem: Problem,
    },
}

impl ConfigError {
    pub(super) fn unknown(place: Place, key: &str) -> Self {
        Self::Unknown { place, key: key.to_owned(), hint: keys::nearest(key) }
    }
}
