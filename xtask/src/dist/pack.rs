//! What is made of the program. Names and bytes depend on the sources only, not on when and where.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Release;
use crate::ebpf::manifest::sha256;
use crate::repo;
use crate::run::{cargo, run};

/// The Debian package, as watcher-user/Cargo.toml describes it.
pub fn deb(release: &Release) -> Result<PathBuf> {
    // cargo-deb compresses man pages of the source tree only, and Debian's are compressed.
    let compressed = release.files().join("man.gz");
    copy_all(&release.files().join("man"), &compressed)?;
    run(Command::new("gzip").args(["-9nr", "--force"]).arg(&compressed))?;
    let deb = release.out.join(format!("{}.deb", release.name()));
    let mut cargo = cargo();
    cargo.args(["deb", "--no-build", "--no-strip", "--package", "watcher-user", "--target"]);
    cargo.args([&release.target, "--deb-version", &release.version, "--output"]).arg(&deb);
    cargo.env("CARGO_TARGET_DIR", &release.build).env("SOURCE_DATE_EPOCH", &release.epoch);
    run(&mut cargo)?;
    Ok(deb)
}

/// The tarball, with one folder in it.
pub fn tarball(release: &Release) -> Result<PathBuf> {
    let folder = release.build.join(release.name());
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    copy(&release.built().join("watcher"), &folder)?;
    for part in ["man", "completions"] {
        copy_all(&release.files().join(part), &folder.join(part))?;
    }
    for text in ["README.md", "linux.md", "CHANGELOG.md", "LICENSE", "LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&repo::root().join(text), &folder)?;
    }
    copy_all(&repo::root().join("docs"), &folder.join("docs"))?;
    let tarball = release.out.join(format!("{}.tar.gz", release.name()));
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"]);
    tar.args(["--use-compress-program=gzip -9n", &format!("--mtime=@{}", release.epoch), "-cf"]);
    run(tar.arg(&tarball).arg("-C").arg(&release.build).arg(release.name()))?;
    Ok(tarball)
}

/// The formula, with the version and the checksum of `tarball`.
pub fn formula(release: &Release, tarball: &Path) -> Result<PathBuf> {
    let template = repo::root().join("watcher-user/packaging/homebrew/watcher.rb");
    let template = fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
    let text = filled(&template, &release.version, &release.target, &sha256(&read(tarball)?));
    let formula = release.out.join("watcher.rb");
    fs::write(&formula, text).with_context(|| format!("cannot write {}", formula.display()))?;
    Ok(formula)
}

fn filled(template: &str, version: &str, target: &str, sum: &str) -> String {
    // The comment explains the placeholders; in the result it would name what is no longer there.
    let body: Vec<&str> = template.lines().skip_while(|line| line.starts_with('#')).collect();
    let placeholder = format!("@SHA256_{}@", target.to_uppercase().replace('-', "_"));
    format!("{}\n", body.join("\n")).replace("@VERSION@", version).replace(&placeholder, sum)
}

/// SHA256SUMS, as sha256sum --check reads it.
pub fn sums(release: &Release, files: &[&Path]) -> Result<()> {
    let mut text = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("{}  {name}\n", sha256(&read(file)?)));
    }
    print!("{text}");
    let path = release.out.join("SHA256SUMS");
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        copy(&entry?.path(), to)?;
    }
    Ok(())
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    let to = folder.join(file.file_name().unwrap_or_default());
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(file, &to))
        .with_context(|| format!("cannot write {}", to.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_knows_what_was_built_and_says_what_was_not() {
        let template = include_str!("../../../watcher-user/packaging/homebrew/watcher.rb");
        let formula = filled(template, "1.2.3", "x86_64-unknown-linux-musl", "abc");
        assert!(formula.starts_with("class Watcher < Formula\n  desc "), "{formula}");
        assert!(
            formula.contains("/watcher-1.2.3-x86_64-unknown-linux-musl.tar.gz\"\n    sha256 \"abc\"\n"),
            "{formula}"
        );
        assert!(formula.contains("@SHA256_AARCH64_APPLE_DARWIN@") && !formula.contains("@VERSION@"), "{formula}");
    }
}
