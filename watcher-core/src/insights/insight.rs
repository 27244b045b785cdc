//! What is reported.

use serde::{Deserialize, Serialize};

use crate::BootTime;

/// Something worth a look. Names are as processes and remotes chose them: hostile until made printable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Insight {
    /// The application: its name, the first 64 bytes of it.
    pub app: String,
    /// The newest of its processes.
    pub pid: u32,
    /// The remote: its registrable name where one is known, else its domain, else its address. `None` where it is about many.
    pub remote: Option<String>,
    /// When what is reported began.
    pub since: BootTime,
    /// When it was last seen.
    pub until: BootTime,
    /// What was seen, in numbers.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// What was seen. The fields of each are the whole claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Evidence {
    /// The application sent much more to a remote than it got from it.
    Uploads {
        /// Sent, bytes.
        tx_bytes: u64,
        /// Received, bytes.
        rx_bytes: u64,
        /// Whether every connection was seen to be opened from here. Of one that is older than the daemon nobody knows.
        opened_here: bool,
    },
    /// The application asks a remote at regular intervals.
    Polling {
        /// The median of the newest intervals, seconds.
        period_seconds: f64,
        /// The standard deviation of the intervals, seconds; one in which asks are missing is divided by their number.
        spread_seconds: f64,
        /// How often it was seen.
        exchanges: u32,
        /// How many times it was expected and did not come.
        missed: u32,
        /// Bytes of one exchange, both directions, on average.
        bytes_each: u64,
        /// Whether it was one connection all the time.
        one_connection: bool,
    },
    /// The application asks for names in ways that cannot be read.
    EncryptedDns {
        /// How that is known.
        how: How,
        /// Connections on which it was seen.
        connections: u32,
        /// Sent, bytes.
        tx_bytes: u64,
        /// Received, bytes.
        rx_bytes: u64,
    },
    /// The application reached many registrable names within one hour.
    ManyDomains {
        /// Distinct registrable names: so many at least.
        domains: u32,
        /// The same of the application in the middle of all others, each in its own best hour; `None` where there is none.
        others_median: Option<u32>,
    },
    /// The application sent much more than it got on connections that a remote had opened.
    Serves {
        /// Sent, bytes.
        tx_bytes: u64,
        /// Received, bytes.
        rx_bytes: u64,
    },
}

/// What gave encrypted DNS away, the surest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The handshake offers the protocol `dot` or `doq` (RFC 7858, RFC 9250).
    Alpn,
    /// The remote port is 853, which is registered for both.
    Port,
    /// The remote has the name of a public resolver that is asked over HTTPS: this one.
    Resolver(String),
}

/// The kinds, what weighs most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants of Evidence, which are documented")]
pub enum Kind {
    Uploads,
    Polling,
    EncryptedDns,
    ManyDomains,
    Serves,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Uploads, Self::Polling, Self::EncryptedDns, Self::ManyDomains, Self::Serves];

    /// As it is written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::Polling => "polling",
            Self::EncryptedDns => "encrypted-dns",
            Self::ManyDomains => "many-domains",
            Self::Serves => "serves",
        }
    }
}

impl Evidence {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Uploads { .. } => Kind::Uploads,
            Self::Polling { .. } => Kind::Polling,
            Self::EncryptedDns { .. } => Kind::EncryptedDns,
            Self::ManyDomains { .. } => Kind::ManyDomains,
            Self::Serves { .. } => Kind::Serves,
        }
    }
}
