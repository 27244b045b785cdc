//! The report for people.

use watcher_core::history::Report;

use super::{Asked, Page, graph, heading::heading, notes, parts::Parts, peak, table};
use crate::{units::Units, users::Users};

/// All of it.
pub fn write(asked: &Asked, report: &Report, page: Page, users: &Users) -> String {
    let zone = asked.now.time_zone();
    let mut text = notes::wrap(&heading(asked.period, report.span, zone), page.room);
    if let Some(chosen) = notes::choice(&asked.query.choice, users) {
        text.push_str(&notes::wrap(&chosen, page.room));
    }
    text.push('\n');
    if report.rows.is_empty() {
        text.push_str(&notes::wrap(&notes::nothing(asked, report), page.room));
        return text;
    }
    text.push_str(&overall(report, asked.units));
    match Parts::of(asked, report) {
        Ok(None) => {}
        Ok(Some(parts)) => text.push_str(&format!("\n{}", graph::write(&parts, zone, page, asked.units))),
        Err(too_many) => text.push_str(&format!("\n{}", notes::wrap(&format!("No graph: {too_many}."), page.room))),
    }
    let table = table::table(asked, report, page, users).to_string();
    text.push_str(&format!("\n{table}"));
    let notes = notes::notes(asked, report, &table);
    if !notes.is_empty() {
        text.push('\n');
        notes.iter().for_each(|note| text.push_str(&notes::wrap(note, page.room)));
    }
    text
}

/// Downloaded, uploaded, and the most of both in one second.
fn overall(report: &Report, units: Units) -> String {
    let total = &report.total;
    let mark = if report.estimated { "~" } else { "" };
    let amount = |bytes| format!("{mark}{}", units.amount(bytes));
    let rate = |rate: Option<u64>| {
        // Peaks of parts say nothing about the peak of their sum.
        rate.map_or_else(|| "not kept for this".to_owned(), |rate| format!("{}/s", units.rate(rate as f64)))
    };
    let lines = [
        ("Downloaded", amount(total.rx_bytes)),
        ("Uploaded", amount(total.tx_bytes)),
        ("Total", amount(total.bytes())),
        ("Peak Down", rate(peak(total.rx_peak, total.rx_bytes))),
        ("Peak Up", rate(peak(total.tx_peak, total.tx_bytes))),
    ];
    lines.iter().map(|(name, said)| format!("  {name:<10}  {said}\n")).collect()
}
