//! `--csv` (RFC 4180): a line per row, or per part of the graph where one was asked for. docs/stats.md names the columns.

use anyhow::Context as _;
use csv::{Terminator, WriterBuilder};
use watcher_core::history::{By, Explanation, Report, Row};

use super::{Asked, parts::Parts, peak, rfc3339, uid};
use crate::{text::cell, users::Users};

type Writer = csv::Writer<Vec<u8>>;

/// All of it, with a heading.
pub fn write(asked: &Asked, report: &Report, users: &Users) -> anyhow::Result<String> {
    let mut out = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    if asked.query.step.is_some() {
        parts(&mut out, asked, report)?;
    } else {
        rows(&mut out, asked, report, users)?;
    }
    let bytes = out.into_inner().map_err(csv::IntoInnerError::into_error).context("writing CSV")?;
    Ok(String::from_utf8(bytes)?)
}

fn parts(out: &mut Writer, asked: &Asked, report: &Report) -> anyhow::Result<()> {
    let zone = asked.now.time_zone();
    out.write_record(["from", "until", "rx_bytes", "tx_bytes"])?;
    for bin in Parts::of(asked, report)?.map_or_else(Vec::new, |parts| parts.bins) {
        let times = [rfc3339(bin.from, zone), rfc3339(bin.until, zone)];
        let [rx, tx] = [bin.rx_bytes, bin.tx_bytes].map(|bytes| bytes.to_string());
        out.write_record(times.iter().chain([&rx, &tx]))?;
    }
    Ok(())
}

fn rows(out: &mut Writer, asked: &Asked, report: &Report, users: &Users) -> csv::Result<()> {
    let by = asked.query.by;
    let mut heading = vec!["name", "rx_bytes", "tx_bytes", "bytes", "rx_peak", "tx_peak", "estimated"];
    heading.extend_from_slice(match by {
        By::Application => &["rule", "evidence"],
        By::Process => &["pid", "uid", "user", "application"],
        By::User => &["uid"],
        By::Interface => &["apart", "explained_rx_bytes", "explained_tx_bytes"],
        By::Domain => &[],
    });
    out.write_record(&heading)?;
    report.rows.iter().try_for_each(|row| out.write_record(record(by, row, users)))
}

fn record(by: By, row: &Row, users: &Users) -> Vec<String> {
    let number = |number: u64| number.to_string();
    let known = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let uid = uid(by, row);
    let user = uid.map_or_else(String::new, |uid| cell(&users.name(uid)).into_owned());
    let amount = row.amount;
    let mut record = vec![
        if by == By::User { user.clone() } else { cell(&row.name).into_owned() },
        number(amount.rx_bytes),
        number(amount.tx_bytes),
        number(amount.bytes()),
        known(peak(amount.rx_peak, amount.rx_bytes)),
        known(peak(amount.tx_peak, amount.tx_bytes)),
        row.estimated.to_string(),
    ];
    match by {
        By::Application => {
            let all = |part: fn(&Explanation) -> &str| {
                cell(&row.explained.iter().map(part).collect::<Vec<_>>().join("; ")).into_owned()
            };
            record.extend([all(|of| of.rule.as_str()), all(|of| &of.evidence)]);
        }
        By::Process => {
            let process = row.process.clone().unwrap_or_default();
            record.extend([
                process.pid.to_string(),
                known(uid.map(u64::from)),
                user,
                cell(&process.application).into_owned(),
            ]);
        }
        By::User => record.push(known(uid.map(u64::from))),
        By::Interface => {
            let columns = row.interface.clone().unwrap_or_default();
            record.push(columns.apart.to_string());
            record.extend([columns.explained_rx_bytes, columns.explained_tx_bytes].map(number));
        }
        By::Domain => {}
    }
    record
}
