//! What a system says of its sockets at one moment.

use std::net::{IpAddr, SocketAddr};

use watcher_core::{BootTime, Protocol};

use crate::flows::Owner;

/// All sockets of a machine, as far as they can own packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// A socket that existed from before this until [`Listing::ended`] is in it.
    pub began: BootTime,
    /// Nothing in it was read later.
    pub ended: BootTime,
    /// In any order; one socket that several processes hold may be in it several times.
    pub sockets: Vec<Listed>,
}

/// One socket, in the hands of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The protocol.
    pub protocol: Protocol,
    /// Local address, unspecified where it takes any; port 0 where the protocol has none.
    pub local: SocketAddr,
    /// `None`: not connected, or listening.
    pub remote: Option<SocketAddr>,
    /// Takes no IPv4 where it takes any address of IPv6.
    pub is_v6_only: bool,
    /// Who holds it. [`Owner::NotYet`]: a connection that its listener has not accepted.
    pub owner: Owner,
}

impl Listed {
    /// As packets name it: IPv4-mapped addresses as IPv4, without scopes; an unspecified remote is none.
    #[must_use]
    pub fn canonical(self) -> Self {
        let remote = self.remote.map(plain).filter(|remote| !remote.ip().is_unspecified());
        Self { local: plain(self.local), remote, ..self }
    }
}

fn plain(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip().to_canonical();
    SocketAddr::new(ip, address.port())
}
