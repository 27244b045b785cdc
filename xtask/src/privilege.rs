//! Root: who is it already, and how a single command becomes it.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Result, bail};

use crate::run::on_path;

/// Whether this process is root already.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A command that runs as root: as it is when root already, else through sudo.
pub fn as_root(program: impl AsRef<OsStr>) -> Result<Command> {
    if is_root() {
        return Ok(Command::new(program));
    }
    if !on_path("sudo") {
        bail!("`{}` needs root and there is no sudo here: run this as root", program.as_ref().to_string_lossy());
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}
