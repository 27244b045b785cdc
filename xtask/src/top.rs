//! `cargo xtask top`: from a fresh clone to a running `watcher top`.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result, bail};

use crate::ebpf::build::host_arch;
use crate::privilege::as_root;
use crate::run::{cargo, quiet, shown};
use crate::{build_ebpf, repo, setup};

/// Runs the verb: what is left of the command line goes to `watcher top` as it is.
pub fn main(args: lexopt::Parser) -> Result<()> {
    let arguments = rest(args)?;
    let missing = setup::install_packages(setup::Purpose::Top)?;
    if !missing.is_empty() {
        bail!("could not be had: {}", missing.join(", "));
    }
    if let Ok(differing) = build_ebpf::stale_sources(host_arch())
        && !differing.is_empty()
    {
        eprintln!(
            "note: the eBPF sources were edited; this runs the committed object (`cargo xtask build-ebpf` makes another)"
        );
    }
    let mut cargo = cargo();
    cargo.args(["build", "--release", "--package", "watcher-user", "--bin", "watcher"]);
    eprintln!("$ {}", shown(&cargo));
    quiet(cargo.env_remove("WATCHER_EBPF_OBJECT")).context("watcher could not be built")?;
    let program = repo::target_dir().join("release/watcher");
    // sudo drops the environment but for the terminal's kind; what the screen depends on goes through by name.
    let mut command = as_root("env")?;
    for variable in ["NO_COLOR", "COLORTERM", "LANG", "LC_ALL"] {
        if let Some(value) = env::var_os(variable) {
            let mut pair = OsString::from(variable);
            pair.push("=");
            pair.push(value);
            command.arg(pair);
        }
    }
    command.arg(&program).arg("top").args(arguments);
    Err(command.exec()).with_context(|| format!("cannot start `{}`", shown(&command)))
}

/// Everything on the command line from here on, unread.
fn rest(mut args: lexopt::Parser) -> Result<Vec<OsString>> {
    Ok(args.raw_args()?.collect())
}
