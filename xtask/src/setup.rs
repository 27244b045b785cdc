//! `cargo xtask setup`: gets what a machine lacks. It says what and why first, and does nothing where nothing is missing.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

pub mod apt;
mod bpf;
mod needs;

use needs::PACKAGES;
pub use needs::Purpose;

use crate::run::{capture, cargo, run};

/// What `cargo xtask setup --help` prints.
pub const HELP: &str = "\
cargo xtask setup [--for top|build|test|bench|soak|vm|dist|all] [--dry-run]

Installs what the named purpose needs and this machine lacks (default: all), through
apt (with sudo unless root), rustup and cargo install. Says what and why before it does.

  top    run watcher (with the committed eBPF object)
  build  rebuild the eBPF object from source
  test   everything that `cargo xtask test` uses, build included
  bench  everything that `cargo xtask bench` uses
  soak   everything that `cargo xtask soak` uses
  vm     everything that `cargo xtask vm` uses
  dist   everything that `cargo xtask dist` uses but cargo-deb, which that gets itself
";

/// Runs the verb.
pub fn main(mut args: lexopt::Parser) -> Result<()> {
    let mut purpose = Purpose::All;
    let mut dry_run = false;
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("for") => purpose = args.value()?.to_string_lossy().parse()?,
            lexopt::Arg::Long("dry-run") => dry_run = true,
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if dry_run {
        announce(&missing_packages(purpose));
        return if purpose.includes(Purpose::Build) { bpf::announce() } else { Ok(()) };
    }
    let missing = install_packages(purpose)?;
    let toolchain = if purpose.includes(Purpose::Build) { bpf::install() } else { Ok(()) };
    match (missing.is_empty(), toolchain) {
        (true, Ok(())) => {
            eprintln!("setup: everything that `{purpose}` needs is here");
            Ok(())
        }
        (false, _) => bail!("could not be had: {}", missing.join(", ")),
        (true, Err(error)) => Err(error),
    }
}

/// Installs the packages that are missing for `purpose`; returns those that could not be had.
pub fn install_packages(purpose: Purpose) -> Result<Vec<String>> {
    let missing = missing_packages(purpose);
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    announce(&missing);
    let names: BTreeSet<&str> = missing.iter().map(|package| package.name).collect();
    apt::install(&names.into_iter().collect::<Vec<_>>())?;
    Ok(missing_packages(purpose).into_iter().map(|package| package.name.to_owned()).collect())
}

/// Builds a tool with Cargo, as quickly as that goes: it is used for seconds, and building it takes minutes. Features and
/// variables can be added.
pub fn cargo_install(name: &str, version: &str) -> Command {
    let mut cargo = cargo();
    cargo.args(["install", name, "--version", version, "--locked", "--quiet"]);
    for (option, value) in [("OPT_LEVEL", "1"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "none")] {
        cargo.env(format!("CARGO_PROFILE_RELEASE_{option}"), value);
    }
    cargo
}

/// Builds what runs as `cargo NAME`, unless this version of it is here. `why` tells who waits what it does.
pub fn get_subcommand(name: &str, version: &str, why: &str) -> Result<()> {
    let said = capture(cargo().args([name, "--version"]));
    if said.is_ok_and(|said| said.split_whitespace().last() == Some(version)) {
        return Ok(());
    }
    let package = format!("cargo-{name}");
    eprintln!("{name}: {package} {version} is going to be installed: {why}");
    run(&mut cargo_install(&package, version)).with_context(|| format!("{package} could not be installed"))
}

/// Makes sure that the eBPF object can be built here.
pub fn install_bpf_toolchain() -> Result<()> {
    bpf::install()
}

fn missing_packages(purpose: Purpose) -> Vec<&'static needs::Package> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    PACKAGES.iter().filter(|package| package.needed_for(purpose) && !package.is_here()).collect()
}

fn announce(missing: &[&needs::Package]) {
    if !missing.is_empty() {
        eprintln!("setup: apt is going to install");
    }
    for package in missing {
        eprintln!("  {:<16} {}", package.name, package.why);
    }
}
