//! `watcher export`: the rows of a history as a table. docs/export.md names the columns.

mod csv;
mod json;
mod output;
mod parquet;
mod record;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use jiff::tz::TimeZone;

use self::output::Output;
pub use self::record::Record;
use super::progress::Progress;
use crate::{
    history::{History, Scan},
    users::Users,
};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Comma-separated values, RFC 4180.
    #[default]
    Csv,
    /// One JSON object per line.
    Json,
    /// Apache Parquet.
    Parquet,
}

/// What to write, and to where.
#[derive(Debug, Clone)]
pub struct Export {
    /// Which rows.
    pub scan: Scan,
    /// As what.
    pub format: Format,
    /// To this file; standard output where there is none.
    pub to: Option<PathBuf>,
}

/// Whatever takes rows.
trait Sink {
    fn row(&mut self, record: &Record) -> anyhow::Result<()>;
    /// All of them are there.
    fn finish(self: Box<Self>) -> anyhow::Result<Output>;
}

/// Writes all rows; how many. A file has its name once it is whole.
///
/// # Errors
/// The history cannot be read, or the output not be written.
pub fn run(export: &Export, history: &Path, zone: &TimeZone) -> anyhow::Result<u64> {
    let mut history = History::open(history, zone.clone())?;
    let output = Output::open(export.to.as_deref(), export.format == Format::Parquet)?;
    let mut sink: Box<dyn Sink> = match export.format {
        Format::Csv => Box::new(csv::Csv::new(output)?),
        Format::Json => Box::new(json::Json::new(output)),
        Format::Parquet => Box::new(parquet::Parquet::new(output)?),
    };
    let users = Users::system();
    let (mut rows, mut failed) = (0_u64, None);
    let mut progress = Progress::new();
    history.scan(&export.scan, &mut |range, row| {
        if let Err(e) = sink.row(&Record::new(export.scan.by, &row, zone, &users)) {
            failed = Some(e);
            return ControlFlow::Break(());
        }
        rows += 1;
        let done = row.span.from.duration_since(range.from).as_secs_f64();
        progress.at(rows, done / range.until.duration_since(range.from).as_secs_f64().max(1.0));
        ControlFlow::Continue(())
    })?;
    drop(progress);
    if let Some(error) = failed {
        return Err(error);
    }
    sink.finish()?.finish()?;
    Ok(rows)
}
