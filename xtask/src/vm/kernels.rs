//! The kernels to try: Debian's for clouds, because they are small, have BTF, and one suite or another has each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{capture, quiet};

/// Where every suite of Debian can be had.
const MIRROR: &str = "http://deb.debian.org/debian";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A kernel, and the suite that has it.
#[derive(Debug)]
pub struct Kernel {
    /// The first two numbers.
    pub version: &'static str,
    suite: &'static str,
    /// Tried when nobody names any.
    pub by_default: bool,
}

const fn kernel(version: &'static str, suite: &'static str, by_default: bool) -> Kernel {
    Kernel { version, suite, by_default }
}

/// One for each rung of the ladder, and what is newest.
pub const KERNELS: &[Kernel] = &[
    kernel("5.10", "bullseye", true),
    kernel("6.1", "bookworm", true),
    kernel("6.12", "bookworm-backports", true),
    kernel("6.18", "trixie-backports", false),
    kernel("7.2", "trixie-backports", true),
];

/// An unpacked kernel package.
#[derive(Debug)]
pub struct Unpacked {
    /// What `uname -r` will say.
    pub release: String,
    /// The image that boots.
    pub image: PathBuf,
    /// The root that `lib/modules` or `usr/lib/modules` lies under.
    pub base: PathBuf,
}

impl Kernel {
    /// The kernel that somebody means by `version`.
    pub fn named(version: &str) -> Result<&'static Self> {
        let known = || KERNELS.iter().map(|k| k.version).collect::<Vec<_>>().join(", ");
        KERNELS.iter().find(|k| k.version == version).with_context(|| format!("{version} is none of {}", known()))
    }

    /// Downloads and unpacks the newest of its kind, unless that was done before.
    pub fn fetch(&self, cache: &Path) -> Result<Unpacked> {
        let folder = cache.join(self.version);
        let base = folder.join("root");
        if !base.join("complete").exists() {
            fs::create_dir_all(&base)?;
            let package = Apt::new(self.suite, cache)?.download(self.version, &folder)?;
            quiet(Command::new("dpkg-deb").arg("-x").args([&package, &base]))?;
            fs::remove_file(package)?;
            fs::write(base.join("complete"), "")?;
        }
        let image = fs::read_dir(base.join("boot"))?
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().starts_with("vmlinuz-"))
            .with_context(|| format!("the package of {} has no vmlinuz", self.version))?;
        let release = image.file_name().to_string_lossy().trim_start_matches("vmlinuz-").to_owned();
        Ok(Unpacked { release, image: image.path(), base })
    }
}

/// apt with lists and caches of its own: the system's are not touched, and no root is needed.
struct Apt {
    options: Vec<String>,
}

impl Apt {
    fn new(suite: &str, cache: &Path) -> Result<Self> {
        let home = cache.join("apt").join(suite);
        fs::create_dir_all(home.join("lists/partial"))?;
        fs::create_dir_all(home.join("cache/archives/partial"))?;
        let sources = home.join("sources.list");
        fs::write(&sources, format!("deb [signed-by={KEYRING}] {MIRROR} {suite} main\n"))?;
        let dir = |path: &str| home.join(path).display().to_string();
        let options = [
            format!("Dir::Etc::sourcelist={}", sources.display()),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::lists={}", dir("lists")),
            format!("Dir::Cache={}", dir("cache")),
            "APT::Sandbox::User=".to_owned(),
            "Acquire::Languages=none".to_owned(),
        ];
        let this = Self { options: options.into_iter().flat_map(|o| ["-o".to_owned(), o]).collect() };
        quiet(this.command("apt-get").args(["-qq", "update"])).context("apt could not fetch the lists of a suite")?;
        Ok(this)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(&self.options);
        command
    }

    /// The newest cloud kernel of a version, as a file in `folder`.
    fn download(&self, version: &str, folder: &Path) -> Result<PathBuf> {
        let pattern = format!("^linux-image-{}\\.[0-9].*-cloud-amd64(-unsigned)?$", version.replace('.', "\\."));
        let found = capture(self.command("apt-cache").args(["search", "--names-only", &pattern]))?;
        let names: Vec<&str> = found.lines().filter_map(|line| line.split(' ').next()).collect();
        let newest = newest(&names).with_context(|| format!("no package is called {pattern}"))?;
        eprintln!("vm: downloading {newest}");
        quiet(self.command("apt-get").args(["-qq", "download", newest]).current_dir(folder))?;
        let is_package = |path: &PathBuf| path.extension().is_some_and(|e| e == "deb");
        match fs::read_dir(folder)?.flatten().map(|entry| entry.path()).find(is_package) {
            Some(path) => Ok(path),
            None => bail!("apt downloaded {newest}, and it is not in {}", folder.display()),
        }
    }
}

/// Of package names that differ in numbers, the one with the greatest.
fn newest<'a>(names: &[&'a str]) -> Option<&'a str> {
    let numbers = |name: &str| -> Vec<u32> { name.split(|c: char| !c.is_ascii_digit()).flat_map(str::parse).collect() };
    names.iter().copied().max_by_key(|name| numbers(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_kernel_is_found_by_number_not_by_letter() {
        let names =
            ["linux-image-6.1.0-9-cloud-amd64", "linux-image-6.1.0-50-cloud-amd64", "linux-image-6.1.0-47-cloud"];
        assert_eq!(newest(&names), Some("linux-image-6.1.0-50-cloud-amd64"));
        assert_eq!(newest(&[]), None);
    }

    #[test]
    fn an_unknown_kernel_is_answered_with_those_that_are_known() {
        assert!(Kernel::named("2.4").unwrap_err().to_string().contains("6.12"));
        assert_eq!(Kernel::named("6.1").unwrap().suite, "bookworm");
    }
}
