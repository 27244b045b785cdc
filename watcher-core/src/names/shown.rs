//! What a flow showed of itself in its first bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Name, Observed};

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the protocol's")]
pub enum TlsVersion {
    #[serde(rename = "SSL 3.0")]
    Ssl3,
    #[serde(rename = "TLS 1.0")]
    Tls10,
    #[serde(rename = "TLS 1.1")]
    Tls11,
    #[serde(rename = "TLS 1.2")]
    Tls12,
    #[serde(rename = "TLS 1.3")]
    Tls13,
}

impl TlsVersion {
    /// As people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }

    /// From the protocol's number (RFC 8446, 4.1.2).
    #[must_use]
    pub fn from_wire(number: u16) -> Option<Self> {
        match number {
            0x0300 => Some(Self::Ssl3),
            0x0301 => Some(Self::Tls10),
            0x0302 => Some(Self::Tls11),
            0x0303 => Some(Self::Tls12),
            0x0304 => Some(Self::Tls13),
            _ => None,
        }
    }
}

/// A TLS handshake, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tls {
    /// The newest version that the client offered.
    pub offered: Option<TlsVersion>,
    /// The version that the server chose.
    pub chosen: Option<TlsVersion>,
    /// The application protocols that the client offered, best first: at most [`Tls::MAX_ALPN`], unprintable ones left out.
    pub alpn: Vec<Box<str>>,
    /// The application protocol that the server chose, where that can be read (TLS 1.2).
    pub alpn_chosen: Option<Box<str>>,
    /// The hello carried an encrypted one (RFC 9849), or the shape of one: clients send such extensions to all servers. The
    /// name is then the outer one, and the real one may be another.
    pub ech: bool,
    /// Who issued the server's certificate, where that can be read (TLS 1.2): its organization and common name.
    pub issuer: Option<Box<str>>,
}

impl Tls {
    /// Application protocols that are kept.
    pub const MAX_ALPN: usize = 8;
}

/// What a flow showed of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The protocol that its first bytes are.
    pub protocol: Option<Observed>,
    /// The name that its client asked for in the flow itself: from a TLS or QUIC hello, or an HTTP host.
    pub name: Option<Arc<Name>>,
    /// The handshake, of TLS and of QUIC.
    pub tls: Option<Box<Tls>>,
}
