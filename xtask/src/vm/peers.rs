//! `cargo xtask vm --peers`: watcher and programs that need kprobes beside the same traffic, where there are kprobes.

use std::path::{Path, PathBuf};
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

const NAME: &str = "peers";

/// What is asked for.
pub struct Asked {
    /// Nothing is booted: what came out the last time.
    pub read: bool,
    /// A page is made of it.
    pub write: bool,
}

/// Boots the machine, and prints what came out.
pub fn measure(program: Option<PathBuf>, asked: &Asked) -> Result<()> {
    let watcher = match program {
        Some(program) => program,
        None => bench::build_watcher()?,
    };
    let variant = Variant::named(MACHINE)?;
    let console = if asked.read { errand::earlier(variant, NAME)? } else { boot(variant, &watcher)? };
    emulated::report(&console, &emulated::plan(watcher), asked.write)
}

fn boot(variant: &Variant, watcher: &Path) -> Result<String> {
    let missing = setup::install_packages(setup::Purpose::Vm)?;
    if !missing.is_empty() {
        bail!("could not be had: {}", missing.join(", "));
    }
    peers::install(emulated::contestants());
    let errand = Errand {
        name: NAME,
        actor: "peers /bin/watcher",
        watcher: watcher.to_path_buf(),
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
    Ok(console)
}
