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
    /// Too old: watcher is to say so, and nothing else.
    pub refused: bool,
    processor: &'static str,
}

/// Everything that the emulator has, except cmpxchg16b: QEMU 7.2 leaves a piece of RAX in the flags after it, and the
/// kernel's allocator, which uses it where it can, dies of a double fault.
const WITHOUT_CMPXCHG16B: &str = "max,-cx16";
/// Newer kernels use it less, and cannot do without: there, memory for socket storage comes from kmalloc_nolock.
const WITH_CMPXCHG16B: &str = "max";

const fn kernel(version: &'static str, suite: &'static str, by_default: bool) -> Kernel {
    Kernel { version, suite, by_default, refused: false, processor: WITHOUT_CMPXCHG16B }
}

/// One for each rung of the ladder, and what is newer.
pub const KERNELS: &[Kernel] = &[
    Kernel { refused: true, ..kernel("5.10", "bullseye", true) },
    kernel("6.1", "bookworm", true),
    kernel("6.12", "bookworm-backports", true),
    kernel("6.18", "trixie-backports", false),
    Kernel { processor: WITH_CMPXCHG16B, ..kernel("7.2", "trixie-backports", true) },
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
    /// What to emulate.
    pub processor: &'static str,
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
            for package in Apt::new(self.suite, cache)?.download(self.version, &folder)? {
                quiet(Command::new("dpkg-deb").arg("-x").args([&package, &base]))?;
                fs::remove_file(package)?;
            }
            fs::write(base.join("complete"), "")?;
        }
        let image = image(&base)?.with_context(|| format!("the packages of {} have no vmlinuz", self.version))?;
        let release = match image.file_name().map(|name| name.to_string_lossy()) {
            Some(name) if name != "vmlinuz" => name.trim_start_matches("vmlinuz-").to_owned(),
            _ => image.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned(),
        };
        Ok(Unpacked { release, image, base, processor: self.processor })
    }
}

/// `boot/vmlinuz-RELEASE`, or, since 6.19, `usr/lib/modules/RELEASE/vmlinuz`.
fn image(base: &Path) -> Result<Option<PathBuf>> {
    let boot = base.join("boot");
    if boot.exists() {
        let entries = fs::read_dir(boot)?.flatten();
        let mut images = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("vmlinuz-"));
        return Ok(images.next().map(|entry| entry.path()));
    }
    let modules = fs::read_dir(base.join("usr/lib/modules"))?.flatten();
    Ok(modules.map(|entry| entry.path().join("vmlinuz")).find(|path| path.exists()))
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

    fn search(&self, pattern: &str) -> Result<Vec<String>> {
        let found = capture(self.command("apt-cache").args(["search", "--names-only", pattern]))?;
        Ok(found.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
    }

    /// The newest cloud kernel of a version, as package files in `folder`.
    fn download(&self, version: &str, folder: &Path) -> Result<Vec<PathBuf>> {
        let pattern = format!("^linux-image-{}\\.[0-9].*-cloud-amd64(-unsigned)?$", literal(version));
        let newest = newest(self.search(&pattern)?).with_context(|| format!("no package is called {pattern}"))?;
        // From 6.19 on the image package has but documentation: these two have the rest.
        let release = newest.trim_start_matches("linux-image-").trim_end_matches("-unsigned");
        let mut names = self.search(&format!("^linux-(binary|modules)-{}$", literal(release)))?;
        names.push(newest);
        eprintln!("vm: downloading {}", names.join(", "));
        quiet(self.command("apt-get").args(["-qq", "download"]).args(&names).current_dir(folder))?;
        let files = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
        let packages: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "deb")).collect();
        if packages.len() != names.len() {
            bail!("apt downloaded {} packages to {} instead of {}", packages.len(), folder.display(), names.len());
        }
        Ok(packages)
    }
}

/// A name as a regular expression.
fn literal(name: &str) -> String {
    name.replace('.', "\\.").replace('+', "\\+")
}

/// Of package names that differ in numbers, the one with the greatest.
fn newest(names: Vec<String>) -> Option<String> {
    let numbers = |name: &str| -> Vec<u32> { name.split(|c: char| !c.is_ascii_digit()).flat_map(str::parse).collect() };
    names.into_iter().max_by_key(|name| numbers(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_kernel_is_found_by_number_not_by_letter() {
        let names =
            ["linux-image-6.1.0-9-cloud-amd64", "linux-image-6.1.0-50-cloud-amd64", "linux-image-6.1.0-47-cloud"];
        assert_eq!(newest(names.map(str::to_owned).to_vec()).as_deref(), Some("linux-image-6.1.0-50-cloud-amd64"));
        assert_eq!(newest(Vec::new()), None);
    }

    #[test]
    fn an_unknown_kernel_is_answered_with_those_that_are_known() {
        assert!(Kernel::named("2.4").unwrap_err().to_string().contains("6.12"));
        assert_eq!(Kernel::named("6.1").unwrap().suite, "bookworm");
    }
}
