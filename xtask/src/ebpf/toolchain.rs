//! Which Rust toolchain here can build for bpfel-unknown-none. It looks; installing is `setup`'s.
//!
//! The target has no precompiled `core`, so a toolchain needs its library sources, and a compiler that accepts
//! `-Z build-std`: a nightly, or a stable one with `RUSTC_BOOTSTRAP=1`. bpf-linker's LLVM must not be older than rustc's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::manifest::Tools;
use crate::repo;
use crate::run::{as_from_a_shell, capture, on_path};

/// The LLVM that bpf-linker is built with. A compiler with a newer one is of no use.
pub const LLVM: u32 = 22;

/// The nightly that the committed object is built with, and that `setup` installs: the same everywhere.
pub const PINNED_NIGHTLY: &str = "nightly-2026-05-20";

/// A toolchain that can build the object.
#[derive(Debug, Clone)]
pub enum Toolchain {
    /// A toolchain of rustup's with the component rust-src.
    Rustup {
        /// As `rustup run` takes it.
        name: String,
        /// Whether it is no nightly, and so has to be told that `-Z` is fine.
        bootstrap: bool,
    },
    /// Debian's rustc-web, cargo-web and rust-web-src.
    Debian,
}

impl Toolchain {
    /// The best toolchain that is installed completely; None when there is none.
    pub fn find() -> Option<Self> {
        let rustup = [(PINNED_NIGHTLY, false), ("nightly", false), ("stable", true)]
            .map(|(name, bootstrap)| Self::Rustup { name: name.to_owned(), bootstrap });
        rustup.into_iter().chain([Self::Debian]).find(Self::is_complete)
    }

    fn is_complete(&self) -> bool {
        let present = match self {
            Self::Rustup { name, .. } => on_path("rustup") && is_installed(name),
            Self::Debian => Path::new("/usr/bin/rustc").is_file() && Path::new("/usr/bin/cargo").is_file(),
        };
        present
            && self.rust_src().is_ok_and(|src| src.join("library/core/src/lib.rs").is_file())
            && self.llvm().is_ok_and(|version| major(&version).is_some_and(|major| major <= LLVM))
    }

    /// `cargo` or `rustc` of this toolchain, free of the environment of the Cargo that runs xtask.
    pub fn command(&self, program: &str) -> Command {
        let mut command = match self {
            Self::Rustup { name, .. } => {
                let mut command = as_from_a_shell(Command::new("rustup"));
                command.args(["run", name, program]);
                command
            }
            Self::Debian => {
                let mut command = as_from_a_shell(Command::new(format!("/usr/bin/{program}")));
                command.env("RUSTC", "/usr/bin/rustc");
                command
            }
        };
        for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"]
        {
            if !(variable == "RUSTC" && matches!(self, Self::Debian)) {
                command.env_remove(variable);
            }
        }
        if matches!(self, Self::Rustup { bootstrap: true, .. } | Self::Debian) {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        command
    }

    /// The folder that holds `library/core`.
    pub fn rust_src(&self) -> Result<PathBuf> {
        let sysroot = capture(self.command("rustc").args(["--print", "sysroot"]))?;
        Ok(Path::new(&sysroot).join("lib/rustlib/src/rust"))
    }

    /// The versions of everything that has a hand in the object.
    pub fn tools(&self) -> Result<Tools> {
        let rustc = capture(self.command("rustc").arg("-V"))?;
        Ok(Tools { rustc: format!("{rustc}, LLVM {}", self.llvm()?), linker: linker_version()?, strip: strip()?.1 })
    }

    fn llvm(&self) -> Result<String> {
        let verbose = capture(self.command("rustc").arg("-vV"))?;
        let version = verbose.lines().find_map(|line| line.strip_prefix("LLVM version: "));
        version.map(str::to_owned).context("`rustc -vV` says nothing about LLVM")
    }
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.trim().parse().ok()
}

/// Whether rustup has the toolchain; asking must not make it download one.
pub fn is_installed(name: &str) -> bool {
    capture(Command::new("rustup").args(["toolchain", "list"]))
        .is_ok_and(|list| list.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))))
}

/// bpf-linker, from the PATH or from where `cargo install` puts it.
pub fn linker() -> Option<PathBuf> {
    let installed = repo::cargo_home().join("bin/bpf-linker");
    if installed.is_file() { Some(installed) } else { on_path("bpf-linker").then(|| "bpf-linker".into()) }
}

fn linker_version() -> Result<String> {
    let linker = linker().context("bpf-linker is not installed: run `cargo xtask setup --for build`")?;
    // Its first line only: what follows depends on how it was built.
    let version = capture(Command::new(linker).arg("--version"))?;
    Ok(version.lines().next().unwrap_or_default().trim().to_owned())
}

/// An llvm-strip, and its version: of the LLVM that bpf-linker was built with where it is there.
pub fn strip() -> Result<(PathBuf, String)> {
    let versioned = PathBuf::from(format!("/usr/lib/llvm-{LLVM}/bin/llvm-strip"));
    let found = Some(versioned).filter(|path| path.is_file());
    let Some(program) = found.or_else(|| on_path("llvm-strip").then(|| "llvm-strip".into())) else {
        bail!("llvm-strip is not installed: run `cargo xtask setup --for build`");
    };
    let printed = capture(Command::new(&program).arg("--version"))?;
    let version = printed.lines().find_map(|line| line.split_once("LLVM version ")).map_or("unknown", |(_, rest)| rest);
    Ok((program, format!("llvm-strip {}", version.trim())))
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(major("22.1.4"), Some(22));
        assert_eq!(major("unknown"), None);
    }
}
