//! `cargo xtask dist`: the packages. A static program, so that one build runs on every distribution.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{capture, cargo, run};
use crate::{repo, setup};

mod build;
mod pack;

/// What `cargo xtask dist --help` prints.
pub const HELP: &str = "\
cargo xtask dist [--target TRIPLE] [--no-check]

Builds watcher for release and makes of it, in target/dist/:

  watcher-VERSION-TRIPLE.deb      the service, man pages, completions, the configuration
  watcher-VERSION-TRIPLE.tar.gz   the program, man pages, completions, documentation
  watcher.rb                      the Homebrew formula, with what was built filled in
  SHA256SUMS

Then installs the .deb on a copy of this system under a systemd of its own, uses it, and
removes it.

  --target TRIPLE  default: this machine's architecture with musl: static, runs everywhere
  --no-check       only make them
";

/// The version of cargo-deb that is installed where there is another or none.
const CARGO_DEB: &str = "3.8.0";

/// What is built, and where.
struct Release {
    version: String,
    target: String,
    /// Where packages go.
    out: PathBuf,
    /// Cargo's own folder for it: other flags than those of daily work.
    build: PathBuf,
    /// The time that all files get: that of the commit.
    epoch: String,
}

impl Release {
    /// `watcher-0.1.0-x86_64-unknown-linux-musl`
    fn name(&self) -> String {
        format!("watcher-{}-{}", self.version, self.target)
    }

    /// The folder that cargo builds into.
    fn built(&self) -> PathBuf {
        self.build.join(&self.target).join("release")
    }

    /// The files of packages that the program itself writes: beside it, where cargo-deb looks.
    fn files(&self) -> PathBuf {
        self.built().join("package-files")
    }
}

/// Runs the verb.
pub fn main(mut args: lexopt::Parser) -> Result<()> {
    let mut target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let mut check = true;
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("target") => target = args.value()?.to_string_lossy().into_owned(),
            lexopt::Arg::Long("no-check") => check = false,
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if target.split('-').next() != Some(std::env::consts::ARCH) || !target.contains("-linux-") {
        bail!("{target} cannot run here, and the program itself writes its man pages: build it on such a machine");
    }
    let missing = setup::install_packages(setup::Purpose::Dist)?;
    if !missing.is_empty() {
        bail!("could not be had: {}", missing.join(", "));
    }
    setup::get_subcommand("deb", CARGO_DEB, "it makes the Debian package")?;
    let out = repo::target_dir().join("dist");
    let release = Release { version: version()?, target, build: out.join("build"), out, epoch: epoch()? };
    fs::create_dir_all(&release.out).with_context(|| format!("cannot create {}", release.out.display()))?;
    build::build(&release)?;
    let deb = pack::deb(&release)?;
    let tarball = pack::tarball(&release)?;
    let formula = pack::formula(&release, &tarball)?;
    pack::sums(&release, &[&deb, &tarball, &formula])?;
    if check { try_out(&deb) } else { Ok(()) }
}

/// Of the workspace.
fn version() -> Result<String> {
    let said = capture(cargo().args(["metadata", "--no-deps", "--format-version", "1", "--quiet"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&said).context("reading cargo metadata")?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let watcher = packages.find(|package| package["name"] == "watcher-user");
    let version = watcher.and_then(|package| package["version"].as_str());
    version.map(str::to_owned).context("cargo metadata names no watcher-user")
}

/// Seconds since 1970 of what is built (reproducible-builds.org, SOURCE_DATE_EPOCH).
fn epoch() -> Result<String> {
    if let Ok(epoch) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(epoch);
    }
    let mut git = Command::new("git");
    capture(git.current_dir(repo::root()).args(["log", "-1", "--format=%ct"]))
        .context("set SOURCE_DATE_EPOCH where there is no git")
}

/// The tests that install a package: on a copy of this system that is gone afterwards.
fn try_out(deb: &Path) -> Result<()> {
    let mut cargo = crate::test::everything("test");
    cargo.args(["--test", "setup", "--", "--ignored", "package::"]).env("WATCHER_DEB", deb);
    crate::test::as_root(&mut cargo)?;
    run(&mut cargo)
}
