//! The program, and the files that it writes for packages.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Release;
use crate::ebpf::build::{dependencies_remapped, remap};
use crate::repo;
use crate::run::{capture, cargo, run};

/// Builds both.
pub fn build(release: &Release) -> Result<()> {
    let installed = capture(Command::new("rustup").args(["target", "list", "--installed"])).unwrap_or_default();
    if !installed.lines().any(|line| line == release.target) {
        run(Command::new("rustup").args(["target", "add", &release.target]))?;
    }
    let mut cargo = cargo();
    cargo.args(["build", "--release", "--locked", "--package", "watcher-user"]);
    cargo.args(["--bin", "watcher", "--target", &release.target, "--target-dir"]).arg(&release.build);
    let mut flags = dependencies_remapped()?;
    flags.push(remap(&repo::root(), "/watcher"));
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join(std::ffi::OsStr::new("\u{1f}")));
    // What ships has the committed eBPF object.
    cargo.env_remove("WATCHER_EBPF_OBJECT");
    run(&mut cargo)?;
    let program = release.built().join("watcher");
    let bytes = fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
    for folder in [repo::root(), repo::cargo_home()] {
        let name = folder.to_string_lossy().into_owned();
        if bytes.windows(name.len()).any(|window| window == name.as_bytes()) {
            bail!("{} names the folder {name} of this machine", program.display());
        }
    }
    let files = release.files();
    if files.exists() {
        fs::remove_dir_all(&files).with_context(|| format!("cannot empty {}", files.display()))?;
    }
    run(Command::new(&program).arg("package-files").arg("--dir").arg(&files))
}
