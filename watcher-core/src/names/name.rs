//! The name of a remote, and how it is known.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Serialize};

use super::registrable::registrable;

/// The longest name that DNS can hold, written out.
const MAX_LEN: usize = 253;

/// Where a name comes from, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameSource {
    /// The TLS ClientHello of the flow.
    Sni,
    /// The QUIC Initial of the flow.
    Quic,
    /// The HTTP/1 host of the flow, or the host that a proxy was asked for.
    Http,
    /// A DNS answer that the process got.
    Dns,
    /// A DNS answer that another process of the machine got.
    #[serde(rename = "host-dns")]
    HostDns,
    /// The reverse zone of the address.
    Ptr,
    /// No name: the address itself.
    Address,
}

impl NameSource {
    /// As it is written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sni => "sni",
            Self::Quic => "quic",
            Self::Http => "http",
            Self::Dns => "dns",
            Self::HostDns => "host-dns",
            Self::Ptr => "ptr",
            Self::Address => "address",
        }
    }
}

/// A host name. Two are equal when their domains are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Name {
    domain: Box<str>,
    /// Where in `domain` the registrable one begins: never beyond [`MAX_LEN`].
    display: Option<u8>,
    source: NameSource,
}

impl Name {
    /// `domain` in lower case and without the last dot. `None` when it is not a host name: names come from the network, and
    /// are letters, digits, `-`, `_` and `.` or nothing.
    #[must_use]
    pub fn new(domain: &str, source: NameSource) -> Option<Self> {
        let domain = host_name(domain)?;
        let display = registrable(&domain).and_then(|from| u8::try_from(from).ok());
        Some(Self { domain, display, source })
    }

    /// The name.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The registrable name to show, by the public suffix list: `whatsapp.net` for `e1.whatsapp.net`. Punycode stays as it
    /// is: in Unicode, names of others can look like a familiar one. Addresses, single labels and public suffixes have none.
    #[must_use]
    pub fn display(&self) -> Option<&str> {
        self.display.and_then(|from| self.domain.get(usize::from(from)..))
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> NameSource {
        self.source
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.domain == other.domain
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.domain.cmp(&other.domain)
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.domain.hash(state);
    }
}

fn host_name(raw: &str) -> Option<Box<str>> {
    let name = raw.strip_suffix('.').unwrap_or(raw);
    let is_fine = (1..=MAX_LEN).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    is_fine.then(|| name.to_ascii_lowercase().into())
}

#[cfg(test)]
mod tests {
    use super::{Name, NameSource};

    #[test]
    fn what_is_no_host_name_is_no_name() {
        let name = |text: &str| Name::new(text, NameSource::Sni).map(|name| name.domain().to_owned());
        assert_eq!(name("WWW.Example.COM."), Some("www.example.com".to_owned()));
        assert_eq!(name("_dmarc.xn--bcher-kva.example"), Some("_dmarc.xn--bcher-kva.example".to_owned()));
        for bad in ["", ".", "a b", "a\"b", "a\u{0}b", "bücher.example", &"a".repeat(254)] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_name_shows_what_somebody_registered() {
        let shown = |text: &str| Name::new(text, NameSource::Sni).unwrap().display().map(str::to_owned);
        assert_eq!(shown("E1.WhatsApp.net."), Some("whatsapp.net".to_owned()));
        assert_eq!(shown("192.0.2.1"), None);
        let longest = format!("{}.example.com", ["a".repeat(63).as_str(); 4].join(".").get(..241).unwrap());
        assert_eq!((longest.len(), shown(&longest)), (253, Some("example.com".to_owned())));
    }
}
