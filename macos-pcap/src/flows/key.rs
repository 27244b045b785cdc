//! What tells flows apart, in as few bytes as that takes: every packet looks one up.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use watcher_core::Protocol;

/// A local end, a remote one, and between what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    local: End,
    remote: End,
    pub(super) slot: u32,
    pub(super) protocol: Protocol,
}

/// An address, of IPv4 mapped into IPv6 (RFC 4291, 2.5.5.2), and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    address: [u8; 16],
    port: u16,
}

impl Key {
    pub(super) fn new(protocol: Protocol, [local, remote]: [(IpAddr, u16); 2], slot: u32) -> Self {
        Self { local: local.into(), remote: remote.into(), slot, protocol }
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local.into()
    }

    pub(super) fn remote(&self) -> SocketAddr {
        self.remote.into()
    }

    /// Whether an end has this port.
    pub(super) fn has_port(&self, port: u16) -> bool {
        self.local.port == port || self.remote.port == port
    }
}

/// In a few large pieces.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.local.address));
        state.write_u128(u128::from_ne_bytes(self.remote.address));
        state.write_u64(u64::from(self.local.port) << 48 | u64::from(self.remote.port) << 32 | u64::from(self.slot));
        self.protocol.hash(state);
    }
}

impl From<(IpAddr, u16)> for End {
    fn from((address, port): (IpAddr, u16)) -> Self {
        let address = match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        Self { address, port }
    }
}

impl From<End> for SocketAddr {
    fn from(end: End) -> Self {
        Self::new(Ipv6Addr::from(end.address).to_canonical(), end.port)
    }
}
