//! Starts other programs: shown before they run, with an error that says what was being run.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::repo;

/// Cargo at the root of this workspace, as a shell would start it.
pub fn cargo() -> Command {
    let mut cargo = as_from_a_shell(Command::new("cargo"));
    cargo.current_dir(repo::root());
    cargo
}

/// Without what `cargo run` tells xtask about xtask's own package. Build scripts look at such variables (ring's): what is
/// built from here and what is built from a shell would each throw away what the other has made.
pub fn as_from_a_shell(mut command: Command) -> Command {
    let of_a_package = |name: &OsStr| {
        ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
    };
    for (name, _) in env::vars_os().filter(|(name, _)| of_a_package(name)) {
        command.env_remove(name);
    }
    command
}

/// The command as a line that a person could type.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Shows the command, runs it with this terminal, and fails when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    quiet(command)
}

/// Runs the command with this terminal and fails when it fails.
pub fn quiet(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// What the command prints, trimmed; its complaints become part of the error.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", shown(command), output.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether `program` is on the PATH.
pub fn on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// The executable that a line of Cargo's JSON announces.
pub fn executable(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let path = Path::new(message["executable"].as_str()?);
    fs::exists(path).ok()?.then(|| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_told_nothing_about_the_package_of_xtask() {
        let removed: Vec<_> =
            cargo().get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name.to_owned()).collect();
        // Cargo sets these for this test, as `cargo run` does for xtask.
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(
                env::var_os(name).is_some() && removed.iter().any(|removed| removed == name),
                "{name}: {removed:?}"
            );
        }
        assert!(!removed.iter().any(|name| name == "CARGO_HOME" || name == "CARGO_TARGET_DIR"), "{removed:?}");
    }

    #[test]
    fn a_shown_command_can_be_pasted_into_a_shell() {
        let mut command = Command::new("echo");
        command.args(["a-b", "two words", "it's", ""]);
        assert_eq!(shown(&command), r"echo a-b 'two words' 'it'\''s' ''");
    }
}
