//! `cargo xtask miri`: tests under an interpreter that finds undefined behaviour. It runs no system calls but a few, and no
//! C, so it gets what parses bytes and what holds the ABI: where a read past the end would be.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::ebpf::toolchain::{PINNED_NIGHTLY, Toolchain, is_installed};
use crate::repo;
use crate::run::{capture, run};

/// What `cargo xtask miri --help` prints.
pub const HELP: &str = "\
cargo xtask miri

Runs tests under Miri: the ABI crate, and every parser of bytes from the network, from files and from the system.
";

/// Packages, and the tests by what their names begin with. Not QUIC: its keys are C's and assembly's.
const SUITES: &[(&str, &[&str])] = &[
    ("watcher-common", &[]),
    (
        "watcher-core",
        &[
            "names::parse::dns",
            "names::parse::tls",
            "names::parse::http",
            "names::parse::banner",
            "names::parse::reader",
        ],
    ),
    ("macos-pcap", &["bytes", "link", "packet", "stream", "owners::macos"]),
];

/// Runs the verb.
pub fn main(args: lexopt::Parser) -> Result<()> {
    if crate::help_was_all(args, HELP)? {
        return Ok(());
    }
    get_tools()?;
    for (package, names) in SUITES {
        let mut cargo = nightly().command("cargo");
        cargo.current_dir(repo::root()).args(["miri", "test", "--locked", "--lib", "-p", package, "--target-dir"]);
        cargo.arg(repo::target_dir().join("miri")).arg("--").args(*names);
        // Some tests read files of this repository; proptest asks where it is.
        run(cargo.env("MIRIFLAGS", "-Zmiri-disable-isolation").env("PROPTEST_CASES", "4"))?;
    }
    Ok(())
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
