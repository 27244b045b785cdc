//! The kernels to try: Debian's for clouds, because they are small, have BTF, and one suite or another has most; and
//! Ubuntu's, for the versions in between.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::apt::{self, Apt, Archive, Suite};
use super::arch::Arch;

/// A kernel, and the suite that has it.
#[derive(Debug)]
pub struct Kernel {
    /// The first two numbers, and the architecture where it is not the usual one.
    pub name: &'static str,
    version: &'static str,
    suite: Suite,
    /// What it runs on.
    pub arch: Arch,
    processor: &'static str,
}

/// Everything that the emulator has, except cmpxchg16b: QEMU 7.2 leaves a piece of RAX in the flags after it, and the
/// kernel's allocator, which uses it where it can, dies of a double fault.
const WITHOUT_CMPXCHG16B: &str = "max,-cx16";
/// Newer kernels use it less, and cannot do without: there, memory for socket storage comes from kmalloc_nolock.
const WITH_CMPXCHG16B: &str = "max";
/// With atomic instructions; without pointer authentication, which is slow to emulate.
const ARM: &str = "neoverse-n1";

const fn debian(version: &'static str, suite: &'static str) -> Kernel {
    let suite = Suite { archive: Archive::Debian, name: suite };
    Kernel { name: version, version, suite, arch: Arch::X86_64, processor: WITHOUT_CMPXCHG16B }
}

const fn ubuntu(version: &'static str, suite: &'static str) -> Kernel {
    Kernel { suite: Suite { archive: Archive::Ubuntu, name: suite }, ..debian(version, suite) }
}

const fn arm64(name: &'static str, version: &'static str, suite: &'static str) -> Kernel {
    Kernel { name, arch: Arch::Aarch64, processor: ARM, ..debian(version, suite) }
}

/// One for each rung of the ladder, and what is newer.
pub const KERNELS: &[Kernel] = &[
    debian("5.10", "bullseye"),
    ubuntu("5.15", "jammy-updates"),
    debian("6.1", "bookworm"),
    arm64("6.1-arm64", "6.1", "bookworm"),
    ubuntu("6.5", "jammy-updates"),
    ubuntu("6.8", "noble-updates"),
    debian("6.12", "bookworm-backports"),
    arm64("6.12-arm64", "6.12", "bookworm-backports"),
    debian("6.18", "trixie-backports"),
    Kernel { processor: WITH_CMPXCHG16B, ..debian("7.2", "trixie-backports") },
];

/// An unpacked kernel package.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// What `uname -r` will say.
    pub release: String,
    /// The image that boots.
    pub image: PathBuf,
    /// The root that `lib/modules` or `usr/lib/modules` lies under.
    pub base: PathBuf,
    /// What it runs on.
    pub arch: Arch,
    /// Which of these to emulate.
    pub processor: &'static str,
}

impl Kernel {
    /// The one of this name.
    pub fn named(name: &str) -> Result<&'static Self> {
        let known = || KERNELS.iter().map(|k| k.name).collect::<Vec<_>>().join(", ");
        KERNELS.iter().find(|k| k.name == name).with_context(|| format!("{name} is none of {}", known()))
    }

    /// Downloads and unpacks the newest of its kind, unless that was done before.
    pub fn fetch(&self, cache: &Path) -> Result<Unpacked> {
        let folder = cache.join(self.name);
        let base = apt::unpacked(&folder, || self.download(cache, &folder))
            .with_context(|| format!("fetching Linux {}", self.name))?;
        let image = image(&base)?.with_context(|| format!("the packages of {} have no vmlinuz", self.name))?;
        let release = match image.file_name().map(|name| name.to_string_lossy()) {
            Some(name) if name != "vmlinuz" => name.trim_start_matches("vmlinuz-").to_owned(),
            _ => image.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned(),
        };
        Ok(Unpacked { release, image, base, arch: self.arch, processor: self.processor })
    }

    fn download(&self, cache: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
        let apt = Apt::new(self.suite, self.arch, cache)?;
        let pattern = match self.suite.archive {
            Archive::Debian => {
                let arch = self.arch.debian();
                format!("^linux-image-{}\\.[0-9].*-cloud-{arch}(-unsigned)?$", literal(self.version))
            }
            Archive::Ubuntu => format!("^linux-image-{}\\.0-[0-9]+-generic$", literal(self.version)),
        };
        let newest = newest(apt.search(&pattern)?).with_context(|| format!("no package is called {pattern}"))?;
        let release = newest.trim_start_matches("linux-image-").trim_end_matches("-unsigned");
        // Debian, from 6.19 on, and Ubuntu have modules in packages of their own; the former's image package has but
        // documentation then.
        let rest = format!("^linux-(binary|modules|modules-extra)-{}$", literal(release));
        let mut names = apt.search(&rest)?;
        names.push(newest.clone());
        apt.download(&names.iter().map(String::as_str).collect::<Vec<_>>(), folder)
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
    fn kernels_are_cached_by_name() {
        let names: std::collections::BTreeSet<&str> = KERNELS.iter().map(|kernel| kernel.name).collect();
        assert_eq!(names.len(), KERNELS.len());
    }
}
