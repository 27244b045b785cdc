//! Builds the object: the same bits from the same sources and tools, whatever folder they lie in.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::toolchain::{self, Toolchain};
use super::wrapper;
use crate::repo;
use crate::run::{quiet, run};

/// The architecture that the object is for when nothing else is said: the one of this machine.
pub fn host_arch() -> &'static str {
    env::consts::ARCH
}

/// The file name of the object for an architecture. The first one supported has the plain name.
pub fn object_name(arch: &str) -> String {
    if arch == "x86_64" { "watcher.bpf.o".into() } else { format!("watcher-{arch}.bpf.o") }
}

/// Where the committed object for `arch` lies.
pub fn prebuilt_object(arch: &str) -> PathBuf {
    repo::root().join("watcher-ebpf/prebuilt").join(object_name(arch))
}

/// Where the committed record of it lies.
pub fn prebuilt_manifest(arch: &str) -> PathBuf {
    let name = if arch == "x86_64" { "MANIFEST".into() } else { format!("MANIFEST-{arch}") };
    repo::root().join("watcher-ebpf/prebuilt").join(name)
}

/// Where a build leaves its object unless told otherwise.
pub fn built_object(arch: &str) -> PathBuf {
    repo::bpf_target_dir().join(object_name(arch))
}

/// Builds the object for `arch` with `toolchain` and strips it into [`built_object`].
pub fn build(toolchain: &Toolchain, arch: &str) -> Result<PathBuf> {
    let root = repo::root();
    let target_dir = repo::bpf_target_dir();
    let manifest = root.join("watcher-ebpf/Cargo.toml");
    // The registry's folders must exist before their names can be taken out of the object.
    quiet(toolchain.command("cargo").args(["fetch", "--quiet", "--locked", "--manifest-path"]).arg(&manifest))?;
    run(toolchain
        .command("cargo")
        .current_dir(root.join("watcher-ebpf"))
        .args(["build", "--locked", "--release", "-Z", "build-std=core", "--target", "bpfel-unknown-none"])
        .arg("--target-dir")
        .arg(&target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(toolchain, arch)?)
        .env("RUSTC_WRAPPER", env::current_exe().context("cannot tell where xtask itself lies")?)
        .env(wrapper::VARIABLE, &root)
        .env("PATH", path_with_linker()?))?;
    let linked = target_dir.join("bpfel-unknown-none/release/watcher");
    let object = built_object(arch);
    // -g takes DWARF away and keeps .BTF and .BTF.ext, which the kernel wants.
    run(Command::new(toolchain::strip()?.0).arg("-g").arg("-o").arg(&object).arg(&linked))?;
    Ok(object)
}

/// The compiler's flags, in Cargo's encoding (words separated by the unit separator).
fn flags(toolchain: &Toolchain, arch: &str) -> Result<OsString> {
    let mut flags: Vec<OsString> =
        [&format!("--cfg=bpf_target_arch=\"{arch}\"") as &str, "-Cdebuginfo=2", "-Clink-arg=--btf"]
            .map(OsString::from)
            .to_vec();
    // BTF's line information names source files.
    flags.extend(dependencies_remapped()?);
    let src = toolchain.rust_src()?;
    flags.push(remap(&src, "/rust-src"));
    if let Ok(real) = fs::canonicalize(&src) {
        flags.push(remap(&real, "/rust-src"));
    }
    flags.push(remap(&repo::root(), "/watcher"));
    Ok(flags.join(std::ffi::OsStr::new("\u{1f}")))
}

/// Flags that take the folders of dependencies out of what is built. The last one that matches wins, so the general come
/// first.
pub fn dependencies_remapped() -> Result<Vec<OsString>> {
    let mut flags = vec![remap(&repo::cargo_home(), "/cargo")];
    flags.extend(registries()?.iter().map(|registry| remap(registry, "/cargo/registry")));
    Ok(flags)
}

/// The flag that gives `from` another name in what is built.
pub fn remap(from: &Path, to: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}

/// The folders of unpacked crates; their names depend on which mirror of the registry is in use.
fn registries() -> Result<Vec<PathBuf>> {
    let folder = repo::cargo_home().join("registry/src");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    Ok(folders)
}

fn path_with_linker() -> Result<OsString> {
    let bin = repo::cargo_home().join("bin");
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(std::iter::once(bin).chain(env::split_paths(&path))).context("a folder on the PATH has a colon")
}
