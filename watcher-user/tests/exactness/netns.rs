//! Network namespaces of a test, gone when the test is over.

use std::{
    fs::File,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result, bail};
use nix::sched::{CloneFlags, setns};

const PREFIX: &str = "exactness";

/// Moves the calling process (which must have one thread) into a namespace.
pub fn enter(name: &str) -> Result<()> {
    let path = format!("/run/netns/{name}");
    let file = File::open(&path).with_context(|| path.clone())?;
    setns(file, CloneFlags::CLONE_NEWNET).with_context(|| format!("setns {path}"))
}

/// A network namespace with its loopback up.
pub struct Netns {
    name: String,
}

impl Netns {
    /// A new one.
    pub fn new() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        sweep();
        let name = format!("{PREFIX}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        ip(&format!("netns add {name}"))?;
        let it = Self { name };
        it.ip("link set lo up")?;
        Ok(it)
    }

    /// Two, joined by a veth pair `veth0` in each: 10.77.0.1/24 and fd77::1/64 here, .2 and ::2 there.
    pub fn pair() -> Result<(Self, Self)> {
        let (a, b) = (Self::new()?, Self::new()?);
        ip(&format!("-n {} link add veth0 type veth peer name veth0 netns {}", a.name, b.name))?;
        for (ns, n) in [(&a, 1), (&b, 2)] {
            ns.ip(&format!("addr add 10.77.0.{n}/24 dev veth0"))?;
            ns.ip(&format!("addr add fd77::{n}/64 dev veth0 nodad"))?;
            ns.ip("link set veth0 up")?;
        }
        Ok((a, b))
    }

    /// Its name, as `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `ip -n NAME words`
    pub fn ip(&self, words: &str) -> Result<String> {
        ip(&format!("-n {} {words}", self.name))
    }

    /// The MAC address of a device inside.
    pub fn link_address(&self, device: &str) -> Result<String> {
        let said = self.ip(&format!("-o link show {device}"))?;
        let address = said.split_once("link/ether ").and_then(|(_, rest)| rest.split(' ').next());
        Ok(address.with_context(|| format!("no link address in {said}"))?.to_owned())
    }

    /// Runs a program inside.
    pub fn run(&self, program: &str, words: &str) -> Result<String> {
        ip(&format!("netns exec {} {program} {words}", self.name))
    }

    /// Sets a sysctl of this namespace.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/{}", key.replace('.', "/"));
        run(Command::new("ip").args(["netns", "exec", &self.name, "sh", "-c", &format!("echo '{value}' > {path}")]))
            .map(|_| ())
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        if let Err(e) = ip(&format!("netns del {}", self.name)) {
            eprintln!("{e:#}");
        }
    }
}

/// Removes what a killed run left behind.
fn sweep() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for entry in std::fs::read_dir("/run/netns").into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name.strip_prefix(PREFIX).and_then(|n| n.split('-').nth(1)).map(|pid| format!("/proc/{pid}"));
            if owner.is_some_and(|proc| !std::path::Path::new(&proc).exists()) {
                ip(&format!("netns del {name}")).ok();
            }
        }
    });
}

fn ip(words: &str) -> Result<String> {
    run(Command::new("ip").args(words.split_whitespace()))
}

fn run(command: &mut Command) -> Result<String> {
    let out = command.output().with_context(|| format!("{command:?} (iproute2: `cargo xtask setup` installs it)"))?;
    if !out.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}
