//! Starts the system's own tools, with errors that say what they said.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

/// The first of these programs that the system has.
pub fn find(names: &[&str]) -> Option<PathBuf> {
    // sbin is not on everybody's PATH.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
    let folders: Vec<_> = std::env::split_paths(&path).chain(system).filter(|folder| folder.is_absolute()).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
}

/// Runs it and waits; what it prints is only seen when it fails.
///
/// # Errors
/// It cannot be started, or fails.
pub fn run(program: &Path, args: &[&str]) -> anyhow::Result<String> {
    let shown = || format!("{} {}", program.display(), args.join(" "));
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("starting `{}`", shown()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", shown(), output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
