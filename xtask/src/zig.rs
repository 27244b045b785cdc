//! zig and cargo-zigbuild, at one version each, apart from whatever else is on the machine.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run::{capture, run};

/// Packages of PyPI's.
const PACKAGES: [&str; 2] = ["ziglang==0.15.2", "cargo-zigbuild==0.24.0"];

/// Where they are.
pub struct Tools {
    /// `cargo-zigbuild`.
    pub zigbuild: PathBuf,
    programs: PathBuf,
}

impl Tools {
    /// With the tools' Python first: cargo-zigbuild looks for zig by it.
    pub fn path(&self) -> Result<OsString> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [self.programs.clone()].into_iter().chain(env::split_paths(&path));
        env::join_paths(folders).context("PATH")
    }
}

/// Gets what is missing into `folder`, and what it takes to build for `triples`.
pub fn get(folder: &Path, triples: &[&str]) -> Result<Tools> {
    let programs = folder.join("bin");
    let tools = Tools { zigbuild: programs.join("cargo-zigbuild"), programs };
    if !are_here(&tools) {
        eprintln!("zig: {} are going to be installed into {}", PACKAGES.join(" and "), folder.display());
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))
            .context("python3 with venv is needed (Debian: python3-venv)")?;
        let mut pip = Command::new(tools.programs.join("pip"));
        run(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES))?;
    }
    let installed = capture(Command::new("rustup").args(["target", "list", "--installed"])).unwrap_or_default();
    for triple in triples {
        if !installed.lines().any(|line| line == *triple) {
            run(Command::new("rustup").args(["target", "add", triple]))?;
        }
    }
    Ok(tools)
}

fn are_here(tools: &Tools) -> bool {
    let mut pip = Command::new(tools.programs.join("pip"));
    let listed = capture(pip.args(["freeze", "--disable-pip-version-check"])).unwrap_or_default();
    PACKAGES.iter().all(|package| listed.lines().any(|line| line == *package))
}
