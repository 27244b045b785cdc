//! Two network namespaces joined by a veth pair: a real network on one machine. Gone when dropped.

use std::ffi::OsStr;
use std::process::{self, Command};

use anyhow::Result;

use crate::run::{capture, quiet};

/// The address of the server's end.
pub const SERVER: &str = "10.213.0.1";
/// The address of the client's end.
pub const CLIENT: &str = "10.213.0.2";
/// A container's address, and its host's on the way to it.
const INNER: (&str, &str) = ("10.213.1.2", "10.213.1.1");

/// The two namespaces.
pub struct Veth {
    server: String,
    client: String,
    client_device: String,
}

/// What a container has: a namespace of its own behind the client's, which forwards for it.
pub struct Container {
    name: String,
}

impl Veth {
    /// Makes them, under names that no other process uses.
    pub fn new() -> Result<Self> {
        let id = process::id();
        let (a, b) = (format!("ws{id}"), format!("wc{id}"));
        let (server, client) = (format!("watcher-s{id}"), format!("watcher-c{id}"));
        let veth = Self { server, client, client_device: b.clone() };
        for namespace in [&veth.server, &veth.client] {
            ip(&["netns", "add", namespace])?;
            ip(&["-n", namespace, "link", "set", "lo", "up"])?;
        }
        ip(&["-n", &veth.server, "link", "add", &a, "type", "veth", "peer", "name", &b, "netns", &veth.client])?;
        for (namespace, link, address) in [(&veth.server, &a, SERVER), (&veth.client, &b, CLIENT)] {
            ip(&["-n", namespace, "address", "add", &format!("{address}/24"), "dev", link])?;
            ip(&["-n", namespace, "link", "set", link, "up"])?;
        }
        Ok(veth)
    }

    /// The namespace of the server's end.
    pub fn server_name(&self) -> &str {
        &self.server
    }

    /// The namespace of the client's end.
    pub fn client_name(&self) -> &str {
        &self.client
    }

    /// The device of the client's end.
    pub fn client_device(&self) -> &str {
        &self.client_device
    }

    /// What hosts of IPv6 tell each other by themselves stays untold.
    pub fn without_ipv6(&self) -> Result<()> {
        for namespace in [&self.server, &self.client] {
            sysctl(namespace, "net.ipv6.conf.all.disable_ipv6=1")?;
        }
        Ok(())
    }

    /// Makes a namespace behind the client's, from which the server is reached through that.
    pub fn container(&self) -> Result<Container> {
        let id = process::id();
        let container = Container { name: format!("watcher-i{id}") };
        let (outer, inner) = (format!("wo{id}"), format!("wi{id}"));
        ip(&["netns", "add", &container.name])?;
        sysctl(&container.name, "net.ipv6.conf.all.disable_ipv6=1")?;
        let (address, gateway) = INNER;
        let peer = ["peer", "name", &inner, "netns", &container.name];
        ip(&[&["-n", &self.client, "link", "add", &outer, "type", "veth"][..], &peer].concat())?;
        for (namespace, link, address) in [(&self.client, &outer, gateway), (&container.name, &inner, address)] {
            ip(&["-n", namespace, "address", "add", &format!("{address}/24"), "dev", link])?;
            ip(&["-n", namespace, "link", "set", link, "up"])?;
        }
        sysctl(&self.client, "net.ipv4.ip_forward=1")?;
        ip(&["-n", &container.name, "route", "add", "default", "via", gateway])?;
        ip(&["-n", &self.server, "route", "add", &format!("{address}/32"), "via", CLIENT])?;
        Ok(container)
    }

    /// A command that runs at the server's end.
    pub fn server(&self, program: impl AsRef<OsStr>) -> Command {
        inside(&self.server, program.as_ref())
    }

    /// A command that runs at the client's end.
    pub fn client(&self, program: impl AsRef<OsStr>) -> Command {
        inside(&self.client, program.as_ref())
    }
}

impl Container {
    /// A command that runs in it.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        inside(&self.name, program.as_ref())
    }
}

impl Drop for Veth {
    fn drop(&mut self) {
        // The pair goes with its namespaces.
        for namespace in [&self.server, &self.client] {
            delete(namespace);
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        delete(&self.name);
    }
}

fn delete(namespace: &str) {
    if let Err(error) = capture(Command::new("ip").args(["netns", "delete", namespace])) {
        eprintln!("note: {error:#}");
    }
}

fn sysctl(namespace: &str, setting: &str) -> Result<()> {
    capture(inside(namespace, "sysctl".as_ref()).args(["-q", "-w", setting])).map(drop)
}

fn ip(args: &[&str]) -> Result<()> {
    quiet(Command::new("ip").args(args))
}

fn inside(namespace: &str, program: &OsStr) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}
