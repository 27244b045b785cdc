//! RFC 4180. Spreadsheets run what looks like a formula: it gets an apostrophe before it, and control characters their escapes.

use std::io;

use csv::{ErrorKind, Terminator, Writer, WriterBuilder};

use super::{Output, Record, Sink};
use crate::text::cell;

/// In the order of [`Record`].
const COLUMNS: [&str; 20] = [
    "start",
    "start_unix",
    "seconds",
    "level",
    "kind",
    "application",
    "rule",
    "process",
    "pid",
    "uid",
    "user",
    "domain",
    "interface",
    "apart",
    "scope",
    "rx_bytes",
    "tx_bytes",
    "rx_peak",
    "tx_peak",
    "estimated",
];

pub struct Csv(Writer<Output>);

impl Csv {
    pub fn new(output: Output) -> anyhow::Result<Self> {
        let mut to = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(output);
        to.write_record(COLUMNS).map_err(cause)?;
        Ok(Self(to))
    }
}

impl Sink for Csv {
    fn row(&mut self, record: &Record) -> anyhow::Result<()> {
        let text = |text: Option<&str>| cell(text.unwrap_or_default()).into_owned();
        let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        let written = self.0.write_record([
            record.start.clone(),
            record.start_unix.to_string(),
            record.seconds.to_string(),
            record.level.to_owned(),
            record.kind.to_owned(),
            text(record.application.as_deref()),
            text(record.rule.as_deref()),
            text(record.process.as_deref()),
            number(record.pid.map(u64::from)),
            number(record.uid.map(u64::from)),
            text(record.user.as_deref()),
            text(record.domain.as_deref()),
            text(record.interface.as_deref()),
            record.apart.map_or_else(String::new, |apart| apart.to_string()),
            record.scope.to_owned(),
            record.rx_bytes.to_string(),
            record.tx_bytes.to_string(),
            number(record.rx_peak),
            number(record.tx_peak),
            record.estimated.to_string(),
        ]);
        Ok(written.map_err(cause)?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<Output> {
        Ok(self.0.into_inner().map_err(csv::IntoInnerError::into_error)?)
    }
}

/// csv's error hides the disk's or the pipe's, by which it is known that a reader has gone.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        ErrorKind::Io(cause) => cause,
        other => io::Error::other(format!("{other:?}")),
    }
}
