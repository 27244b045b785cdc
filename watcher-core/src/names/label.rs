//! What a protocol is called: what the flow showed first, else what its port is for.

use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Observed {
    /// A TLS ClientHello or ServerHello.
    Tls,
    /// A QUIC Initial (RFC 9000, RFC 9369).
    Quic,
    /// An HTTP/1 request or status line.
    Http,
    /// The preface of HTTP/2 without TLS (RFC 9113, 3.4).
    Http2,
    /// An SSH banner (RFC 4253, 4.2).
    Ssh,
    /// A DNS message.
    Dns,
    /// A Postgres startup, SSL request or cancel request.
    Postgres,
    /// A MySQL or MariaDB greeting.
    MySql,
    /// A Redis command or reply.
    Redis,
    /// An MQTT CONNECT.
    Mqtt,
    /// An NTP packet (RFC 5905).
    Ntp,
    /// A STUN message (RFC 8489).
    Stun,
    /// A multicast DNS message (RFC 6762).
    Mdns,
    /// A DHCP or DHCPv6 message.
    Dhcp,
    /// A BitTorrent handshake, uTP or DHT message.
    BitTorrent,
}

impl Observed {
    /// As people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "TLS",
            Self::Quic => "QUIC",
            Self::Http | Self::Http2 => "HTTP",
            Self::Ssh => "SSH",
            Self::Dns => "DNS",
            Self::Postgres => "Postgres",
            Self::MySql => "MySQL",
            Self::Redis => "Redis",
            Self::Mqtt => "MQTT",
            Self::Ntp => "NTP",
            Self::Stun => "STUN",
            Self::Mdns => "mDNS",
            Self::Dhcp => "DHCP",
            Self::BitTorrent => "BitTorrent",
        }
    }
}

/// The label of a flow. The port that tells is the remote one, and the local one of what this side accepted.
#[must_use]
pub fn label(observed: Option<Observed>, sample: &FlowSample) -> Label {
    let port = service_port(sample);
    Label(match observed {
        Some(Observed::Tls) if port == 443 => "HTTPS",
        Some(seen) => seen.as_str(),
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
