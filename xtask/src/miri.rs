//! `cargo xtask miri`: tests under an interpreter that finds undefined behaviour. It runs few system calls and no C, so it
//! gets what copies records of the kernel's out of bytes. Parsers and tables (`watcher-core`, `macos-pcap` but for its calls of libpcap
//! and libproc) have no unsafe code.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::ebpf::toolchain::{PINNED_NIGHTLY, Toolchain, is_installed};
use crate::repo;
use crate::run::{capture, run};

/// What `cargo xtask miri --help` prints.
pub const HELP: &str = "\
cargo xtask miri

Runs tests under Miri: what copies the kernel's records out of rings, maps and iterators.
";

/// Tests of `watcher-user`, by what their names begin with.
const TESTS: &[&str] = &["linux::heads", "linux::iterate", "linux::raw::tests::a_record", "linux::ring"];

/// Runs the verb.
pub fn main(args: lexopt::Parser) -> Result<()> {
    if crate::help_was_all(args, HELP)? {
        return Ok(());
    }
    get_tools()?;
    let mut cargo = nightly().command("cargo");
    cargo.current_dir(repo::root()).args([
        "miri",
        "test",
        "--locked",
        "--lib",
        "--package",
        "watcher-user",
        "--target-dir",
    ]);
    cargo.arg(repo::target_dir().join("miri")).arg("--").args(TESTS);
    // Some of them read files.
    run(cargo.env("MIRIFLAGS", "-Zmiri-disable-isolation"))
}

fn nightly() -> Toolchain {
    Toolchain::Rustup { name: PINNED_NIGHTLY.to_owned(), bootstrap: false }
}

fn get_tools() -> Result<()> {
    if !is_installed(PINNED_NIGHTLY) {
        run(Command::new("rustup").args(["toolchain", "install", PINNED_NIGHTLY, "--profile", "minimal"]))?;
    }
    if capture(nightly().command("cargo").args(["miri", "--version"])).is_ok() {
        return Ok(());
    }
    eprintln!("miri: Miri and the library's sources are going to be installed for {PINNED_NIGHTLY}");
    let add = ["component", "add", "miri", "rust-src", "--toolchain", PINNED_NIGHTLY];
    run(Command::new("rustup").args(add)).context("Miri could not be installed")
}
