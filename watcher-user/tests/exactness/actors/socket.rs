//! Making sockets.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::AsFd,
    str::FromStr,
};

use anyhow::{Context as _, Result, anyhow, bail};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::patience::patience;

/// No call of an actor blocks longer, in seconds: some wait for as long as a watcher stands still (tests/faults/room.rs).
const PATIENCE: u64 = 90;

/// An address to bind, by a name: `v4`, `v6`, `mapped`, or any address.
#[derive(Debug, Clone, Copy)]
pub struct Host(pub IpAddr);

impl FromStr for Host {
    type Err = std::net::AddrParseError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(Self(match s {
            "v4" => Ipv4Addr::LOCALHOST.into(),
            "v6" => Ipv6Addr::LOCALHOST.into(),
            "mapped" => Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(),
            other => other.parse()?,
        }))
    }
}

impl Host {
    /// With a port; 0 lets the kernel choose.
    pub fn port(self, port: u16) -> SocketAddr {
        SocketAddr::new(self.0, port)
    }
}

/// A transport by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// IPPROTO_MPTCP
    Mptcp,
    /// IPPROTO_SCTP, one-to-one style
    Sctp,
}

impl FromStr for Transport {
    type Err = anyhow::Error;
    fn from_str(s: &str) -> Result<Self> {
        Ok(match s {
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "mptcp" => Self::Mptcp,
            "sctp" => Self::Sctp,
            other => bail!("no transport {other}"),
        })
    }
}

impl Transport {
    /// As watcher names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Mptcp => "mptcp",
            Self::Sctp => "sctp",
        }
    }

    /// A socket for addresses like `address`.
    pub fn socket(self, address: SocketAddr) -> Result<Socket> {
        let (kind, protocol) = match self {
            Self::Tcp => (Type::STREAM, Protocol::TCP),
            Self::Udp => (Type::DGRAM, Protocol::UDP),
            Self::Mptcp => (Type::STREAM, Protocol::from(libc::IPPROTO_MPTCP)),
            Self::Sctp => (Type::STREAM, Protocol::from(libc::IPPROTO_SCTP)),
        };
        let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))
            .with_context(|| format!("a {self:?} socket"))?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        bounded(&socket)?;
        Ok(socket)
    }

    /// A bound socket; streams listen.
    pub fn bind(self, address: SocketAddr) -> Result<Socket> {
        let socket = self.socket(address)?;
        socket.bind(&address.into()).with_context(|| format!("binding {address}"))?;
        if self != Self::Udp {
            socket.listen(1024)?;
        }
        Ok(socket)
    }

    /// A connected socket.
    pub fn connect(self, address: SocketAddr) -> Result<Socket> {
        let socket = self.socket(address)?;
        socket.connect(&address.into()).with_context(|| format!("connecting to {address}"))?;
        Ok(socket)
    }
}

/// No call on this socket blocks for ever. MPTCP takes no such time on Linux 5.15; there, who waits for
/// the actor gives up.
fn bounded(socket: &Socket) -> Result<()> {
    let time = Some(patience(PATIENCE));
    for set in [Socket::set_read_timeout, Socket::set_write_timeout] {
        match set(socket, time) {
            Err(e) if e.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
            done => done?,
        }
    }
    Ok(())
}

/// The next connection.
pub fn accept(listener: &Socket) -> Result<Socket> {
    let (socket, _) = listener.accept().context("accepting")?;
    bounded(&socket)?;
    Ok(socket)
}

/// This end.
pub fn local(fd: &impl AsFd) -> Result<SocketAddr> {
    SockRef::from(fd).local_addr()?.as_socket().ok_or_else(|| anyhow!("not an IP socket"))
}

/// The other end.
pub fn remote(fd: &impl AsFd) -> Result<SocketAddr> {
    SockRef::from(fd).peer_addr()?.as_socket().ok_or_else(|| anyhow!("not an IP socket"))
}
