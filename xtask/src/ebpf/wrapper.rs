//! Stands between Cargo and rustc while the eBPF object is built, so that the object does not depend on the folder.
//!
//! Cargo derives `-C metadata` of a path dependency outside the workspace (`watcher-common`, seen from `watcher-ebpf`)
//! from its absolute path, and of everything that depends on it from that. It ends up in mangled symbol names, which are
//! in the object's symbol table and BTF. For the crates of this repository the value is replaced by one made of the name.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

/// Set (to the repository's root) for the Cargo that builds the object; its presence makes xtask act as rustc.
pub const VARIABLE: &str = "WATCHER_XTASK_RUSTC_FOR";

/// Runs rustc as Cargo asked for, metadata replaced; returns its exit code.
pub fn run(root: &OsStr) -> Result<i32> {
    let mut args = env::args_os().skip(1);
    let rustc = args.next().context("Cargo names rustc first when it calls a wrapper")?;
    let mut args: Vec<OsString> = args.collect();
    let ours = env::var_os("CARGO_MANIFEST_DIR").is_some_and(|dir| Path::new(&dir).starts_with(root));
    if ours {
        replace_metadata(&mut args);
    }
    let status = Command::new(&rustc).args(args).env_remove(VARIABLE).status().context("cannot start rustc")?;
    Ok(status.code().unwrap_or(1))
}

/// Replaces the value of `-C metadata=…` by one that says only which crate it is.
fn replace_metadata(args: &mut [OsString]) {
    let Some(name) = args.iter().position(|arg| arg == "--crate-name").and_then(|at| args.get(at + 1)).cloned() else {
        return;
    };
    for arg in args {
        for prefix in ["metadata=", "-Cmetadata="] {
            if arg.as_encoded_bytes().starts_with(prefix.as_bytes()) {
                *arg = OsString::from(prefix);
                arg.push("in-tree-");
                arg.push(&name);
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_metadata_is_replaced() {
        let mut args: Vec<OsString> =
            ["--crate-name", "watcher_common", "-C", "metadata=0123", "-C", "extra-filename=-0123", "src/lib.rs"]
                .map(OsString::from)
                .to_vec();
        replace_metadata(&mut args);
        let expected = [
            "--crate-name",
            "watcher_common",
            "-C",
            "metadata=in-tree-watcher_common",
            "-C",
            "extra-filename=-0123",
            "src/lib.rs",
        ];
        assert_eq!(args, expected.map(OsString::from));
    }
}
