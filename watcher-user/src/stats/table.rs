//! The table: which columns a view has, and what stands in them.

use watcher_core::history::{By, Report, Row};

use super::{
    Asked, Page,
    bar::{bar, percent},
    has_peaks, peak, uid,
};
use crate::{
    table::{Cell, Table},
    text::printable,
    units::Units,
    users::Users,
};

/// Columns of the bar of shares: where there is room, and where there is not much.
const LONG: usize = 20;
const SHORT: usize = 5;
/// From so many columns of the terminal on there is room.
const WIDE: usize = 110;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    Pid,
    User,
    Application,
    Downloaded,
    Uploaded,
    Total,
    Share,
    Explained,
    Other,
    PeakDown,
    PeakUp,
    Rule,
    From,
    Apart,
}

/// The rows, as wide as the page.
pub fn table(asked: &Asked, report: &Report, page: Page, users: &Users) -> Table {
    let by = asked.query.by;
    let columns = columns(asked, report);
    let titles: Vec<&'static str> = columns.iter().map(|column| column.title(by)).collect();
    let mut table = Table::new(&titles);
    let view = View { by, total: report.total.bytes(), page, units: asked.units, users };
    // What is not in the total comes last.
    let is_apart = |row: &Row| row.interface.as_ref().is_some_and(|columns| columns.apart);
    let (apart, counted): (Vec<&Row>, Vec<&Row>) = report.rows.iter().partition(|row| is_apart(row));
    for row in counted.into_iter().chain(apart) {
        table.row(columns.iter().map(|column| view.cell(*column, row)).collect());
        if asked.explain {
            for index in 1..row.explained.len() {
                table.row(columns.iter().map(|column| explanation(*column, row, index)).collect());
            }
        }
    }
    let (shrink, drop) = narrowing(by);
    table.fit(page.room, shrink, drop)
}

fn columns(asked: &Asked, report: &Report) -> Vec<Column> {
    use Column::{
        Apart, Application, Downloaded, Explained, From, Name, Other, PeakDown, PeakUp, Pid, Rule, Share, Total,
        Uploaded, User,
    };
    let mut columns = vec![Name];
    if asked.query.by == By::Process {
        columns.extend([Pid, User, Application]);
    }
    if asked.explain {
        // What was read is long, and worth more here than how the total is made up.
        columns.extend([Total, Rule, From]);
        return columns;
    }
    columns.extend([Downloaded, Uploaded, Total]);
    columns.extend(match asked.query.by {
        By::Interface => vec![Explained, Other],
        _ => vec![Share],
    });
    if has_peaks(report) {
        columns.extend([PeakDown, PeakUp]);
    }
    if asked.query.by == By::Interface {
        columns.push(Apart);
    }
    columns
}

/// Columns that may be cut, and to what, and those that may go.
fn narrowing(by: By) -> (&'static [(&'static str, usize)], &'static [&'static str]) {
    match by {
        By::Process => (
            &[("APPLICATION", 12), ("PROCESS", 10), ("USER", 6)],
            &["SHARE", "PEAK UP", "PEAK DOWN", "APPLICATION", "USER"],
        ),
        By::Interface => (&[("INTERFACE", 8)], &["PEAK UP", "PEAK DOWN", "OTHER", "EXPLAINED"]),
        By::Application => (&[("APPLICATION", 12), ("FROM", 12)], &["SHARE", "PEAK UP", "PEAK DOWN"]),
        By::Domain => (&[("DOMAIN", 12)], &["SHARE"]),
        By::User => (&[("USER", 12)], &["SHARE"]),
    }
}

impl Column {
    fn title(self, by: By) -> &'static str {
        match self {
            Self::Name => match by {
                By::Application => "APPLICATION",
                By::Process => "PROCESS",
                By::Domain => "DOMAIN",
                By::User => "USER",
                By::Interface => "INTERFACE",
            },
            Self::Pid => "PID",
            Self::User => "USER",
            Self::Application => "APPLICATION",
            Self::Downloaded => "DOWNLOADED",
            Self::Uploaded => "UPLOADED",
            Self::Total => "TOTAL",
            Self::Share => "SHARE",
            Self::Explained => "EXPLAINED",
            Self::Other => "OTHER",
            Self::PeakDown => "PEAK DOWN",
            Self::PeakUp => "PEAK UP",
            Self::Rule => "RULE",
            Self::From => "FROM",
            Self::Apart => "",
        }
    }
}

struct View<'a> {
    by: By,
    total: u64,
    page: Page,
    units: Units,
    users: &'a Users,
}

impl View<'_> {
    fn cell(&self, column: Column, row: &Row) -> Cell {
        let amount = |bytes| Cell::right(self.units.amount(bytes));
        let rate = |rate: Option<u64>| {
            Cell::right(rate.map_or_else(|| "-".to_owned(), |rate| format!("{}/s", self.units.rate(rate as f64))))
        };
        let process = row.process.as_ref();
        let explained = row
            .interface
            .as_ref()
            .map_or(0, |columns| columns.explained_rx_bytes.saturating_add(columns.explained_tx_bytes));
        match column {
            Column::Name => Cell::left(match uid(self.by, row).filter(|_| self.by == By::User) {
                Some(uid) => name(self.users.name(uid)),
                None => name(&row.name),
            }),
            // The rest of an application, and the kernel, have none.
            Column::Pid => Cell::right(match process.map_or(0, |process| process.pid) {
                0 => "-".to_owned(),
                pid => pid.to_string(),
            }),
            Column::User => {
                Cell::left(uid(self.by, row).map_or_else(|| "-".to_owned(), |uid| name(self.users.name(uid))))
            }
            Column::Application => Cell::left(process.map_or_else(String::new, |process| name(&process.application))),
            Column::Downloaded => amount(row.amount.rx_bytes),
            Column::Uploaded => amount(row.amount.tx_bytes),
            Column::Total => {
                let mark = if row.estimated { "~" } else { "" };
                Cell::right(format!("{mark}{}", self.units.amount(row.amount.bytes())))
            }
            Column::Share => self.share(row),
            Column::Explained => amount(explained),
            Column::Other => amount(row.amount.bytes().saturating_sub(explained)),
            Column::PeakDown => rate(peak(row.amount.rx_peak, row.amount.rx_bytes)),
            Column::PeakUp => rate(peak(row.amount.tx_peak, row.amount.tx_bytes)),
            Column::Rule | Column::From => explanation(column, row, 0),
            Column::Apart => {
                let apart = row.interface.as_ref().is_some_and(|columns| columns.apart);
                Cell::left(if apart { "apart" } else { "" })
            }
        }
    }

    fn share(&self, row: &Row) -> Cell {
        let columns = if self.page.room.is_none_or(|room| room >= WIDE) { LONG } else { SHORT };
        let (part, whole) = (row.amount.bytes(), self.total);
        Cell::left(format!("{:>4} {}", percent(part, whole), bar(part, whole, columns, self.page.unicode)))
    }
}

/// One of the ways that an application got its name.
fn explanation(column: Column, row: &Row, index: usize) -> Cell {
    let explained = row.explained.get(index);
    Cell::left(match (column, explained) {
        (Column::Rule, Some(explained)) => explained.rule.as_str().to_owned(),
        (Column::From, Some(explained)) => printable(&explained.evidence).into_owned(),
        _ => String::new(),
    })
}

fn name(raw: impl AsRef<str>) -> String {
    let raw = raw.as_ref();
    if raw.is_empty() { "?".to_owned() } else { printable(raw).into_owned() }
}
