//! The programs of a virtual machine that nobody here wrote: this machine's, or for another architecture a distribution's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::apt::{self, Apt, Archive, Suite};
use super::arch::Arch;
use super::image::{copy, program};
use crate::run::{capture, quiet};

/// busybox has an `ip`, but without network namespaces.
const PROGRAMS: &[&str] = &["ip", "tc", "ping", "iperf3"];

/// Packages that have busybox and these programs, and all that they need.
const SUITE: Suite = Suite { archive: Archive::Debian, name: "bookworm" };
const PACKAGES: &[&str] = &[
    "busybox-static",
    "iperf3",
    "iproute2",
    "iputils-ping",
    "libbpf1",
    "libbsd0",
    "libc6",
    "libcap2",
    "libelf1",
    "libidn2-0",
    "libiperf0",
    "libmd0",
    "libmnl0",
    "libsctp1",
    "libssl3",
    "libunistring2",
    "libxtables12",
    "zlib1g",
];
/// Where they have what a program is started with.
const FOLDERS: &[&str] = &["bin", "sbin", "usr/bin", "usr/sbin"];

/// Copies this machine's programs with their libraries.
pub fn of_this_machine(root: &Path) -> Result<()> {
    copy(&program("busybox")?, &root.join("bin/busybox"))?;
    for name in PROGRAMS {
        let path = program(name)?;
        copy(&path, &root.join("bin").join(name))?;
        libraries(&path, root)?;
    }
    Ok(())
}

/// Copies the libraries that `ldd` names to where the loader looks for them.
pub fn libraries(path: &Path, root: &Path) -> Result<()> {
    let said = capture(Command::new("ldd").arg(path))?;
    for library in said.lines().filter_map(library) {
        copy(library, &root.join(library.strip_prefix("/").unwrap_or(library)))?;
    }
    Ok(())
}

/// The file of a line of `ldd`: `libc.so.6 => /lib/libc.so.6 (0x…)`, or the loader's `/lib64/ld.so (0x…)`.
fn library(line: &str) -> Option<&Path> {
    line.split_whitespace().find(|word| word.starts_with('/')).map(Path::new)
}

/// Downloads and unpacks another architecture's, unless that was done before.
pub fn foreign(arch: Arch, cache: &Path) -> Result<PathBuf> {
    let folder = cache.join(format!("userland-{}", arch.debian()));
    apt::unpacked(&folder, || Apt::new(SUITE, arch, cache)?.download(PACKAGES, &folder))
}

/// Copies programs and libraries of an unpacked system.
pub fn copied(system: &Path, root: &Path) -> Result<()> {
    for name in ["busybox"].iter().chain(PROGRAMS) {
        let found = FOLDERS.iter().map(|folder| system.join(folder).join(name)).find(|path| path.is_file());
        copy(&found.with_context(|| format!("{} has no {name}", system.display()))?, &root.join("bin").join(name))?;
    }
    for folder in ["lib", "usr/lib"] {
        std::fs::create_dir_all(root.join(folder))?;
        let mut command = Command::new("cp");
        quiet(command.arg("-a").arg(system.join(folder).join(".")).arg(root.join(folder)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ldd_names_libraries_in_two_ways() {
        assert_eq!(library("\tlibc.so.6 => /lib/libc.so.6 (0x7f)"), Some(Path::new("/lib/libc.so.6")));
        assert_eq!(library("\t/lib64/ld-linux-x86-64.so.2 (0x7f)"), Some(Path::new("/lib64/ld-linux-x86-64.so.2")));
        assert_eq!(library("\tlinux-vdso.so.1 (0x7f)"), None);
    }
}
