//! `watcher stats`: what the history knows, in words, tables and graphs, as JSON and as CSV.
//!
//! ```text
//! command line ─► Asked ─► Source: a Report ─► text (heading, table, graph) | json | csv
//! ```
//! What is a day or a week is decided by the local clock (`period`). Nothing here adds up bytes but what a graph's columns hold.

mod ago;
mod bar;
mod csv;
mod graph;
mod heading;
mod json;
mod labels;
mod moment;
mod notes;
mod parts;
mod period;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, Write as _};

use anyhow::Context as _;
use jiff::{Timestamp, Zoned, tz::TimeZone};
use watcher_core::history::{By, OTHERS, Query, Report, Row, Sort, Step};

pub use moment::{MomentError, parse as parse_moment};
pub use period::{Bounds, Period};
pub use source::Source;

use crate::{table::terminal_width, tui::appearance::Appearance, units::Units, users::Users};

/// What is asked, and how it is shown.
#[derive(Debug, Clone)]
pub struct Asked {
    /// For the history.
    pub query: Query,
    /// The time that the query's bounds are of.
    pub period: Period,
    /// What the clock showed.
    pub now: Zoned,
    /// How it is written.
    pub form: Form,
    /// By which rule applications got their names.
    pub explain: bool,
    /// How amounts are written in text.
    pub units: Units,
    /// Names of users, not numbers.
    pub names: bool,
}

/// Ways to write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// For people.
    #[default]
    Text,
    /// One object.
    Json,
    /// A line per row, or per part of the graph.
    Csv,
}

/// What is written to.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Columns of the terminal; `None` where it is none.
    pub room: Option<usize>,
    /// Whether characters outside ASCII arrive whole.
    pub unicode: bool,
}

/// Asks, and prints the answer.
///
/// # Errors
/// There is no history, it cannot be read or has no line for what was asked, or the output is closed.
pub fn run(source: &Source, asked: &Asked) -> anyhow::Result<()> {
    let report = source.report(&asked.query, asked.now.time_zone().clone())?;
    let users = if asked.names { Users::system() } else { Users::numeric() };
    let written = match asked.form {
        Form::Text => {
            let page = Page { room: terminal_width(), unicode: Appearance::from_env().unicode };
            text::write(asked, &report, page, &users)
        }
        Form::Json => json::write(asked, &report, &users)?,
        Form::Csv => csv::write(asked, &report, &users)?,
    };
    let mut out = io::stdout().lock();
    out.write_all(written.as_bytes()).and_then(|()| out.flush()).context("writing the statistics")
}

/// As the command line and JSON call it.
fn by_name(by: By) -> &'static str {
    match by {
        By::Application => "app",
        By::Process => "process",
        By::Domain => "domain",
        By::User => "user",
        By::Interface => "interface",
    }
}

fn step_name(step: Step) -> &'static str {
    match step {
        Step::Second => "second",
        Step::Minute => "minute",
        Step::Hour => "hour",
        Step::Day => "day",
    }
}

fn sort_name(sort: Sort) -> &'static str {
    match sort {
        Sort::Total => "total",
        Sort::Downloaded => "down",
        Sort::Uploaded => "up",
        Sort::PeakDown => "peak-down",
        Sort::PeakUp => "peak-up",
        Sort::Name => "name",
    }
}

/// A peak, where one was kept: without bytes it is known to be nothing.
fn peak(peak: u64, bytes: u64) -> Option<u64> {
    (peak > 0 || bytes == 0).then_some(peak)
}

/// Whether anything of a report has a peak.
fn has_peaks(report: &Report) -> bool {
    report.rows.iter().any(|row| row.amount.rx_peak > 0 || row.amount.tx_peak > 0)
}

/// Whose a row is: rows of users have their number for a name. The rest of an application may be of several.
fn uid(by: By, row: &Row) -> Option<u32> {
    match by {
        By::User => row.name.parse().ok(),
        _ => row.process.as_ref().filter(|process| process.pid != 0 || row.name != OTHERS).map(|process| process.uid),
    }
}

/// With the offset of the local clock at that moment.
fn rfc3339(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
