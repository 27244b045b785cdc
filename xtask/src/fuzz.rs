//! `cargo xtask fuzz`: libFuzzer against whatever parses bytes from the network. The targets are in `fuzz/`, a workspace
//! of its own.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::ebpf::toolchain::{PINNED_NIGHTLY, Toolchain, is_installed};
use crate::run::{run, shown};
use crate::{repo, setup};

/// What `cargo xtask fuzz --help` prints.
pub const HELP: &str = "\
cargo xtask fuzz [--seconds N] [--jobs N] [--build] [TARGET…]

Runs the fuzz targets, all of them unless some are named, and prints how many inputs each
tried. Fails on the first input that panics, takes too long or too much memory; that input
is then in artifacts/ beside the targets. What is found on the way is kept in target/fuzz.

  --seconds N  how long each target runs (default 60)
  --jobs N     how many run at once (default: as many as there are processors)
  --build      only gets what is missing and builds them
";

/// The version of cargo-fuzz that is installed where there is another or none.
const CARGO_FUZZ: &str = "0.13.2";

/// To libFuzzer none would be for ever.
const DEFAULT_SECONDS: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// What no input may exceed: its own size, seconds, and MiB of memory.
const LIMITS: [&str; 3] = ["-max_len=8192", "-timeout=5", "-rss_limit_mb=1024"];

/// Runs the verb.
pub fn main(mut args: lexopt::Parser) -> Result<()> {
    let mut seconds = DEFAULT_SECONDS;
    let mut jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut only_build = false;
    let mut wanted = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Value(target) => wanted.push(target.to_string_lossy().into_owned()),
            lexopt::Arg::Long("seconds") => seconds = args.value()?.to_string_lossy().parse().context("--seconds N")?,
            lexopt::Arg::Long("jobs") => jobs = args.value()?.to_string_lossy().parse().context("--jobs N")?,
            lexopt::Arg::Long("build") => only_build = true,
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let targets = targets()?;
    if let Some(unknown) = wanted.iter().find(|name| !targets.contains(name)) {
        bail!("there is no fuzz target `{unknown}`: there are {}", targets.join(", "));
    }
    get_tools()?;
    let chosen: Vec<_> = targets.into_iter().filter(|name| wanted.is_empty() || wanted.contains(name)).collect();
    run(&mut cargo_fuzz("build"))?;
    if only_build { Ok(()) } else { fuzz_all(chosen, seconds, jobs) }
}

/// So many at once. What each found is printed when it ends; after a first find nothing more begins.
fn fuzz_all(chosen: Vec<String>, seconds: NonZeroU32, jobs: usize) -> Result<()> {
    let count = chosen.len();
    let waiting = Mutex::new(chosen.into_iter());
    let failures = Mutex::new(Vec::new());
    let next = || {
        let is_over = !failures.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if is_over { None } else { waiting.lock().unwrap_or_else(PoisonError::into_inner).next() }
    };
    let work = || {
        while let Some(target) = next() {
            if let Err(error) = fuzz(&target, seconds) {
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{error:#}"));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, count.max(1)) {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failures.is_empty() { Ok(()) } else { bail!(failures.join("\n")) }
}

/// The targets, by the names of their files.
fn targets() -> Result<Vec<String>> {
    let sources = folder().join("fuzz_targets");
    let cannot = || format!("cannot list {}", sources.display());
    let mut targets = Vec::new();
    for entry in fs::read_dir(&sources).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        targets.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    targets.sort();
    Ok(targets)
}

fn get_tools() -> Result<()> {
    if !is_installed(PINNED_NIGHTLY) {
        eprintln!("fuzz: {PINNED_NIGHTLY} is going to be installed: coverage feedback needs a nightly");
        run(Command::new("rustup").args(["toolchain", "install", PINNED_NIGHTLY, "--profile", "minimal"]))?;
    }
    setup::get_subcommand("fuzz", CARGO_FUZZ, "it builds and runs the targets")
}

/// Runs one target, which is built.
fn fuzz(name: &str, seconds: NonZeroU32) -> Result<()> {
    let corpus = repo::target_dir().join("fuzz/corpus").join(name);
    fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    let mut command = cargo_fuzz("run");
    // New inputs go to the first folder; the second holds the committed ones.
    command.arg(name).arg(corpus).arg(folder().join("seeds").join(name)).arg("--").args(LIMITS);
    command.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1").stdin(Stdio::null());
    let output = command.output().with_context(|| format!("cannot start `{}`", shown(&command)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("the fuzz target {name} found something ({}):\n{}", output.status, last_lines(&said, 60));
    }
    let executions = executions(&said).with_context(|| format!("libFuzzer did not say what it did:\n{said}"))?;
    println!("{name:<14} {executions:>12} inputs in {seconds} s, nothing found");
    Ok(())
}

/// All targets, unless one is named after it.
fn cargo_fuzz(verb: &str) -> Command {
    let nightly = Toolchain::Rustup { name: PINNED_NIGHTLY.to_owned(), bootstrap: false };
    let mut command = nightly.command("cargo");
    command.args(["fuzz", verb, "--fuzz-dir"]).arg(folder()).arg("--target-dir").arg(build_dir(&repo::target_dir()));
    command
}

fn folder() -> PathBuf {
    repo::root().join("fuzz")
}

fn build_dir(target: &Path) -> PathBuf {
    target.join("fuzz/build")
}

/// The count in libFuzzer's final statistics.
fn executions(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?.trim().parse().ok()
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::{executions, folder, last_lines, targets};

    #[test]
    fn the_statistics_of_libfuzzer_are_read() {
        let said = "Done 5 runs in 1 second(s)\nstat::number_of_executed_units: 262144\nstat::new_units_added: 3\n";
        assert_eq!(executions(said), Some(262_144));
        assert_eq!(executions("cannot start"), None);
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
    }

    #[test]
    fn every_target_has_seeds() {
        let targets = targets().unwrap();
        assert!(targets.len() >= 10, "{targets:?}");
        for target in &targets {
            assert!(folder().join("seeds").join(target).is_dir(), "{target}");
        }
    }
}
