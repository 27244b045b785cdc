//! Rows: a year of a busy desktop in the history: how large, how long a write takes, how long an answer; and how long it takes
//! to take over what netmon kept.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Plan;
use super::stats::median;
use super::table::Row;
use crate::repo;
use crate::run::run;

/// The example that writes it, as a daemon does.
const WRITER: &str = "history_year";
/// The example that writes what netmon kept.
const NETMON: &str = "netmon_days";

/// What the year became.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let folder = Folder::new()?;
    let file = folder.0.join("history.db");
    // The shorter time still has all levels, but not all of their rows.
    let days = if plan.quick { 40 } else { 365 };
    let year = write(WRITER, &file, days)?;
    let number = |key: &str| year[key].as_f64().with_context(|| format!("{WRITER} says nothing of {key}"));
    let what = format!("a {days}-day desktop's history (200 applications, 2,000 domains)");
    let upkeep = format!(
        "median {:.2} ms, longest {:.1} ms; a step of upkeep: median {:.2} ms, 99 % {:.1} ms, longest {:.0} ms",
        number("write_ms")?,
        number("write_most_ms")?,
        number("step_ms")?,
        number("step_99_ms")?,
        number("step_most_ms")?
    );
    let mut rows = vec![
        Row::at_most(what, 100.0, number("mib")?, "MiB", ""),
        Row::at_most("a write into it, 99 of 100", 10.0, number("write_99_ms")?, "ms", &upkeep),
    ];
    for words in [&["month"][..], &["domains", "month"], &["all"]] {
        let calls = (0..plan.pairs.max(3) * 4).map(|_| ask(plan, &file, words)).collect::<Result<Vec<f64>>>()?;
        let slowest = calls.iter().copied().fold(0.0, f64::max);
        let note = format!("slowest of {}: {slowest:.0} ms", calls.len());
        rows.push(Row::at_most(
            format!("`watcher stats {}` of it", words.join(" ")),
            100.0,
            median(&calls),
            "ms",
            &note,
        ));
    }
    rows.push(taken_over(plan, &folder.0)?);
    Ok(rows)
}

fn taken_over(plan: &Plan, folder: &Path) -> Result<Row> {
    let netmon = folder.join("netmon.db");
    let days = if plan.quick { 1 } else { 10 };
    let rows =
        write(NETMON, &netmon, days)?["rows"].as_f64().with_context(|| format!("{NETMON} says nothing of rows"))?;
    let mut command = Command::new(&plan.subject.program);
    command.arg("import").arg(&netmon).arg("--db").arg(folder.join("imported.db")).stdin(Stdio::null());
    let begun = Instant::now();
    let out = command.output().context("cannot start watcher")?;
    let seconds = begun.elapsed().as_secs_f64();
    if !out.status.success() {
        bail!("`watcher import` ended with {}: {}", out.status, String::from_utf8_lossy(&out.stderr));
    }
    let what = format!("`watcher import` of {days} days of netmon");
    let note =
        format!("{:.1} million rows, {:.0} MiB", rows / 1e6, std::fs::metadata(&netmon)?.len() as f64 / 1_048_576.0);
    Ok(Row::at_most(what, f64::from(days) * 3.0, seconds, "s", &note))
}

fn write(writer: &str, file: &Path, days: u32) -> Result<Value> {
    let root = repo::root();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--package", "watcher-user", "--example", writer]).current_dir(&root);
    run(&mut build)?;
    let mut command = Command::new(root.join("target/release/examples").join(writer));
    let out = command.arg(file).arg(days.to_string()).stderr(Stdio::inherit()).output();
    let out = out.with_context(|| format!("cannot start {writer}"))?;
    if !out.status.success() {
        bail!("{writer} ended with {}", out.status);
    }
    serde_json::from_slice(&out.stdout).with_context(|| format!("{writer} prints no JSON"))
}

/// Milliseconds.
fn ask(plan: &Plan, file: &Path, words: &[&str]) -> Result<f64> {
    let mut command = Command::new(&plan.subject.program);
    command.arg("stats").args(words).arg("--db").arg(file).stdin(Stdio::null()).stdout(Stdio::null());
    let begun = Instant::now();
    let status = command.status().context("cannot start watcher")?;
    let took = begun.elapsed().as_secs_f64() * 1e3;
    if !status.success() {
        bail!("`watcher stats` ended with {status}");
    }
    Ok(took)
}

/// A folder, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("watcher-bench-history-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
