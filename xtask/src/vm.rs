//! `cargo xtask vm`: the exactness suite on other kernels, each in a virtual machine of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::run::{capture, run};
use crate::{repo, setup};

mod boot;
mod image;
mod kernels;
mod outcome;

use image::Contents;
use kernels::{KERNELS, Kernel};
use outcome::Outcome;

/// What `cargo xtask vm --help` prints.
pub const HELP: &str = "\
cargo xtask vm [VERSION…] [--filter F] [--timeout SECONDS] [--watcher-args ARGS]

Downloads Debian's cloud kernels, boots each in an emulated machine (no KVM, no root), and
runs `watcher doctor` and the exactness suite there. Prints a table. On a kernel that is too
old, watcher has to say so.

  VERSION            5.10, 6.1, 6.12, 6.18, 7.2 (default: all but 6.18)
  --filter F         only tests whose names contain F
  --timeout SECONDS  of one boot (default: 1200)
  --watcher-args ARGS  for the `watcher` that is tried: with '--without fexit' 6.1 counts by
                     kprobes

Consoles are kept in target/vm/VERSION/console.log.
";

const TRIPLE: &str = "x86_64-unknown-linux-musl";
/// What an emulated machine cannot show: the image has no nginx; 5 GiB take longer than the test waits; and where datagrams
/// come faster than the reader reads, some are dropped, which iperf3's figures do not allow for.
const SKIPPED: &[&str] = &["curl_and_nginx", "counters_go_past_4_gib", "iperf3_udp"];

struct Options {
    kernels: Vec<&'static Kernel>,
    filter: Option<String>,
    at_most: Duration,
    watcher: String,
}

/// Runs the verb.
pub fn main(args: lexopt::Parser) -> Result<()> {
    let Some(options) = options(args)? else {
        print!("{HELP}");
        return Ok(());
    };
    let missing = setup::install_packages(setup::Purpose::Vm)?;
    if !missing.is_empty() {
        bail!("could not be had: {}", missing.join(", "));
    }
    let built = build()?;
    let mut arguments: Vec<String> = SKIPPED.iter().flat_map(|name| ["--skip", name]).map(str::to_owned).collect();
    arguments.extend(options.filter);
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    for kernel in options.kernels {
        let contents = Contents { built: &built, suite: &arguments.join(" "), watcher: &options.watcher };
        let outcome =
            attempt(kernel, &contents, options.at_most).with_context(|| format!("trying Linux {}", kernel.version))?;
        if !outcome.is_good(kernel.refused) {
            bad.push(kernel.version);
        }
        rows.push((kernel.version, outcome));
    }
    print!("{}", outcome::table(&rows));
    if !bad.is_empty() {
        bail!("not good on Linux {}: see target/vm/VERSION/console.log", bad.join(", "));
    }
    Ok(())
}

fn options(mut args: lexopt::Parser) -> Result<Option<Options>> {
    let at_most = Duration::from_secs(1200);
    let mut options = Options { kernels: Vec::new(), filter: None, at_most, watcher: String::new() };
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("filter") => options.filter = Some(args.value()?.to_string_lossy().into_owned()),
            lexopt::Arg::Long("timeout") => {
                options.at_most = Duration::from_secs(args.value()?.to_string_lossy().parse()?);
            }
            lexopt::Arg::Long("watcher-args") => options.watcher = args.value()?.to_string_lossy().into_owned(),
            lexopt::Arg::Value(version) => options.kernels.push(Kernel::named(&version.to_string_lossy())?),
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    if options.kernels.is_empty() {
        options.kernels = KERNELS.iter().filter(|k| k.by_default).collect();
    }
    Ok(Some(options))
}

/// One kernel: fetched, packed, booted, understood.
fn attempt(kernel: &Kernel, contents: &Contents<'_>, at_most: Duration) -> Result<Outcome> {
    let cache = repo::target_dir().join("vm");
    let folder = cache.join(kernel.version);
    let unpacked = kernel.fetch(&cache)?;
    let initramfs = image::pack(&unpacked, contents, &folder)?;
    eprintln!("vm: booting {}", unpacked.release);
    let begun = Instant::now();
    let console = boot::boot(&unpacked, &initramfs, &folder.join("console.log"), at_most)?;
    let outcome = Outcome::of(&console);
    eprintln!("vm: {} ended after {:.0} s", unpacked.release, begun.elapsed().as_secs_f64());
    for (what, list) in [("failed", &outcome.failed), ("doctor", &outcome.problems)] {
        for line in list {
            eprintln!("  {what}: {line}");
        }
    }
    Ok(outcome)
}

/// Static executables of watcher and of the exactness suite: they run wherever a kernel does.
fn build() -> Result<Vec<PathBuf>> {
    let installed = capture(Command::new("rustup").args(["target", "list", "--installed"])).unwrap_or_default();
    if !installed.lines().any(|line| line == TRIPLE) {
        run(Command::new("rustup").args(["target", "add", TRIPLE]))?;
    }
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repo::root()).args(["build", "--target", TRIPLE, "--package", "watcher-user"]);
    cargo.args(["--bin", "watcher", "--test", "exactness"]);
    // An emulated processor is slow, and the image is copied into memory.
    cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1").env("CARGO_PROFILE_DEV_STRIP", "symbols");
    run(&mut cargo)?;
    let said = capture(cargo.args(["--quiet", "--message-format", "json"]))?;
    let built: Vec<PathBuf> = said.lines().filter_map(executable).collect();
    if built.len() != 2 {
        bail!("cargo built {} executables instead of two", built.len());
    }
    Ok(built)
}

/// The executable that a line of Cargo's JSON announces.
fn executable(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let path = Path::new(message["executable"].as_str()?);
    fs::exists(path).ok()?.then(|| path.to_path_buf())
}
