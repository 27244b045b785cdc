//! What a protocol is called: what the flow showed first, else what its port is for.

use crate::{Direction, FlowSample, Protocol};

/// A protocol by the name that a rollup gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(&'static str);

impl Label {
    /// `HTTPS`, `DNS`, `TCP` …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// What a flow showed of itself in its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Observed {
    /// A TLS ClientHello.
    Tls,
    /// A QUIC Initial.
    Quic,
    /// An HTTP/1 request line.
    Http,
    /// An SSH banner.
    Ssh,
    /// A DNS message.
    Dns,
}

/// The label of a flow. The port that tells is the remote one, and the local one of what this side accepted.
#[must_use]
pub fn label(observed: Option<Observed>, sample: &FlowSample) -> Label {
    let port = service_port(sample);
    Label(match observed {
        Some(Observed::Tls) if port == 443 => "HTTPS",
        Some(Observed::Tls) => "TLS",
        Some(Observed::Quic) => "QUIC",
        Some(Observed::Http) => "HTTP",
        Some(Observed::Ssh) => "SSH",
        Some(Observed::Dns) => "DNS",
        None => by_port(sample.socket.protocol, port),
    })
}

fn service_port(sample: &FlowSample) -> u16 {
    let remote = sample.id.remote.or(sample.socket.remote);
    match sample.socket.direction {
        Direction::Incoming => sample.socket.local.port(),
        Direction::Outgoing | Direction::Unknown => remote.map_or(0, |remote| remote.port()),
    }
}

fn by_port(protocol: Protocol, port: u16) -> &'static str {
    match protocol {
        Protocol::Tcp | Protocol::Mptcp => match port {
            22 => "SSH",
            53 => "DNS",
            80 => "HTTP",
            443 => "HTTPS",
            784 | 4433 => "QUIC",
            853 => "DNS-over-TLS",
            3306 => "MySQL",
            5432 => "Postgres",
            6379 => "Redis",
            _ => "TCP",
        },
        Protocol::Udp => match port {
            53 => "DNS",
            443 | 784 | 853 | 4433 => "QUIC",
            _ => "UDP",
        },
        Protocol::Icmp => "ICMP",
        Protocol::Sctp => "SCTP",
        Protocol::Raw(_) => "RAW",
        Protocol::Packet => "PACKET",
        Protocol::Other(_) => "OTHER",
    }
}
