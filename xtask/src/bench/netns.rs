//! Two network namespaces joined by a veth pair: a real network on one machine. Gone when dropped.

use std::ffi::OsStr;
use std::process::{self, Command};

use anyhow::Result;

use crate::run::{capture, quiet};

/// The address of the server's end.
pub const SERVER: &str = "10.213.0.1";
const CLIENT: &str = "10.213.0.2";

/// The two namespaces.
pub struct Veth {
    server: String,
    client: String,
}

impl Veth {
    /// Makes them, under names that no other process uses.
    pub fn new() -> Result<Self> {
        let id = process::id();
        let veth = Self { server: format!("watcher-s{id}"), client: format!("watcher-c{id}") };
        let (a, b) = (format!("ws{id}"), format!("wc{id}"));
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

    /// A command that runs at the server's end.
    pub fn server(&self, program: impl AsRef<OsStr>) -> Command {
        inside(&self.server, program.as_ref())
    }

    /// A command that runs at the client's end.
    pub fn client(&self, program: impl AsRef<OsStr>) -> Command {
        inside(&self.client, program.as_ref())
    }
}

impl Drop for Veth {
    fn drop(&mut self) {
        for namespace in [&self.server, &self.client] {
            // The pair goes with its namespace.
            if let Err(error) = capture(Command::new("ip").args(["netns", "delete", namespace])) {
                eprintln!("note: {error:#}");
            }
        }
    }
}

fn ip(args: &[&str]) -> Result<()> {
    quiet(Command::new("ip").args(args))
}

fn inside(namespace: &str, program: &OsStr) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}
