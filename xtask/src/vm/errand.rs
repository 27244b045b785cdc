//! A machine that runs one of bench's actors instead of the suite: what measures here measures there, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::arch::Arch;
use super::boot::{Clock, Machine};
use super::image::{self, Contents};
use super::kernels::Kernel;
use super::variants::Variant;
use crate::repo;

/// What a machine is for.
pub struct Errand<'a> {
    /// Its folder below the machine's.
    pub name: &'a str,
    /// The actor and its words; no quotes. Programs lie in /bin.
    pub actor: &'a str,
    /// The watcher that is tried.
    pub watcher: PathBuf,
    /// What else it needs.
    pub programs: Vec<PathBuf>,
    pub processors: u32,
    pub clock: Clock,
}

fn folder(variant: &Variant, errand: &str) -> PathBuf {
    repo::target_dir().join("vm").join(variant.name).join(errand)
}

/// Gets the kernel and packs the image.
pub fn prepare(variant: &Variant, errand: Errand<'_>) -> Result<Machine> {
    let kernel = Kernel::named(variant.kernel)?;
    if kernel.arch != Arch::HOST {
        bail!("{}: what measures is built for this machine's architecture only", variant.name);
    }
    let kernel = kernel.fetch(&repo::target_dir().join("vm"))?;
    let folder = folder(variant, errand.name);
    fs::create_dir_all(&folder)?;
    // Whatever it is called here.
    let watcher = folder.join("watcher");
    image::copy(&errand.watcher, &watcher)?;
    let own = std::env::current_exe().context("cannot tell where xtask itself lies")?;
    let built = [vec![watcher, own], errand.programs].concat();
    let settings = format!("ACTOR='{}'\n", errand.actor);
    let initramfs = image::pack(&kernel, &Contents { built: &built, settings: &settings, foreign: None }, &folder)?;
    let Errand { processors, clock, .. } = errand;
    Ok(Machine { kernel, initramfs, processors, clock, log: folder.join("console.log") })
}

/// Boots it, and returns what its console said; an error unless it came to its end.
pub fn run(machine: &Machine, first: &str, at_most: Duration, seen: impl FnMut(&str)) -> Result<String> {
    machine.boot(first, at_most, seen)?;
    whole(&machine.log)
}

/// What the console said the last time.
pub fn earlier(variant: &Variant, errand: &str) -> Result<String> {
    whole(&folder(variant, errand).join("console.log"))
}

fn whole(log: &Path) -> Result<String> {
    let text = fs::read(log).with_context(|| format!("cannot read {}", log.display()))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    if let Some(why) = text.lines().find_map(|line| line.strip_prefix("error: ")) {
        bail!("{}", why.trim_end());
    }
    if !text.lines().any(|line| line.starts_with("@@end")) {
        bail!("the machine did not come to its end: see {}", log.display());
    }
    Ok(text)
}
