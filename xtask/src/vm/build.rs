//! The executables that go into an image: `watcher` and the exactness suite.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::arch::Arch;
use crate::ebpf::{build as ebpf, toolchain::Toolchain};
use crate::run::{as_from_a_shell, capture, executable, run};
use crate::test::everything;
use crate::{repo, setup, zig};

/// Builds them for an architecture.
pub fn executables(arch: Arch) -> Result<Vec<PathBuf>> {
    let mut cargo = match arch {
        // With what the packages of a distribution have: where eBPF is refused, packets are left.
        Arch::X86_64 => everything("build"),
        // No libpcap for another architecture is here; static, since neither is its C library.
        Arch::Aarch64 => {
            let tools = zig::get(&repo::target_dir().join("zig"), &[arch.triple()])?;
            let mut cargo = as_from_a_shell(Command::new(&tools.zigbuild));
            cargo.current_dir(repo::root()).args(["zigbuild", "--target", arch.triple(), "--package", "watcher-user"]);
            cargo.env("PATH", tools.path()?).env("WATCHER_EBPF_OBJECT", object(arch)?);
            cargo
        }
    };
    cargo.args(["--bin", "watcher", "--test", "exactness"]);
    // An emulated processor is slow, and the image is copied into memory. `.ci/run` has the same for everything.
    cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1").env("CARGO_PROFILE_DEV_DEBUG", "none");
    cargo.env("CARGO_PROFILE_DEV_STRIP", "symbols");
    run(&mut cargo)?;
    let said = capture(cargo.args(["--quiet", "--message-format", "json"]))?;
    let built: Vec<PathBuf> = said.lines().filter_map(executable).collect();
    if built.len() != 2 {
        bail!("cargo built {} executables instead of two", built.len());
    }
    Ok(built)
}

/// The eBPF object for another architecture than the committed one's: probes find a function's arguments elsewhere.
fn object(arch: Arch) -> Result<PathBuf> {
    setup::install_bpf_toolchain()?;
    let toolchain = Toolchain::find().context("no Rust toolchain here can build for bpfel-unknown-none")?;
    match arch {
        Arch::X86_64 => ebpf::build(&toolchain, "x86_64"),
        Arch::Aarch64 => ebpf::build(&toolchain, "aarch64"),
    }
}
