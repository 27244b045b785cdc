//! Rows: packets per second through parser and connections, on one core, from memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::super::{Plan, Row};
use crate::repo;
use crate::run::{capture, cargo, executable};

/// By criterion, of `macos-pcap/benches/engine.rs`.
const BENCH: &str = "engine";
/// Connections at once, as there.
const FLOWS: [u32; 3] = [1, 100, 10_000];
/// Least millions a second.
const LIMIT: f64 = 5.0;
const SECONDS: u64 = 10;

/// Builds it, before anybody is root.
pub fn build() -> Result<()> {
    let mut cargo = cargo();
    cargo.args(["bench", "--no-run", "--quiet", "--message-format", "json"]);
    let said = capture(cargo.args(["--package", "macos-pcap", "--bench", BENCH]))?;
    let built = said.lines().find_map(executable).context("cargo built no bench")?;
    fs::copy(&built, program()).map(drop).with_context(|| format!("cannot copy {}", built.display()))
}

/// One row for each number of connections.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let home = repo::target_dir().join("criterion");
    let mut bench = Command::new(program());
    bench
        .args(["--bench", "--noplot", "--warm-up-time", "1", "--measurement-time"])
        .arg(plan.scaled(SECONDS).to_string());
    capture(bench.env("CRITERION_HOME", &home))?;
    FLOWS.iter().map(|flows| row(&home, *flows)).collect()
}

fn row(home: &Path, flows: u32) -> Result<Row> {
    let rate = |stage: &str| {
        let path = home.join(stage).join(flows.to_string()).join("new/estimates.json");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let said: Value = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        // Nanoseconds for a round: a segment of each connection, and its acknowledgement.
        let round = said["median"]["point_estimate"].as_f64().context("criterion tells no median")?;
        Ok::<_, anyhow::Error>(2000.0 * f64::from(flows) / round)
    };
    let what = format!("packets a second and core through the engine, from memory, {flows} flows, millions");
    let note = format!("without names {:.1}; medians", rate("flows")?);
    Ok(Row::at_least(what, LIMIT, rate("engine")?, &note))
}

fn program() -> PathBuf {
    repo::target_dir().join("release/engine-bench")
}
