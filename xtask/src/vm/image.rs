//! The file system of a virtual machine: busybox, what is to be tried, and the modules that a kernel does not have built in.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::kernels::Unpacked;
use super::userland;
use crate::run::{quiet, shown};

const INIT: &str = include_str!("init.sh");

/// Modules that tests and the look-up of owners by packets use; a kernel that has one built in, or has none, does without.
/// They are inserted beforehand, since nothing here loads them when they are asked for.
const MODULES: &[&str] = &[
    "veth",
    "sctp",
    "tls",
    "sch_tbf",
    "crc32c_generic",
    "gcm",
    "ctr",
    "ghash_generic",
    "aes_generic",
    "tcp_diag",
    "udp_diag",
    "raw_diag",
    "sctp_diag",
];

/// What is to be tried.
pub struct Contents<'a> {
    /// Executables.
    pub built: &'a [PathBuf],
    /// What the first process reads: assignments of the shell's.
    pub settings: &'a str,
    /// For a machine of another architecture: where its programs lie, unpacked.
    pub foreign: Option<&'a Path>,
}

/// Packs an image for a kernel; returns its path.
pub fn pack(kernel: &Unpacked, contents: &Contents<'_>, folder: &Path) -> Result<PathBuf> {
    let root = folder.join("initramfs");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for name in ["bin", "proc", "sys", "dev", "run", "tmp", "modules", "etc"] {
        fs::create_dir_all(root.join(name))?;
    }
    fs::write(root.join("init"), INIT)?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    fs::write(root.join("machine"), contents.settings)?;
    match contents.foreign {
        Some(system) => userland::copied(system, &root)?,
        None => userland::of_this_machine(&root)?,
    }
    for path in contents.built {
        let name = path.file_name().context("a program without a name")?.to_string_lossy();
        // Cargo calls a test executable NAME-HASH.
        let to = root.join("bin").join(name.split('-').next().unwrap_or(&name));
        copy(path, &to)?;
        if contents.foreign.is_none() {
            userland::libraries(path, &root)?;
        }
    }
    modules(kernel, &root)?;
    let image = folder.join("initramfs.cpio");
    archive(&root, &image)?;
    Ok(image)
}

/// A program of this machine: sbin is not on everybody's PATH.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    let mut folders = std::env::split_paths(&path).chain(system);
    folders
        .find_map(|folder| Some(folder.join(name)).filter(|p| p.is_file()))
        .with_context(|| format!("{name} is not here: `cargo xtask setup --for vm` installs it"))
}

/// Copies a file into a folder that need not be there.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).map(drop).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Copies the modules with those that they need, and writes in which order they are to be inserted.
fn modules(kernel: &Unpacked, root: &Path) -> Result<()> {
    // depmod reads lib/modules; newer packages have it in usr.
    let base = if kernel.base.join("lib/modules").exists() { kernel.base.clone() } else { kernel.base.join("usr") };
    let folder = base.join("lib/modules").join(&kernel.release);
    let depmod = program("depmod")?;
    quiet(Command::new(depmod).arg("-b").arg(&base).arg(&kernel.release).stderr(Stdio::null()))?;
    let table = fs::read_to_string(folder.join("modules.dep"))?;
    let mut order = String::new();
    for path in in_order(&table, MODULES) {
        let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".xz");
        let to = root.join("modules").join(name);
        if path.ends_with(".xz") {
            let to = fs::File::create(&to)?;
            quiet(Command::new("xz").arg("-dc").arg(folder.join(path)).stdout(to))?;
        } else {
            copy(&folder.join(path), &to)?;
        }
        order.push_str(name);
        order.push('\n');
    }
    fs::write(root.join("modules/order"), order)?;
    Ok(())
}

/// Files of a `modules.dep`, each after those that it needs (the table names them all, the deepest last).
fn in_order<'a>(table: &'a str, wanted: &[&str]) -> Vec<&'a str> {
    let by_name: HashMap<String, (&str, &str)> = table
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(path, needs)| (name(path), (path, needs)))
        .collect();
    let mut order: Vec<&str> = Vec::new();
    for (path, needs) in wanted.iter().filter_map(|name| by_name.get(*name)) {
        for file in needs.split_whitespace().rev().chain([*path]) {
            if !order.contains(&file) {
                order.push(file);
            }
        }
    }
    order
}

/// `kernel/net/ghash-generic.ko.xz` is the module `ghash_generic`.
fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or_default().replace('-', "_")
}

fn archive(root: &Path, image: &Path) -> Result<()> {
    let mut find = Command::new("find").arg(".").current_dir(root).stdout(Stdio::piped()).spawn()?;
    let list = find.stdout.take().context("find has no output")?;
    let mut cpio = Command::new("cpio");
    cpio.args(["-o", "-H", "newc", "--quiet", "-R", "0:0"]).current_dir(root).stdin(list);
    let made = cpio.stdout(fs::File::create(image)?).status()?;
    if !find.wait()?.success() || !made.success() {
        bail!("`{}` failed", shown(&cpio));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_after_what_it_needs() {
        let table = "kernel/net/sctp/sctp.ko: kernel/net/udp_tunnel.ko kernel/lib/libcrc32c.ko\n\
                     kernel/lib/libcrc32c.ko:\nkernel/net/udp_tunnel.ko:\nkernel/crypto/ghash-generic.ko.xz:\n";
        let order = in_order(table, &["sctp", "not_there", "ghash_generic"]);
        let expected = [
            "kernel/lib/libcrc32c.ko",
            "kernel/net/udp_tunnel.ko",
            "kernel/net/sctp/sctp.ko",
            "kernel/crypto/ghash-generic.ko.xz",
        ];
        assert_eq!(order, expected);
    }
}
