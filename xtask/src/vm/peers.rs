//! `cargo xtask vm --peers`: watcher and programs that need kprobes beside the same traffic, where there are kprobes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::boot::Clock;
use super::errand::{self, Errand};
use super::variants::Variant;
use crate::bench::peers::{self, emulated};
use crate::{bench, setup};

/// What has kprobes, and BPF trampolines for watcher.
const MACHINE: &str = "6.1";
const AT_MOST: Duration = Duration::from_secs(1800);

/// Boots it, and prints what came out; `write` makes a page of that.
pub fn measure(program: Option<PathBuf>, write: bool) -> Result<()> {
    let variant = Variant::named(MACHINE)?;
    let missing = setup::install_packages(setup::Purpose::Vm)?;
    if !missing.is_empty() {
        bail!("could not be had: {}", missing.join(", "));
    }
    peers::install(emulated::contestants());
    let watcher = match program {
        Some(program) => program,
        None => bench::build_watcher()?,
    };
    let errand = Errand {
        name: "peers",
        actor: "peers /bin/watcher",
        watcher: watcher.clone(),
        programs: emulated::contestants().filter_map(peers::Contestant::find).collect(),
        processors: variant.processors,
        clock: Clock::Real,
    };
    let machine = errand::prepare(variant, errand)?;
    eprintln!("vm: {}: booting {}", variant.name, machine.kernel.release);
    let begun = Instant::now();
    let told = |line: &str| {
        if line.starts_with("  ") {
            eprintln!("{line}");
        }
    };
    let console = errand::run(&machine, "@@peers", AT_MOST, told)?;
    eprintln!("vm: {}: ended after {:.0} s", variant.name, begun.elapsed().as_secs_f64());
    emulated::report(&console, &emulated::plan(watcher), write)
}
