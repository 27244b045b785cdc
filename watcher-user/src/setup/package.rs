//! The files of packages: the same texts that setup installs, man pages and completions. `cargo xtask dist` asks for them.

use std::{fs, path::Path};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{args::PackageFilesArgs, plan};
use crate::{cli::Cli, config};

/// Writes them all into a folder:
///
/// ```text
/// man/watcher.1, man/watcher-top.1 …     completions/watcher.bash, _watcher, watcher.fish
/// config.toml    watcher.service    sysusers.conf    com.dialtoneapp.watcher.plist
/// ```
///
/// # Errors
/// The folder cannot be written.
pub fn write(args: &PackageFilesArgs) -> anyhow::Result<()> {
    let dir = &args.dir;
    put(dir, "config.toml", config::template().as_bytes())?;
    put(dir, "watcher.service", plan::unit(&args.binary).as_bytes())?;
    put(dir, "sysusers.conf", plan::sysusers().as_bytes())?;
    put(dir, &format!("{}.plist", plan::LABEL), plan::plist(&args.binary).as_bytes())?;
    for (shell, name) in [(Shell::Bash, "watcher.bash"), (Shell::Zsh, "_watcher"), (Shell::Fish, "watcher.fish")] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "watcher", &mut script);
        put(&dir.join("completions"), name, &script)?;
    }
    let man = dir.join("man");
    let pages = fs::create_dir_all(&man).and_then(|()| clap_mangen::generate_to(Cli::command(), &man));
    pages.with_context(|| format!("writing the man pages into {}", man.display()))
}

fn put(dir: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let path = dir.join(name);
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(&path, bytes))
        .with_context(|| format!("writing {}", path.display()))
}
