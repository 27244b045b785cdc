//! Which end of a packet is this machine.

use std::collections::HashSet;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use watcher_core::Scope;

use crate::link::Way;

/// The addresses of this machine.
#[derive(Debug, Clone, Default)]
pub struct Hosts(HashSet<IpAddr, RandomState>);

/// Which ends of a packet count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sides {
    /// The sender is here.
    pub(super) sent: bool,
    /// The receiver is here.
    pub(super) received: bool,
}

impl Hosts {
    /// This machine has these addresses, and those of the loopback networks.
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self(addresses.into_iter().collect())
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.0.contains(&address)
    }

    /// A frame that states its way settles it, also on loopback, where the same packet comes by twice: out, and in again.
    pub(super) fn sides(&self, way: Option<Way>, source: IpAddr, destination: IpAddr) -> Sides {
        match way {
            Some(Way::Out) => Sides { sent: true, received: false },
            Some(Way::In) => Sides { sent: false, received: true },
            None => Sides { sent: self.has(source), received: self.has(destination) },
        }
    }

    pub(super) fn scope(&self, source: IpAddr, destination: IpAddr) -> Scope {
        if self.has(source) && self.has(destination) { Scope::Loopback } else { Scope::Network }
    }
}
