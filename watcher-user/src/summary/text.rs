//! The summary in words and tables.

use std::{net::SocketAddr, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use watcher_core::names::NameSource;
use watcher_core::rollup::{
    Rollup,
    schema::{Domain, Machine},
};

use super::{
    Report, Running,
    choice::{ROWS, processes},
};
use crate::{
    agent::Flow,
    clock::local,
    table::{Cell, Table},
    text::printable,
    units::{Units, count},
    wording,
};

/// The columns of the first lines' names.
const LABELS: usize = 9;

/// All of it, for a terminal of so many columns.
pub fn write(report: &Report, zone: &TimeZone, room: Option<usize>) -> String {
    let (summary, all) = (&report.summary, &report.summary.since_start);
    let sums = &all.summary;
    let mut text = String::new();
    let mut line = |name: &str, said: String| {
        text.push_str(&format!("{name:<LABELS$}  {}\n", printable(&said)));
    };
    let time = |at: Timestamp| local(at, zone);
    let span = wording::span(summary.uptime());
    let begun = format!("since {} ({span})", time(summary.started_at));
    let watcher = match &report.running {
        Running::Yes | Running::Unasked(_) => format!("running, process {}, {begun}", summary.pid),
        Running::No if summary.running => format!("not running: process {} did not end in good order", summary.pid),
        Running::No => format!("not running: stopped at {} after {span}", time(summary.updated_at)),
    };
    line("watcher", watcher);
    match &report.running {
        Running::Yes => {}
        Running::Unasked(why) => line("", format!("as of {}: {why}", time(summary.updated_at))),
        Running::No => {
            if summary.running {
                line("", format!("its last report is of {}, {begun}", time(summary.updated_at)));
            }
            line("", "start it: sudo watcher start".to_owned());
        }
    }
    let (seen, polls) = (sums.tracked_process_count, u64::from(sums.poll_count));
    let (remotes, groups) = (sums.tracked_domain_count, sums.tracked_connection_count);
    line(
        "seen",
        format!(
            "{} processes, {} remotes, {} connections; {} polls",
            count(seen),
            count(remotes),
            count(groups),
            count(polls)
        ),
    );
    line("moved", moved(all));
    line("machine", machine(&all.machine));
    text + &tables(all, &summary.flows, room)
}

/// What moved most, in three tables.
pub(crate) fn tables(all: &Rollup, flows: &[Flow], room: Option<usize>) -> String {
    let mut text = String::new();
    for (title, table) in [
        ("Processes", process_table(all)),
        ("Remotes", remote_table(&all.domains)),
        ("Connections, open or just ended", connection_table(flows)),
    ] {
        text.push_str(&format!("\n{title}\n"));
        if table.is_empty() {
            text.push_str("  none recorded yet\n");
            continue;
        }
        // Tables stand two columns in.
        let room = room.map(|room| room.saturating_sub(2));
        let table = table.fit(room, &[("PROCESS", 10), ("REMOTE", 20)], &["POLLS", "VIA"]).to_string();
        table.lines().for_each(|row| text.push_str(&format!("  {row}\n")));
    }
    text
}

fn moved(all: &Rollup) -> String {
    let sums = &all.summary;
    let amount = |bytes| Units::default().amount(bytes);
    let rx = sums.total_rx_bytes.saturating_sub(sums.loopback_rx_bytes);
    let tx = sums.total_tx_bytes.saturating_sub(sums.loopback_tx_bytes);
    let exact = match &all.collector {
        Some(collector) if collector.exact => "; exact",
        Some(_) => "; not exact: see watcher doctor",
        None => "",
    };
    let inside = sums.loopback_rx_bytes.max(sums.loopback_tx_bytes);
    format!("received {}, sent {}; within this machine {}{exact}", amount(rx), amount(tx), amount(inside))
}

fn machine(machine: &Machine) -> String {
    let (cpu, system) = (&machine.hardware.cpu, &machine.system);
    let known = |text: &str| !text.is_empty();
    let platform = format!("{} {}", system.platform, system.platform_version);
    let named = format!("{} on {}", machine.hostname.as_str(), platform.trim());
    let cores = (cpu.logical_cores > 0).then(|| format!("{} cores", cpu.logical_cores));
    let gib = |amount: f64, of: &str| (amount > 0.0).then(|| format!("{amount:.1} GiB {of}"));
    let parts = [
        Some(named),
        Some(cpu.model.clone()).filter(|model| known(model)),
        cores,
        gib(machine.hardware.memory.total_gb, "memory"),
        gib(machine.hardware.disk.total_gb, "disk"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn amounts(rx: u64, tx: u64) -> [Cell; 2] {
    [rx, tx].map(|bytes| Cell::right(Units::default().amount(bytes)))
}

fn process_table(all: &Rollup) -> Table {
    let mut table = Table::new(&["PROCESS", "PID", "RX", "TX", "CPU", "PEAK", "MEMORY"]);
    for process in processes(&all.processes) {
        let used = &process.counters;
        let mut row = vec![Cell::left(name(process.names.name.as_str())), Cell::right(process.names.pid.to_string())];
        row.extend(amounts(used.rx_bytes, used.tx_bytes));
        // What lived between two polls was not sampled.
        let sampled = |text: String| Cell::right(if used.polls_seen > 0 { text } else { "-".to_owned() });
        let percent = |percent: f64| sampled(format!("{percent:.1} %"));
        row.extend([percent(used.average_cpu_percent), percent(used.peak_cpu_percent)]);
        row.push(sampled(Units::Bytes.amount((used.average_memory_rss_mb * 1_048_576.0) as u64)));
        table.row(row);
    }
    table
}

fn remote_table(domains: &[Domain]) -> Table {
    let mut table = Table::new(&["REMOTE", "RX", "TX", "POLLS"]);
    for domain in domains.iter().take(ROWS) {
        let address = domain.names.domain.as_str();
        let shown = domain
            .names
            .display_name
            .as_ref()
            .map(watcher_core::rollup::Disclosed::as_str)
            .filter(|name| *name != address);
        let text = shown.map_or_else(|| address.to_owned(), |name| format!("{name} ({address})"));
        let mut row = vec![Cell::left(name(&text))];
        row.extend(amounts(domain.counters.rx_bytes, domain.counters.tx_bytes));
        row.push(Cell::right(domain.counters.polls_seen.to_string()));
        table.row(row);
    }
    table
}

fn connection_table(flows: &[Flow]) -> Table {
    let mut table = Table::new(&["REMOTE", "VIA", "PROTO", "PROCESS", "PID", "RX", "TX", "FOR", ""]);
    for flow in flows.iter().take(ROWS) {
        let lasted = flow.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let mut row = vec![
            Cell::left(remote(flow)),
            Cell::left(flow.name_source.map_or("", NameSource::as_str)),
            Cell::left(name(flow.application_protocol.as_ref().unwrap_or(&flow.protocol))),
            Cell::left(name(&flow.process_name)),
            Cell::right(flow.pid.to_string()),
        ];
        row.extend(amounts(flow.rx_bytes, flow.tx_bytes));
        row.push(Cell::right(lasted.map_or_else(|| "-".to_owned(), wording::span)));
        row.push(Cell::left(if flow.open { "" } else { "ended" }));
        table.row(row);
    }
    table
}

/// By name, with the port of the address.
fn remote(flow: &Flow) -> String {
    let port = || Some(flow.remote.as_ref()?.parse::<SocketAddr>().ok()?.port());
    match (&flow.remote_name, &flow.remote) {
        (Some(host), _) => port().map_or_else(|| name(host), |port| format!("{}:{port}", name(host))),
        (None, Some(address)) => name(address),
        (None, None) => "*".to_owned(),
    }
}

fn name(raw: &str) -> String {
    if raw.is_empty() { "?".to_owned() } else { printable(raw).into_owned() }
}
