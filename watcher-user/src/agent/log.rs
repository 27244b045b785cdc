//! The daemon's log: lines on standard error, as journald takes them, or JSON.

use std::{
    collections::BTreeSet,
    fmt,
    io::{IsTerminal as _, Write as _},
};

use jiff::Timestamp;
use serde::Serialize;

use crate::text::printable;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people. Under systemd each line begins with its priority (sd-daemon(3)), which journald takes off.
    #[default]
    Text,
    /// One object per line: `time`, `level`, `message`.
    Json,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something does not work.
    Error = 3,
    /// Something is not as it should be.
    Warning = 4,
    /// Good to know.
    Info = 6,
}

#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    level: Level,
    message: &'a str,
}

/// Writes lines.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    format: LogFormat,
    journal: bool,
}

impl Log {
    /// To standard error.
    #[must_use]
    pub fn to_stderr(format: LogFormat) -> Self {
        let journal = std::env::var_os("JOURNAL_STREAM").is_some() && !std::io::stderr().is_terminal();
        Self { format, journal }
    }

    /// Something does not work.
    pub fn error(self, message: impl fmt::Display) {
        self.write(Level::Error, &message.to_string());
    }

    /// Something is not as it should be.
    pub fn warning(self, message: impl fmt::Display) {
        self.write(Level::Warning, &message.to_string());
    }

    /// Good to know.
    pub fn info(self, message: impl fmt::Display) {
        self.write(Level::Info, &message.to_string());
    }

    fn write(self, level: Level, message: &str) {
        let line = match self.format {
            LogFormat::Json => {
                watcher_core::json::to_string(&Line { time: Timestamp::now(), level, message }).unwrap_or_default()
            }
            LogFormat::Text => {
                let priority = if self.journal { format!("<{}>", level as u8) } else { String::new() };
                format!("{priority}watcher: {}", printable(message))
            }
        };
        // Nobody reads it: then there is nobody to tell.
        writeln!(std::io::stderr(), "{line}").ok();
    }
}

/// What does not work at present: said when it begins and when it is over, not each time.
#[derive(Debug, Default)]
pub struct Complaints(BTreeSet<&'static str>);

impl Complaints {
    /// How an attempt at `what` went.
    pub fn note(&mut self, log: Log, what: &'static str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => {
                if self.0.remove(what) {
                    log.info(format_args!("{what}: works again"));
                }
            }
            Err(why) => {
                if self.0.insert(what) {
                    log.error(format_args!("{what}: {why}; collection goes on"));
                }
            }
        }
    }
}
