//! Rows: packets per second through parser and connections, on one core, from memory.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::super::{Plan, Row};
use crate::repo;
use crate::run::capture;

const PACKETS: u64 = 20_000_000;

/// What `macos-pcap/examples/throughput.rs` says of its own thread's time on a processor.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let program = repo::target_dir().join("release/examples/throughput");
    let said = capture(Command::new(program).arg(plan.scaled(PACKETS).to_string()))?;
    let lines: Vec<Value> = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context("the example printed something that is not JSON")?;
    let figure = |line: &Value, key: &str| line[key].as_u64().with_context(|| format!("the example tells no {key}"));
    let mut rows = Vec::new();
    for line in lines.iter().filter(|line| line["stage"] == "engine") {
        let flows = figure(line, "flows")?;
        let bare = lines.iter().find(|other| other["stage"] == "flows" && other["flows"] == flows);
        let bare = figure(bare.context("the example left something out")?, "packets_per_second")?;
        let millions = |rate: u64| super::super::ratio(rate, 1_000_000);
        let note = format!("without names {:.1}; {} packets", millions(bare), figure(line, "packets")?);
        let what = format!("packets a second and core through the engine, from memory, {flows} flows, millions");
        rows.push(Row::at_least(what, 5.0, millions(figure(line, "packets_per_second")?), &note));
    }
    anyhow::ensure!(!rows.is_empty(), "the example told nothing of the engine");
    Ok(rows)
}
