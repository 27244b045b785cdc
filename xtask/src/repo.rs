//! Where things lie in this repository. It only names places; it never reads or writes them.

use std::env;
use std::path::{Path, PathBuf};

/// The folder that holds the workspace's `Cargo.toml`.
pub fn root() -> PathBuf {
    // Cargo sets the variable at run time: a built xtask still finds the tree after the tree has moved.
    let crate_dir =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    crate_dir.parent().map_or(crate_dir.clone(), Path::to_path_buf)
}

/// Cargo's target folder, wherever the user has put it.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where eBPF builds happen: apart from the workspace's own target folder, because target and flags differ.
pub fn bpf_target_dir() -> PathBuf {
    target_dir().join("bpf")
}

/// Cargo's home: the registry's sources lie in it, and the programs that `cargo install` puts there.
pub fn cargo_home() -> PathBuf {
    let from_home = || env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from).join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(from_home, PathBuf::from)
}
