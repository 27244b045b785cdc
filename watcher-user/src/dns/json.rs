//! `--json`: one object per query and line. docs/dns.md names every field.

use std::net::SocketAddr;

use serde::Serialize;
use watcher_core::names::{Carrier, NoAnswer};

use crate::{agent::Lookup, clock::WallClock};

#[derive(Serialize)]
struct Object<'a> {
    number: u64,
    asked_at: String,
    pid: u32,
    name: &'a str,
    command: &'a str,
    uid: u32,
    query: &'a str,
    r#type: &'a str,
    server: SocketAddr,
    transport: Carrier,
    tries: u32,
    rcode: Option<&'a str>,
    failure: Option<NoAnswer>,
    answers: &'a [Box<str>],
    alias: Option<&'a str>,
    truncated: bool,
    latency_ms: Option<f64>,
}

/// One line.
pub fn line(row: &Lookup, clock: WallClock) -> String {
    let query = &*row.query;
    let object = Object {
        number: query.number,
        asked_at: format!("{:.3}", clock.at(query.at)),
        pid: query.process.tgid,
        name: &row.process.name,
        command: &row.process.command,
        uid: row.process.uid,
        query: &query.name,
        r#type: &query.kind,
        server: query.server,
        transport: query.transport,
        tries: query.tries,
        rcode: query.rcode.as_deref(),
        failure: query.failure,
        answers: &query.answers,
        alias: query.alias.as_deref(),
        truncated: query.truncated,
        latency_ms: query.latency.map(|latency| (latency.as_secs_f64() * 1e6).round() / 1e3),
    };
    let mut line = watcher_core::json::to_string(&object).expect("numbers and text can be written as JSON");
    line.push('\n');
    line
}
