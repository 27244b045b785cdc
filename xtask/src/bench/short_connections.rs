//! Rows: connections opened and closed as fast as they go: all of them in the record, no byte off, and how much slower.

use anyhow::{Context as _, Result};

use super::actors::Actor;
use super::alternate::compare;
use super::subject::Watcher;
use super::table::Row;
use super::{Plan, ratio};

const CONNECTIONS: u64 = 200_000;

/// What the two ends counted themselves.
struct Burst {
    server: Actor,
    client: Actor,
    sent: u64,
    received: u64,
}

/// The record first, then the rate with watcher and without, alternately.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let connections = plan.scaled(CONNECTIONS);
    let mut rows = record(plan, connections)?;
    let measured = compare(&plan.subject, plan.pairs, || {
        let mut actor = Actor::start(&["churn", &connections.to_string()])?;
        actor.go()?;
        let [microseconds] = actor.numbers()?;
        Ok(ratio(connections, microseconds) * 1e6)
    })?;
    let note = format!(
        "{:.0} of {:.0} a second; pairs {:.3} to {:.3}",
        measured.with, measured.without, measured.spread.0, measured.spread.1
    );
    let what = format!("rate of {connections} short connections, with / without");
    rows.push(Row::at_least(what, 0.75, measured.ratio, &note));
    Ok(rows)
}

fn record(plan: &Plan, connections: u64) -> Result<Vec<Row>> {
    let watcher = Watcher::start(&plan.subject)?;
    let before = watcher.after_lines(1)?;
    let burst = burst(connections)?;
    // The last connections may be in the line after the next one.
    let after = watcher.after_lines(3)?;
    watcher.stop()?;
    let counted = |name: &str| {
        let figure = |totals: &serde_json::Value| totals["connections"][name].as_u64();
        let before = figure(&before.totals).unwrap_or(0);
        figure(&after.totals).map(|after| after - before).with_context(|| format!("no totals.connections.{name}"))
    };
    let (opened, closed) = (counted("opened")?, counted("closed")?);
    // Both ends live on this machine, so each connection is two sockets.
    let expected = 2 * connections;
    let off = |pid: u32, rx: u64, tx: u64| {
        let (watched_rx, watched_tx) = after.processes.get(&pid).copied().unwrap_or_default();
        watched_rx.abs_diff(rx) + watched_tx.abs_diff(tx)
    };
    let bytes_off = off(burst.client.pid(), 0, burst.sent) + off(burst.server.pid(), burst.received, 0);
    Ok(vec![
        Row::must(
            format!("{connections} short connections, both ends in the record"),
            opened == expected && closed == expected,
            format!("{opened} opened, {closed} closed of {expected}"),
        ),
        Row::must(
            "bytes of those connections, watcher and the processes' own count",
            bytes_off == 0,
            format!("{bytes_off} of {} off", burst.sent + burst.received),
        ),
    ])
}

/// Both processes are alive when this returns: their figures can still be read.
fn burst(connections: u64) -> Result<Burst> {
    let count = connections.to_string();
    let mut server = Actor::start(&["accept", &count])?;
    let mut client = Actor::start(&["connect", &server.ready, &count])?;
    client.go()?;
    let [sent] = client.numbers()?;
    let [received] = server.numbers()?;
    Ok(Burst { server, client, sent, received })
}
