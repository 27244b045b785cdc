//! The tools that build the eBPF object: a compiler with the sources of `core`, LLVM, and bpf-linker.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::apt;
use crate::ebpf::toolchain::{LLVM, PINNED_NIGHTLY, Toolchain, linker};
use crate::run::{on_path, run};

/// What cargo install is told to get.
const BPF_LINKER_VERSION: &str = "0.13.0";

/// Gets whatever is missing.
pub fn install() -> Result<()> {
    announce()?;
    if Toolchain::find().is_none() {
        install_toolchain()?;
    }
    if linker().is_none() {
        install_linker()?;
    }
    Ok(())
}

/// Says what is missing and would be installed.
pub fn announce() -> Result<()> {
    if Toolchain::find().is_none() {
        eprintln!(
            "setup: a Rust toolchain with the sources of `core` is going to be installed, because the eBPF target"
        );
        eprintln!("  has no precompiled one: {PINNED_NIGHTLY} through rustup, or Debian's rustc-web");
    }
    if linker().is_none() {
        eprintln!(
            "setup: bpf-linker {BPF_LINKER_VERSION} is going to be installed through cargo, and LLVM {LLVM} through apt:"
        );
        eprintln!("  rustc emits LLVM bitcode for the eBPF target, and this links it");
    }
    Ok(())
}

/// The ways to a toolchain, the one that CI uses first.
fn install_toolchain() -> Result<()> {
    if on_path("rustup") {
        let rustup: [&[&str]; 2] = [
            &["toolchain", "install", PINNED_NIGHTLY, "--profile", "minimal", "--component", "rust-src"],
            &["component", "add", "rust-src", "--toolchain", "stable"],
        ];
        for args in rustup {
            match run(Command::new("rustup").args(args)) {
                Ok(()) if Toolchain::find().is_some() => return Ok(()),
                Ok(()) => {}
                Err(error) => eprintln!("setup: {error:#}; trying another way"),
            }
        }
    }
    if on_path("apt-get") {
        apt::install(&["rustc-web", "cargo-web", "rust-web-src"])?;
    }
    Toolchain::find()
        .map(drop)
        .context("no Rust toolchain for the eBPF target could be had (rustup, Debian's rustc-web)")
}

fn install_linker() -> Result<()> {
    let prefix = format!("/usr/lib/llvm-{LLVM}");
    let llvm = format!("llvm-{LLVM}-dev");
    let polly = format!("libpolly-{LLVM}-dev");
    let there = Path::new(&prefix).join("lib/libPolly.a").exists()
        && ["/usr/include/zlib.h", "/usr/include/zstd.h"].iter().all(|header| Path::new(header).exists());
    if !there {
        if !apt::finds(&llvm) {
            bail!("bpf-linker cannot be built: this system's packages have no {llvm} (apt.llvm.org has it)");
        }
        // g++ links LLVM, which is C++.
        apt::install(&[&llvm, &polly, "zlib1g-dev", "libzstd-dev", "g++"])?;
    }
    run(super::cargo_install("bpf-linker", BPF_LINKER_VERSION)
        .args(["--no-default-features", "--features", &format!("llvm-{LLVM}")])
        .env("LLVM_PREFIX", prefix))
    .context("bpf-linker could not be built")
}
