//! Rows: the collector of packets: its parser from memory, its memory, and what it sees of a million datagrams a second.

use anyhow::Result;

use super::Plan;
use super::table::Row;

mod engine;
mod live;
mod memory;

pub use engine::build;

/// From memory first: what is live depends on that.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let mut rows = engine::rows(plan)?;
    rows.push(memory::row(plan)?);
    rows.extend(live::rows(plan)?);
    Ok(rows)
}
