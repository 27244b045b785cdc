//! `watcher doctor`: what works on this machine, what does not, why, and what to do.

mod facts;
mod interfaces;
mod render;
mod self_test;

use std::io::Write as _;

use serde::Serialize;
use watcher_core::{DegradationReason, Source as _};

use self::{facts::Facts, interfaces::InterfaceReport, self_test::SelfTest};
use super::load::Outcome;
use crate::{cli::CollectorArgs, collector};

/// The verifier gives up at a million; a program that comes near a twentieth of it has become too clever.
const INSTRUCTION_BUDGET: u32 = 50_000;

/// Everything that `doctor` found. The field names of its JSON are stable.
#[derive(Debug, Serialize)]
pub struct Report {
    version: &'static str,
    facts: Facts,
    backend: Option<String>,
    grade: Option<String>,
    capabilities: Vec<CapabilityReport>,
    /// What is not as good as it could be.
    degraded: Vec<DegradationReason>,
    self_test: Option<SelfTest>,
    /// Which interfaces are in the total, and why the others are not.
    interfaces: Vec<InterfaceReport>,
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct CapabilityReport {
    name: &'static str,
    way: Option<&'static str>,
    without: Option<&'static str>,
    refused: Vec<Refusal>,
    programs: Vec<ProgramReport>,
}

#[derive(Debug, Serialize)]
struct Refusal {
    what: &'static str,
    why: String,
}

#[derive(Debug, Serialize)]
struct ProgramReport {
    name: &'static str,
    verified_instructions: Option<u32>,
    within_budget: Option<bool>,
}

/// Looks, tries, and writes what it found. Returns whether all is well.
///
/// # Errors
/// When standard output cannot be written.
pub async fn run(args: &CollectorArgs, json: bool, verbose: bool) -> anyhow::Result<bool> {
    let report = examine(args).await;
    let mut out = std::io::stdout().lock();
    if json {
        watcher_core::json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        render::write(&mut out, &report, verbose)?;
    }
    Ok(report.problems.is_empty())
}

async fn examine(args: &CollectorArgs) -> Report {
    let facts = Facts::gather();
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        problems: facts.problems(),
        facts,
        backend: None,
        grade: None,
        capabilities: Vec::new(),
        degraded: Vec::new(),
        self_test: None,
        interfaces: Vec::new(),
    };
    match interfaces::examine() {
        Ok(interfaces) => report.interfaces = interfaces,
        Err(e) => report.problems.push(crate::text::with_causes(&e)),
    }
    match collector::open(args, true) {
        Ok(mut source) => {
            report.capabilities = source.outcomes().iter().map(capability).collect();
            match self_test::run(&mut source).await {
                Ok(test) => {
                    report.problems.extend(test.problem());
                    report.self_test = Some(test);
                }
                Err(e) => report.problems.push(format!("the self-test could not run: {e:#}")),
            }
            // As of now: packets have come by.
            let quality = source.quality();
            report.backend = Some(quality.backend.to_string());
            report.grade = Some(quality.grade.to_string());
            report.degraded.clone_from(&quality.degraded);
            let refused = quality.degraded.iter().filter(|lost| lost.capability == "ebpf");
            report
                .problems
                .extend(refused.map(|lost| format!("packets are counted, as eBPF is refused: {}", lost.why)));
        }
        Err(e) => report.problems.push(format!("the collector does not start: {e:#}")),
    }
    for capability in &report.capabilities {
        if let (None, Some(without)) = (capability.way, capability.without) {
            report.problems.push(format!("no {}: {without}", capability.name));
        }
        for program in capability.programs.iter().filter(|p| p.within_budget == Some(false)) {
            report.problems.push(format!("{} is over the verifier budget of {INSTRUCTION_BUDGET}", program.name));
        }
    }
    report
}

fn capability(outcome: &Outcome) -> CapabilityReport {
    let program = |(name, verified_instructions): &(&'static str, Option<u32>)| ProgramReport {
        name,
        verified_instructions: *verified_instructions,
        within_budget: verified_instructions.map(|n| n <= INSTRUCTION_BUDGET),
    };
    CapabilityReport {
        name: outcome.capability.name,
        way: outcome.way.map(|way| way.name),
        without: outcome.capability.without,
        refused: outcome.refused.iter().map(|(what, why)| Refusal { what, why: why.clone() }).collect(),
        programs: outcome.programs.iter().map(program).collect(),
    }
}
