//! The way back: what setup made goes, what was collected and configured stays unless it is to go too.

use std::{io, path::Path, process::ExitCode};

use anyhow::{Context as _, bail};

use super::{
    PACKAGED_UNITS, STATE, accounts,
    args::UninstallArgs,
    ask::Asker,
    configuration, facts,
    files::Root,
    plan::{BINARY, LABEL, PLIST, Platform, SYSUSERS, UNIT, WANTED},
    say,
    service::Manager,
    somebody_is_there, wrong_usage,
};
use crate::{agent, cli::Which};

/// The configuration's folder.
const CONFIG: &str = "/etc/watcher";

impl UninstallArgs {
    /// What is wrong with them before anything is looked at.
    ///
    /// # Errors
    /// Wrong usage.
    pub fn check(&self) -> Result<(), clap::Error> {
        if self.yes || somebody_is_there() {
            return Ok(());
        }
        Err(wrong_usage("uninstall", "uninstall asks before it removes, and this is no terminal; say --yes"))
    }
}

/// Where the control socket was; systemd removes it itself.
const RUN: &str = "/run/watcher";

/// Stops and removes what setup made.
///
/// # Errors
/// Something cannot be stopped or removed; what was removed before is gone, and uninstall can be run again.
pub fn uninstall(args: &UninstallArgs) -> anyhow::Result<ExitCode> {
    let root = Root::new(args.root.as_deref())?;
    let platform = Platform::here();
    if root.is_live() && !nix::unistd::geteuid().is_root() {
        bail!("uninstall removes from the whole machine, which takes root; try: sudo watcher uninstall");
    }
    let packaged = PACKAGED_UNITS.iter().find(|unit| root.at(unit).exists());
    if let Some(unit) = packaged.filter(|_| !root.at(UNIT).exists() && !root.at(BINARY).exists()) {
        bail!(
            "a package brought watcher ({unit}): remove it with the package manager, such as: sudo apt-get remove watcher"
        );
    }
    if !args.yes && !confirmed(args.purge)? {
        say("Nothing was removed.")?;
        return Ok(ExitCode::SUCCESS);
    }
    // Read before it goes; one that is wrong keeps nobody from leaving.
    let elsewhere = facts(&root, platform)
        .and_then(|facts| configuration(facts.config.as_deref()))
        .ok()
        .and_then(|config| config.paths.state)
        .filter(|state| state != Path::new(STATE));
    if root.is_live() {
        stop(&Manager::here(platform))?;
    }
    let mut removed = remove(&root, &[WANTED, UNIT, PLIST, SYSUSERS, BINARY, RUN])?;
    if root.is_live() {
        Manager::here(platform).reload()?;
    }
    if args.purge {
        removed |= remove(&root, &[CONFIG, STATE, "/var/log/watcher.log"])?;
        if root.is_live() && packaged.is_none() && accounts::remove(platform)? {
            say("removed   user and group watcher")?;
            removed = true;
        }
        if let Some(state) = elsewhere {
            say(format_args!("kept      {}, which the configuration named: remove it by hand", state.display()))?;
        }
    } else {
        for path in [CONFIG, STATE] {
            if root.at(path).exists() {
                say(format_args!("kept      {} (--purge removes it)", root.at(path).display()))?;
            }
        }
    }
    say(if removed { "watcher is uninstalled." } else { "There was nothing to remove." })?;
    Ok(ExitCode::SUCCESS)
}

fn confirmed(purge: bool) -> anyhow::Result<bool> {
    let question = if purge {
        "Remove watcher with its configuration and everything it has collected?"
    } else {
        "Remove watcher? Its configuration and what it has collected stay."
    };
    Asker::new(io::stdin().lock(), io::stdout()).yes_or_no(question, !purge)
}

/// The service, and a daemon that was started without one.
fn stop(manager: &Manager) -> anyhow::Result<()> {
    manager.stop().with_context(|| format!("stopping the service ({LABEL}, watcher.service)"))?;
    if agent::Lock::holder(Path::new(STATE)).is_ok_and(|pid| pid.is_some()) {
        let system = Which { state: Some(STATE.into()), ..Which::default() };
        agent::stop(&system.options())?;
    }
    Ok(())
}

fn remove(root: &Root, paths: &[&str]) -> anyhow::Result<bool> {
    let mut removed = false;
    for path in paths {
        if root.remove(path)? {
            say(format_args!("removed   {}", root.at(path).display()))?;
            root.prune_above(path);
            removed = true;
        }
    }
    Ok(removed)
}
