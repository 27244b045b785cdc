//! `cargo xtask deny`: whether the crates that watcher is built with are what `deny.toml` allows.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::run::{cargo, run};
use crate::setup;

/// What `cargo xtask deny --help` prints.
pub const HELP: &str = "\
cargo xtask deny

Checks the crates of both workspaces, that of watcher and that of the eBPF programs, against
deny.toml with cargo-deny: licences, sources, versions, advisories. Where the database of
advisories cannot be had within two minutes, it says so and has checked the rest.
";

/// The version of cargo-deny that is installed where there is another or none.
const CARGO_DENY: &str = "0.20.2";
/// Each workspace, and what it may leave unused of deny.toml: the programs need fewer exceptions than watcher, for which an
/// exception that nobody needs any more is a fault.
const WORKSPACES: [(&str, &[&str]); 2] = [
    ("Cargo.toml", &["--deny", "warnings"]),
    ("watcher-ebpf/Cargo.toml", &["--allow", "license-exception-not-encountered", "--allow", "unmatched-skip"]),
];
/// How long the database may take. git waits for an answer without an end.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs the verb.
pub fn main(args: lexopt::Parser) -> Result<()> {
    if crate::help_was_all(args, HELP)? {
        return Ok(());
    }
    setup::get_subcommand("deny", CARGO_DENY, "it checks licences, sources, versions and advisories")?;
    for (manifest, unused) in WORKSPACES {
        check(manifest, unused, &["licenses", "bans", "sources"])?;
    }
    if !database_is_here()? {
        println!("advisories: not checked, the database cannot be reached from here");
        return Ok(());
    }
    WORKSPACES.iter().try_for_each(|(manifest, _)| check(manifest, &["--disable-fetch"], &["advisories"]))
}

fn check(manifest: &str, how: &[&str], what: &[&str]) -> Result<()> {
    run(cargo().args(["deny", "--manifest-path", manifest, "--locked", "check"]).args(how).args(what))
}

/// Fetches it.
fn database_is_here() -> Result<bool> {
    let mut cargo = cargo();
    cargo.args(["deny", "fetch", "db"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut fetching = cargo.spawn().context("cannot start cargo-deny")?;
    let begun = Instant::now();
    loop {
        if let Some(status) = fetching.try_wait()? {
            return Ok(status.success());
        }
        if begun.elapsed() > PATIENCE {
            fetching.kill()?;
            fetching.wait()?;
            return Ok(false);
        }
        sleep(Duration::from_millis(100));
    }
}
