//! `watcher doctor`: what works on this machine, and why not more.

use std::io::Write as _;

use serde::Serialize;
use watcher_core::{Quality, Source};

use crate::{cli::DoctorArgs, text::printable};

#[derive(Debug, Serialize)]
struct Report<'a> {
    backend: &'a str,
    grade: String,
    exact: bool,
    degraded: Vec<Degraded<'a>>,
}

#[derive(Debug, Serialize)]
struct Degraded<'a> {
    capability: &'a str,
    why: &'a str,
}

/// Writes what `source` says of itself.
///
/// # Errors
/// Standard output cannot be written.
#[expect(clippy::needless_pass_by_value, reason = "the source ends with the report")]
pub fn report<S: Source>(source: S, args: &DoctorArgs) -> anyhow::Result<()> {
    let report = Report::new(source.quality());
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "backend  {}\ngrade    {}", report.backend, report.grade)?;
    for one in &report.degraded {
        writeln!(out, "degraded {}: {}", printable(one.capability), printable(one.why))?;
    }
    Ok(())
}

impl<'a> Report<'a> {
    fn new(quality: &'a Quality) -> Self {
        let degraded = quality.degraded.iter();
        Self {
            backend: quality.backend,
            grade: quality.grade.to_string(),
            exact: quality.is_exact(),
            degraded: degraded.map(|d| Degraded { capability: &d.capability, why: &d.why }).collect(),
        }
    }
}
