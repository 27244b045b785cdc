//! `--json`: one object. docs/stats.md names every field.

use std::rc::Rc;

use serde::Serialize;
use watcher_core::history::{Amount, Bin, Explanation, Level, Report, Row};

use super::{Asked, by_name, parts::Parts, peak, rfc3339, sort_name, step_name, uid};
use crate::users::Users;

#[derive(Serialize)]
struct Object<'a> {
    period: &'static str,
    from: Option<String>,
    until: Option<String>,
    time_zone: Option<&'a str>,
    by: &'static str,
    sort: &'static str,
    application: Option<&'a str>,
    domain: Option<&'a str>,
    uid: Option<u32>,
    include_loopback: bool,
    total: Amounts,
    estimated: bool,
    kept_by: Option<&'static str>,
    rows: Vec<RowObject<'a>>,
    more: u64,
    step: Option<&'static str>,
    bins: Option<Vec<Part>>,
}

#[derive(Serialize)]
struct Amounts {
    rx_bytes: u64,
    tx_bytes: u64,
    bytes: u64,
    rx_peak: Option<u64>,
    tx_peak: Option<u64>,
}

#[derive(Serialize)]
struct RowObject<'a> {
    name: Rc<str>,
    #[serde(flatten)]
    amounts: Amounts,
    estimated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Rc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    explained: &'a [Explanation],
    #[serde(skip_serializing_if = "Option::is_none")]
    apart: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained_rx_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained_tx_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Part {
    from: String,
    until: String,
    rx_bytes: u64,
    tx_bytes: u64,
}

/// The object, and the end of its line.
pub fn write(asked: &Asked, report: &Report, users: &Users) -> anyhow::Result<String> {
    let zone = asked.now.time_zone();
    let parts = Parts::of(asked, report)?;
    let bins = asked.query.step.map(|_| parts.map_or_else(Vec::new, |parts| parts.bins));
    let (query, choice) = (&asked.query, &asked.query.choice);
    let part = |bin: &Bin| Part {
        from: rfc3339(bin.from, zone),
        until: rfc3339(bin.until, zone),
        rx_bytes: bin.rx_bytes,
        tx_bytes: bin.tx_bytes,
    };
    let object = Object {
        period: asked.period.name(),
        from: report.span.map(|span| rfc3339(span.from, zone)),
        until: report.span.map(|span| rfc3339(span.until, zone)),
        time_zone: zone.iana_name(),
        by: by_name(query.by),
        sort: sort_name(query.sort),
        application: choice.application.as_deref(),
        domain: choice.domain.as_deref(),
        uid: choice.user,
        include_loopback: choice.include_loopback,
        total: amounts(&report.total),
        estimated: report.estimated,
        kept_by: report.coarse.map(level),
        rows: report.rows.iter().map(|row| row_object(asked, row, users)).collect(),
        more: report.more,
        step: query.step.map(step_name),
        bins: bins.map(|bins| bins.iter().map(part).collect()),
    };
    Ok(watcher_core::json::to_string(&object)? + "\n")
}

fn row_object<'a>(asked: &Asked, row: &'a Row, users: &Users) -> RowObject<'a> {
    let uid = uid(asked.query.by, row);
    let user = uid.map(|uid| users.name(uid));
    let process = row.process.as_ref();
    let interface = row.interface.as_ref();
    let is_user = asked.query.by == watcher_core::history::By::User;
    RowObject {
        name: user.clone().filter(|_| is_user).unwrap_or_else(|| row.name.as_str().into()),
        amounts: amounts(&row.amount),
        estimated: row.estimated,
        pid: process.map(|process| process.pid),
        uid,
        user,
        application: process.map(|process| process.application.as_str()),
        explained: &row.explained,
        apart: interface.map(|columns| columns.apart),
        explained_rx_bytes: interface.map(|columns| columns.explained_rx_bytes),
        explained_tx_bytes: interface.map(|columns| columns.explained_tx_bytes),
    }
}

fn amounts(amount: &Amount) -> Amounts {
    Amounts {
        rx_bytes: amount.rx_bytes,
        tx_bytes: amount.tx_bytes,
        bytes: amount.bytes(),
        rx_peak: peak(amount.rx_peak, amount.rx_bytes),
        tx_peak: peak(amount.tx_peak, amount.tx_bytes),
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Open | Level::Minute => "minute",
        Level::Hour => "hour",
        Level::Day => "day",
    }
}
