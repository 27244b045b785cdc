//! `--plain`: a table per interval, below a line that accounts for everything.

use std::{borrow::Cow, fmt::Write as _, io::Write, sync::Arc};

use anyhow::Context as _;
use watcher_core::{Application, FlowState, Snapshot, Traffic, names::Name};

use super::{Origin, Report, Selected, age, select};
use crate::{
    by::By,
    cli::Rows,
    names::Geo,
    table::{Cell, Table},
    text::printable,
    units::Units,
    users::Users,
    wording,
};

/// Writes snapshots as tables.
#[derive(Debug)]
pub(super) struct Writer<W> {
    out: W,
    rows: Rows,
    users: Users,
    units: Units,
    names: bool,
    geo: Arc<Geo>,
}

impl<W: Write> Writer<W> {
    /// `names`: remotes go by them.
    pub fn new(out: W, rows: Rows, users: Users, units: Units, names: bool, geo: Arc<Geo>) -> Self {
        Self { out, rows, users, units, names, geo }
    }

    fn table(&self, snapshot: &Snapshot, selected: &Selected<'_>) -> Table {
        match self.rows.by {
            By::Process => self.processes(selected),
            By::App => self.apps(selected),
            By::Connection => self.connections(snapshot, selected),
            By::Remote => self.remotes(selected),
        }
    }

    fn processes(&self, selected: &Selected<'_>) -> Table {
        let columns = ["PID", "USER", "PROCESS", "RX/s", "TX/s", "RX", "TX", "CONN"];
        let mut table = Table::new(&self.explained(&columns, &["APPLICATION", "RULE", "EVIDENCE"]));
        for row in &selected.processes {
            let ended = if row.exited.is_some() { " (ended)" } else { "" };
            let line = |what: &str, traffic: Traffic, connections: u32| {
                let mut cells = vec![
                    Cell::right(row.id.tgid.to_string()),
                    Cell::left(printable(&self.users.name(row.info.uid))),
                    Cell::left(format!("{}{what}{ended}", name(&row.info.name))),
                ];
                cells.extend(self.amounts(traffic));
                cells.push(Cell::right(connections.to_string()));
                if self.rows.explain {
                    cells.push(Cell::left(name(row.info.application_name())));
                    cells.extend(explanation(row.info.application.as_deref()));
                }
                cells
            };
            let (ip, frames) = (row.traffic.ip(self.rows.include_loopback), row.traffic.packet);
            let connections = row.connections.ip(self.rows.include_loopback);
            // Frames are no IP payload: they have a line of their own, and no other where there is nothing else.
            if is_some(ip) || connections > 0 || !is_some(frames) {
                table.row(line("", ip, connections));
            }
            if is_some(frames) {
                table.row(line(" [frames]", frames, row.connections.packet));
            }
        }
        table
    }

    fn apps(&self, selected: &Selected<'_>) -> Table {
        let columns = ["APPLICATION", "RX/s", "TX/s", "RX", "TX", "PROC", "CONN"];
        let mut table = Table::new(&self.explained(&columns, &["RULE", "EVIDENCE"]));
        for row in &selected.apps {
            let connections = row.connections.ip(self.rows.include_loopback) + row.connections.packet;
            let mut cells = vec![Cell::left(name(&row.name))];
            cells.extend(self.amounts(row.traffic.ip(self.rows.include_loopback)));
            cells.extend([Cell::right(row.processes.to_string()), Cell::right(connections.to_string())]);
            if self.rows.explain {
                cells.extend(explanation(row.application.as_deref()));
            }
            table.row(cells);
        }
        table
    }

    fn explained<'c>(&self, columns: &[&'c str], more: &[&'c str]) -> Vec<&'c str> {
        let more = if self.rows.explain { more } else { &[] };
        [columns, more].concat()
    }

    fn remotes(&self, selected: &Selected<'_>) -> Table {
        let mut columns = vec!["REMOTE", "ADDRESS", "VIA", "WHERE", "RX/s", "TX/s", "RX", "TX", "PROC", "CONN"];
        columns.retain(|column| *column != "WHERE" || !self.geo.is_empty());
        let mut table = Table::new(&columns);
        for row in &selected.remotes {
            let address = row.address.map_or_else(|| "(others)".to_owned(), |address| address.to_string());
            let name = row.name.as_deref().filter(|_| self.names);
            let mut cells = vec![
                Cell::left(name.map_or(&*address, Name::domain)),
                Cell::left(&*address),
                Cell::left(wording::via(name)),
            ];
            if !self.geo.is_empty() {
                let located = row.address.map(|address| self.geo.of(address)).unwrap_or_default();
                cells.push(Cell::left(printable(&located.to_string())));
            }
            cells.extend(self.amounts(row.traffic.ip(self.rows.include_loopback)));
            cells.extend([Cell::right(row.processes.to_string()), Cell::right(row.connections.to_string())]);
            table.row(cells);
        }
        table
    }

    fn connections(&self, snapshot: &Snapshot, selected: &Selected<'_>) -> Table {
        let columns = ["PID", "PROCESS", "PROTO", "LOCAL", "REMOTE", "VIA", "STATE", "AGE", "RX/s", "TX/s", "RX", "TX"];
        let mut table = Table::new(&columns);
        for (row, process) in &selected.flows {
            let sample = &row.sample;
            let age = age(row, snapshot.at).map_or_else(|| "-".to_owned(), wording::span);
            let mut cells = vec![
                Cell::right(sample.id.process.tgid.to_string()),
                Cell::left(name(process)),
                Cell::left(wording::service(row)),
                Cell::left(sample.socket.local.to_string()),
                Cell::left(wording::remote(row, self.names)),
                Cell::left(if self.names { wording::via_of_flow(&row.known) } else { Cow::Borrowed("") }),
                Cell::left(state(sample.state)),
                Cell::right(age),
            ];
            cells.extend(self.amounts(row.traffic));
            table.row(cells);
        }
        table
    }

    fn amounts(&self, traffic: Traffic) -> [Cell; 4] {
        [
            Cell::right(self.units.rate(traffic.rx_rate)),
            Cell::right(self.units.rate(traffic.tx_rate)),
            Cell::right(self.units.amount(traffic.rx_bytes)),
            Cell::right(self.units.amount(traffic.tx_bytes)),
        ]
    }

    /// The accounting: what moved, what nobody owns, what was lost, and by which promise.
    fn header(&self, snapshot: &Snapshot, origin: &Origin) -> String {
        let totals = &snapshot.totals;
        let moved = totals.traffic.ip(self.rows.include_loopback);
        let (rate, amount) = (|n| self.units.rate(n), |n| self.units.amount(n));
        let promise = if snapshot.quality.is_exact() && totals.losses.is_exact() { "exact" } else { "not exact" };
        let mut line = format!(
            "rx {}/s  tx {}/s  total rx {}  tx {}  unattributed {}  lost {}  {} {} {promise}",
            rate(moved.rx_rate),
            rate(moved.tx_rate),
            amount(moved.rx_bytes),
            amount(moved.tx_bytes),
            amount(totals.truth.unattributed_rx.saturating_add(totals.truth.unattributed_tx)),
            totals.losses.dropped_events(),
            snapshot.quality.backend,
            snapshot.quality.grade,
        );
        match origin.daemon {
            Some(pid) => write!(line, "  daemon {pid}, totals since {:.0}", origin.since),
            None => write!(line, "  own probes"),
        }
        .expect("a String takes all");
        let frames = totals.traffic.packet;
        if is_some(frames) {
            write!(line, "  frames rx {} tx {}", amount(frames.rx_bytes), amount(frames.tx_bytes))
                .expect("a String takes all");
        }
        line
    }
}

impl<W: Write> Report for Writer<W> {
    fn write(&mut self, snapshot: &Snapshot, origin: &Origin) -> anyhow::Result<()> {
        let selected = select(snapshot, &self.rows, &self.users);
        let text = format!("{}\n{}\n", self.header(snapshot, origin), self.table(snapshot, &selected));
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).context("writing the table")
    }
}

/// The rule that named an application, and what it went by.
fn explanation(application: Option<&Application>) -> [Cell; 2] {
    let (rule, evidence) =
        application.map_or(("-", Cow::Borrowed("-")), |found| (found.rule.as_str(), printable(&found.evidence)));
    [Cell::left(rule), Cell::whole(evidence)]
}

fn is_some(traffic: Traffic) -> bool {
    traffic.rx_bytes + traffic.tx_bytes > 0
}

fn name(raw: &str) -> String {
    if raw.is_empty() { "?".to_owned() } else { printable(raw).into_owned() }
}

/// With the reason where it is over.
fn state(state: FlowState) -> Cow<'static, str> {
    match state {
        FlowState::Closed { reason, .. } => Cow::Owned(format!("closed: {}", wording::reason(reason))),
        FlowState::Open | FlowState::Tcp(_) => Cow::Borrowed(wording::state(state)),
    }
}
