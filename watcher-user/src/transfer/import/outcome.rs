//! What came of an import, for people.

use std::{collections::BTreeMap, fmt};

use jiff::{Timestamp, tz::TimeZone};
use watcher_core::history::Span;

use crate::{text::printable, units::Units};

/// Why a row is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its time is no number, or before there was a netmon.
    Time,
    /// Its time is still to come, as is the minute that is under way.
    Future,
    /// Its bytes are missing, no number, or negative.
    Bytes,
    /// More bytes in a second than any machine moves.
    Huge,
    /// Its name is missing, no text, or endless.
    Name,
    /// watcher counted then itself.
    Counted,
    /// Another file of that time was taken over before.
    Taken,
}

impl Reason {
    fn words(self) -> &'static str {
        match self {
            Self::Time => "without a time that can be",
            Self::Future => "of a time that is not over",
            Self::Bytes => "without a number of bytes, or with a negative one",
            Self::Huge => "with more than a tebibyte in a second",
            Self::Name => "without a name that is text of at most 1024 bytes",
            Self::Counted => "of a time that watcher has counted itself",
            Self::Taken => "of a time that another file was taken over for",
        }
    }
}

/// What came of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Rows that were read.
    pub rows: u64,
    /// Rows whose bytes were taken over.
    pub taken: u64,
    /// Rows without bytes: nothing is lost with them.
    pub idle: u64,
    /// Rows that were left out.
    pub left_out: BTreeMap<Reason, u64>,
    /// Received and sent, by application or interface.
    pub names: BTreeMap<Box<str>, (u64, u64)>,
    /// Of names beyond those that there is room for.
    pub others: (u64, u64),
    /// The minutes that have bytes.
    pub span: Option<Span>,
}

impl Table {
    /// Received and sent.
    #[must_use]
    pub fn sum(&self) -> (u64, u64) {
        let all = self.names.values().chain([&self.others]);
        all.fold((0, 0), |(rx, tx), of| (rx.saturating_add(of.0), tx.saturating_add(of.1)))
    }
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Nothing was written.
    pub dry: bool,
    /// `app_traffic_logs`.
    pub applications: Table,
    /// `traffic_logs`.
    pub interfaces: Table,
    /// Of them, received and sent over interfaces that are not apart.
    pub total: (u64, u64),
    /// Since then watcher has counted itself.
    pub counted_since: Option<Timestamp>,
    /// The clock of whoever reads.
    pub zone: Option<TimeZone>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = self.applications.rows + self.interfaces.rows;
        if read == 0 {
            return writeln!(f, "Nothing is new: what the file has was taken over before.");
        }
        let verb = if self.dry { "would be taken over" } else { "taken over" };
        for (table, what) in [(&self.applications, "application"), (&self.interfaces, "interface")] {
            let (rx, tx) = table.sum();
            let names = table.names.len();
            write!(f, "{} of {} rows by {what} {verb}", table.taken, table.rows)?;
            writeln!(f, ": {names} {what}{}, {}", if names == 1 { "" } else { "s" }, both(rx, tx))?;
            if let Some(Span { from, until }) = table.span {
                writeln!(f, "  from {} to {}", self.local(from), self.local(until))?;
            }
            if table.idle > 0 {
                writeln!(f, "  {} rows are without bytes", table.idle)?;
            }
            for (reason, rows) in &table.left_out {
                writeln!(f, "  {rows} left out: {}", reason.words())?;
            }
            if self.dry {
                self.heaviest(f, table)?;
            }
        }
        writeln!(f, "The total, of interfaces that are not apart: {}", both(self.total.0, self.total.1))?;
        let is_left_out = |table: &Table| table.left_out.contains_key(&Reason::Counted);
        if let Some(since) = self.counted_since
            && (is_left_out(&self.applications) || is_left_out(&self.interfaces))
        {
            let since = self.local(since);
            writeln!(f, "netmon rows after {since} are left out: watcher has counted itself since.")?;
        }
        writeln!(f, "All of it is marked estimated: netmon guessed whose bytes they were.")
    }
}

impl Outcome {
    fn local(&self, at: Timestamp) -> String {
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        at.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
    }

    fn heaviest(&self, f: &mut fmt::Formatter<'_>, table: &Table) -> fmt::Result {
        const SHOWN: usize = 20;
        let mut names: Vec<_> = table.names.iter().collect();
        names.sort_by_key(|(_, (rx, tx))| std::cmp::Reverse(rx.saturating_add(*tx)));
        for (name, (rx, tx)) in names.iter().take(SHOWN) {
            writeln!(f, "    {}: {}", printable(name), both(*rx, *tx))?;
        }
        match names.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "    and {more} more"),
        }
    }
}

fn both(rx: u64, tx: u64) -> String {
    let units = Units::default();
    format!("{} received, {} sent", units.amount(rx), units.amount(tx))
}
