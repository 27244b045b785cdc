//! apt, without questions.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::privilege::as_root;
use crate::run::{on_path, run};

/// Packages, a program that each brings, and the service that comes with it.
const SERVICES: &[(&str, &str, &str)] = &[
    ("nginx-light", "/usr/sbin/nginx", "nginx"),
    ("unbound", "/usr/sbin/unbound", "unbound"),
    ("openssh-server", "/usr/sbin/sshd", "ssh.service"),
    ("openssh-server", "/usr/sbin/sshd", "ssh.socket"),
    ("redis-server", "/usr/bin/redis-server", "redis-server"),
    ("postgresql", "/usr/bin/pg_createcluster", "postgresql"),
];

/// Installs packages; fetches the lists first where there are none, or where they turn out to be old.
pub fn install(packages: &[&str]) -> Result<()> {
    if !on_path("apt-get") {
        bail!("this system has no apt-get; install what stands for these Debian packages: {}", packages.join(", "));
    }
    let new =
        SERVICES.iter().filter(|(package, program, _)| packages.contains(package) && !Path::new(program).exists());
    let new: Vec<&str> = new.map(|(_, _, service)| *service).collect();
    let have_lists = lists_are_there();
    if !have_lists {
        update()?;
    }
    if let Err(error) = try_install(packages) {
        if !have_lists {
            return Err(error).context("apt could not install what is missing");
        }
        eprintln!("setup: once more, with new package lists");
        update()?;
        try_install(packages).context("apt could not install what is missing")?;
    }
    switch_off(&new);
    Ok(())
}

/// Whether apt knows a package of this name; asks again with new lists before it says no.
pub fn finds(package: &str) -> bool {
    if !on_path("apt-cache") {
        return false;
    }
    knows(package) || (update().is_ok() && knows(package))
}

/// Whether apt knows a package of this name.
fn knows(package: &str) -> bool {
    let mut command = std::process::Command::new("apt-cache");
    crate::run::capture(command.args(["show", "--no-all-versions", package])).is_ok_and(|text| !text.is_empty())
}

fn lists_are_there() -> bool {
    fs::read_dir("/var/lib/apt/lists")
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages")))
}

fn update() -> Result<()> {
    run(apt_get()?.args(["update", "-qq"])).context("apt could not fetch its package lists")
}

fn try_install(packages: &[&str]) -> Result<()> {
    run(apt_get()?.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages))
}

fn apt_get() -> Result<std::process::Command> {
    // sudo drops the environment, so it is set behind it.
    let mut command = as_root("env")?;
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"]);
    // Standard output belongs to what was asked for: `cargo xtask top --json | jq` works the first time too.
    command.args(["-o", "Dpkg::Use-Pty=0"]).stdout(std::io::stderr());
    Ok(command)
}

/// Debian starts these when they are installed; the tests want the programs only. One that was here before is somebody's.
fn switch_off(services: &[&str]) {
    if !services.is_empty()
        && Path::new("/run/systemd/system").exists()
        && let Ok(mut command) = as_root("systemctl")
        && let Err(error) = run(command.args(["disable", "--now", "--quiet"]).args(services))
    {
        eprintln!("setup: not every service is off of {}: {error:#}", services.join(", "));
    }
}
