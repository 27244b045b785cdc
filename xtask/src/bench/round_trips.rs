//! Row: the rate of one-byte requests and responses over TCP.

use anyhow::Result;

use super::actors::Actor;
use super::alternate::compare;
use super::table::Row;
use super::{Plan, ratio};

/// With watcher and without, alternately.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let milliseconds = plan.scaled(4000).max(500).to_string();
    let measured = compare(&plan.subject, plan.pairs, || {
        let server = Actor::start(&["pong"])?;
        let mut client = Actor::start(&["ping", &server.ready, &milliseconds])?;
        client.go()?;
        let [round_trips, microseconds] = client.numbers()?;
        Ok(ratio(round_trips, microseconds) * 1e6)
    })?;
    let note = format!(
        "{:.0} of {:.0} a second; pairs {:.3} to {:.3}",
        measured.with, measured.without, measured.spread.0, measured.spread.1
    );
    Ok(vec![Row::at_least("1-byte TCP request-response rate, with / without", 0.95, measured.ratio, &note)])
}
