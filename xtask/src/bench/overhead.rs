//! docs/overhead.md: put together from pieces that each bench leaves in target/overhead/.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::repo;
use crate::run::capture;
use crate::vm::cost;

/// All of it, as a bench.
pub const NAME: &str = "overhead";

/// The pieces in the page's order: what they are called, and their heading.
const PIECES: &[(&str, &str)] = &[
    ("scaling", "More flows, more processes"),
    ("flame", "Where the daemon's time goes"),
    ("hooks", "Added time for a hook, on this kernel"),
    ("instructions", "Added instructions for a hook, by kernel"),
];
/// Pictures, by the pieces that show them.
const PICTURES: &[&str] = &["scaling", "scaling-processes", "flame"];

const HEAD: &str = "\
# Overhead

Written by `cargo xtask bench overhead --write`, from its own runs; not to be edited. What a call costs more and the other
limits are `cargo xtask bench`'s.
";

/// One bench's part of the page.
pub struct Piece(&'static str);

impl Piece {
    /// The one of this name.
    pub fn named(name: &'static str) -> Self {
        Self(name)
    }

    /// Where its picture goes.
    pub fn picture(&self) -> Result<PathBuf> {
        let folder = repo::target_dir().join("overhead");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder.join(self.0).with_extension("svg"))
    }

    /// Keeps what it says, and below that how it came about.
    pub fn write(&self, text: &str, made_by: &str) -> Result<()> {
        let path = self.picture()?.with_extension("md");
        fs::write(&path, format!("{text}\n{made_by}\n")).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The command, the machine and the sources of a piece.
pub fn made_by(command: &str, quick: bool) -> String {
    let quick = if quick { " --quick" } else { "" };
    let mut git = Command::new("git");
    let git = git.current_dir(repo::root()).args(["describe", "--always", "--dirty", "--exclude", "*"]);
    let tree = capture(git).unwrap_or_else(|_| "unknown".to_owned());
    format!("`cargo xtask {command}{quick}`: {}, sources {tree}.", machine())
}

/// Processor, memory, kernel.
fn machine() -> String {
    let said = |path: &str, key: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = said("/proc/cpuinfo", "model name").unwrap_or_else(|| "a processor without a name".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kibibytes = said("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let gibibytes = kibibytes.unwrap_or_default() / (1 << 20);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} × {processor}, {gibibytes} GiB, Linux {}", kernel.trim())
}

/// What other kernels say. Where they cannot be booted, the rest is measured all the same, and the page says what is missing.
pub fn elsewhere(watcher: &Path) {
    let jobs = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
    let measured = cost::machines().and_then(|machines| cost::measure(&machines, jobs, Some(watcher.to_path_buf())));
    if let Err(error) = measured {
        eprintln!("note: other kernels: {error:#}");
    }
}

/// Writes the page and its pictures.
pub fn write() -> Result<()> {
    let (docs, made) = (repo::root().join("docs"), repo::target_dir().join("overhead"));
    for picture in PICTURES {
        let from = made.join(picture).with_extension("svg");
        if from.exists() {
            fs::copy(&from, docs.join(picture).with_extension("svg"))
                .with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    let page = page(|name| fs::read_to_string(made.join(name).with_extension("md")).ok());
    fs::write(docs.join("overhead.md"), page).context("cannot write docs/overhead.md")
}

/// What was never measured is said to be missing.
fn page(piece: impl Fn(&str) -> Option<String>) -> String {
    PIECES.iter().fold(HEAD.to_owned(), |page, (name, heading)| {
        let text = piece(name).unwrap_or_else(|| "Left out: it was not run.\n".to_owned());
        format!("{page}\n## {heading}\n\n{text}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_is_missing_is_said_to_be() {
        let page = page(|_| None);
        assert!(page.contains("\n## More flows, more processes\n\nLeft out: it was not run.\n"), "{page}");
    }
}
