//! The report for people.

use std::io::{self, Write};

use super::{CapabilityReport, INSTRUCTION_BUDGET, Report};
use crate::text::printable;

/// Writes the report. `verbose` adds every program with the instructions that the verifier processed.
pub fn write(out: &mut impl Write, report: &Report, verbose: bool) -> io::Result<()> {
    facts(out, report)?;
    if !report.capabilities.is_empty() {
        writeln!(out, "\ncapabilities")?;
    }
    for capability in &report.capabilities {
        one(out, capability, verbose)?;
    }
    if report.backend.as_deref() == Some("pcap") {
        writeln!(out, "\nlost with packets, beside exactness")?;
        for lost in &report.degraded {
            writeln!(out, "  {:<18} {}", lost.capability, printable(&lost.why))?;
        }
    }
    if let Some(test) = &report.self_test {
        let verdict = if test.exact { "exact" } else { "NOT exact" };
        writeln!(
            out,
            "\nself-test        moved {} bytes over loopback; counted {} sent, {} received; {verdict}",
            test.moved_bytes, test.counted_tx_bytes, test.counted_rx_bytes
        )?;
        let truth = &test.truth;
        writeln!(
            out,
            "truth            {} TCP sockets that ended checked against the kernel's counters, {} unbalanced; \
             unattributed {} bytes sent, {} received",
            truth.sockets_checked, truth.sockets_unbalanced, truth.unattributed_tx_bytes, truth.unattributed_rx_bytes
        )?;
    }
    super::interfaces::write(out, &report.interfaces)?;
    writeln!(out)?;
    if report.problems.is_empty() {
        return writeln!(out, "all is well");
    }
    for problem in &report.problems {
        writeln!(out, "problem: {}", printable(problem))?;
    }
    Ok(())
}

fn facts(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let facts = &report.facts;
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let yes = |is: bool| if is { "yes" } else { "no" };
    writeln!(out, "watcher          {}", report.version)?;
    writeln!(out, "kernel           {} ({})", printable(&facts.kernel), facts.machine)?;
    writeln!(out, "BTF              {}", yes(facts.btf))?;
    let lockdown = facts.lockdown.as_deref().unwrap_or("unknown (securityfs is not mounted)");
    writeln!(out, "lockdown         {}", printable(lockdown))?;
    let privilege = match (facts.missing_capabilities.is_empty(), facts.root) {
        (true, true) => "root".to_owned(),
        (true, false) => "capabilities suffice".to_owned(),
        (false, _) => format!("missing {}", facts.missing_capabilities.join(", ")),
    };
    writeln!(out, "privilege        {privilege}")?;
    writeln!(out, "cgroup v2        {}", or_none(&facts.cgroup2))?;
    writeln!(out, "/proc hidepid    {}", or_none(&facts.proc_hidepid))?;
    match (&report.backend, &report.grade) {
        (Some(backend), Some(grade)) => writeln!(out, "backend          {backend}, owner of a byte by {grade}"),
        _ => writeln!(out, "backend          none"),
    }
}

fn one(out: &mut impl Write, capability: &CapabilityReport, verbose: bool) -> io::Result<()> {
    writeln!(out, "  {:<18} {}", capability.name, capability.way.unwrap_or("-"))?;
    for refusal in &capability.refused {
        writeln!(out, "  {:<18}   not {}: {}", "", refusal.what, printable(&refusal.why))?;
    }
    if capability.way.is_none()
        && let Some(without) = capability.without
    {
        writeln!(out, "  {:<18}   so {without}", "")?;
    }
    if !verbose {
        return Ok(());
    }
    for program in &capability.programs {
        match program.verified_instructions {
            Some(n) => {
                let share = f64::from(n) * 100.0 / f64::from(INSTRUCTION_BUDGET);
                writeln!(
                    out,
                    "  {:<18}   {:<30} {n:>6} instructions verified, {share:.0} % of the budget",
                    "", program.name
                )?;
            }
            None => writeln!(out, "  {:<18}   {:<30} this kernel does not tell what it verified", "", program.name)?,
        }
    }
    Ok(())
}
