//! The user and group `watcher`, and who is in it. Each system has its own tools for that.

use anyhow::{Context as _, bail};
use nix::unistd::{Group, User};

use super::{
    plan::{Platform, SYSUSERS},
    run::{find, run},
};

/// The user of the service, and the group that may ask it.
pub const NAME: &str = "watcher";

/// Makes what is missing. Says whether anything was.
///
/// # Errors
/// The system's tools are missing or fail.
pub fn make(platform: Platform) -> anyhow::Result<bool> {
    if has_group()? && (platform == Platform::MacOs || has_user()?) {
        return Ok(false);
    }
    if platform == Platform::MacOs {
        return tool(&["dseditgroup"], &["-o", "create", "-r", "may ask watcher", NAME]).map(|()| true);
    }
    if let Some(sysusers) = find(&["systemd-sysusers"]) {
        run(&sysusers, &[SYSUSERS])?;
    }
    let home = ["--home-dir", "/var/lib/watcher", "--shell", "/usr/sbin/nologin"];
    if !has_group()? {
        match find(&["groupadd"]) {
            Some(groupadd) => run(&groupadd, &["--system", NAME])?,
            None => run(&needed(&["addgroup"])?, &["-S", NAME])?,
        };
    }
    if !has_user()? {
        match find(&["useradd"]) {
            Some(useradd) => {
                run(&useradd, &[&["--system", "--gid", NAME, "--no-create-home"], &home[..], &[NAME]].concat())?
            }
            // BusyBox.
            None => run(&needed(&["adduser"])?, &["-S", "-D", "-H", "-h", home[1], "-s", home[3], "-G", NAME, NAME])?,
        };
    }
    Ok(true)
}

/// Lets `user` ask the running watcher.
///
/// # Errors
/// There is no such user, or the system's tools are missing or fail.
pub fn join(platform: Platform, user: &str) -> anyhow::Result<()> {
    check_user(user).map_err(anyhow::Error::msg)?;
    if platform == Platform::MacOs {
        return tool(&["dseditgroup"], &["-o", "edit", "-a", user, "-t", "user", NAME]);
    }
    match find(&["usermod"]) {
        Some(usermod) => run(&usermod, &["-aG", NAME, user])?,
        None => run(&needed(&["addgroup"])?, &[user, NAME])?,
    };
    Ok(())
}

/// Whether there is such a user.
///
/// # Errors
/// There is none, in words.
pub fn check_user(name: &str) -> Result<(), String> {
    match User::from_name(name) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(format!("there is no user {name:?} on this machine")),
        Err(error) => Err(format!("looking for the user {name:?}: {error}")),
    }
}

/// Removes both. Says whether there was one.
///
/// # Errors
/// The system's tools are missing or fail.
pub fn remove(platform: Platform) -> anyhow::Result<bool> {
    let mut removed = false;
    if platform == Platform::Linux && has_user()? {
        tool(&["userdel", "deluser"], &[NAME])?;
        removed = true;
    }
    // Most tools take the group of that name with the user.
    if has_group()? {
        match platform {
            Platform::MacOs => tool(&["dseditgroup"], &["-o", "delete", NAME])?,
            Platform::Linux => tool(&["groupdel", "delgroup"], &[NAME])?,
        }
        removed = true;
    }
    Ok(removed)
}

fn has_user() -> anyhow::Result<bool> {
    Ok(User::from_name(NAME).context("looking for the user watcher")?.is_some())
}

fn has_group() -> anyhow::Result<bool> {
    Ok(Group::from_name(NAME).context("looking for the group watcher")?.is_some())
}

fn tool(names: &[&str], args: &[&str]) -> anyhow::Result<()> {
    run(&needed(names)?, args).map(drop)
}

fn needed(names: &[&str]) -> anyhow::Result<std::path::PathBuf> {
    let Some(path) = find(names) else {
        bail!(
            "this system has no {}: make the user and group `{NAME}` by hand, and run this again",
            names.join(" or ")
        );
    };
    Ok(path)
}
