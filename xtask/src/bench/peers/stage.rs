//! Where a job happens: namespaces of its own, and the processes that wait there to be told to begin.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::said::Bytes;
use crate::bench::actors::Actor;
use crate::bench::netns::{Container, SERVER, Veth};
use crate::run::capture;

/// Set, and not yet begun. Actors end before their namespaces do.
pub struct Stage {
    /// Who says what was moved; who answers.
    pub client: Actor,
    pub server: Actor,
    pub act: fn(&mut Self) -> Result<Outcome>,
    /// Processes whose bytes are not asked for, because they are at the far end.
    pub elsewhere: Vec<u32>,
    /// The device that the traffic passes where onlookers are.
    pub device: String,
    /// Kept until the end.
    pub _container: Option<Container>,
    pub veth: Veth,
}

/// What happened, as those say who did it.
pub struct Outcome {
    /// Whose bytes are asked for.
    pub moved: Vec<Moved>,
    /// Bytes or datagrams, and how long that took: what throughput is.
    pub work: u64,
    pub microseconds: u64,
}

/// One process, what the kernel calls it, and what its calls moved.
pub struct Moved {
    pub pid: u32,
    pub name: &'static str,
    pub bytes: Bytes,
}

/// Frames that passed a device, in bytes and in number, both directions.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    pub bytes: u64,
    pub packets: u64,
}

impl Stage {
    /// A command that runs where onlookers are that see one namespace.
    pub fn onlooker(&self, program: &Path) -> Command {
        self.veth.client(program)
    }

    /// What has passed the device so far.
    pub fn wire(&self) -> Result<Wire> {
        let mut ip = self.veth.client("ip");
        let said = capture(ip.args(["-json", "-statistics", "link", "show", "dev", &self.device]))?;
        let link: Value = serde_json::from_str(&said).context("ip printed something that is not JSON")?;
        let figure = |direction: &str, what: &str| link[0]["stats64"][direction][what].as_u64();
        let both = |what: &str| Some(figure("rx", what)? + figure("tx", what)?);
        let (Some(bytes), Some(packets)) = (both("bytes"), both("packets")) else { bail!("ip told no stats64") };
        // Loopback counts frames once their header is off (loopback_xmit in drivers/net/loopback.c), veth before.
        let header = if self.device == "lo" { 14 } else { 0 };
        Ok(Wire { bytes: bytes + header * packets, packets })
    }

    /// One packet and its answer, over the device.
    pub fn stir(&self) -> Result<()> {
        let to = if self.device == "lo" { "127.0.0.1" } else { SERVER };
        capture(self.veth.client("ping").args(["-c", "1", "-W", "2", to])).map(drop)
    }

    /// The client moves everything, and says: received, sent, microseconds.
    pub fn client_moves(&mut self, name: &'static str) -> Result<Outcome> {
        self.client.go()?;
        let [received, sent, microseconds] = self.client.numbers()?;
        let moved = Moved { pid: self.client.pid(), name, bytes: Bytes { received, sent } };
        Ok(Outcome { work: received + sent, microseconds, moved: vec![moved] })
    }

    /// The server says what it has moved: received, sent.
    pub fn server_moved(&mut self, name: &'static str) -> Result<Moved> {
        let [received, sent] = self.server.numbers()?;
        Ok(Moved { pid: self.server.pid(), name, bytes: Bytes { received, sent } })
    }
}

/// What processes say that `actor` has started, a line each, until the actor itself says one number.
pub fn children(actor: &mut Actor, name: &'static str) -> Result<(Vec<Moved>, u64)> {
    let mut moved = Vec::new();
    loop {
        match actor.any_numbers()?[..] {
            [last] => return Ok((moved, last)),
            [pid, received, sent] => {
                moved.push(Moved { pid: u32::try_from(pid)?, name, bytes: Bytes { received, sent } });
            }
            ref other => bail!("one or three numbers were expected, not {other:?}"),
        }
    }
}
