//! What is known of who is at the other end of a flow.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Name, Observed, Shown, Tls};
use crate::Direction;

/// What is known of a flow, by what it showed and by what DNS said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Known {
    /// The remote's name, from the strongest source that had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<Name>>,
    /// The name that the remote asked *this* side for, on a connection that it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Arc<Name>>,
    /// The protocol that the flow's first bytes are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Observed>,
    /// Its handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Arc<Tls>>,
}

impl Known {
    /// Takes over what the flow showed. Its name is that of the side that was asked: this one, where the remote began.
    pub(crate) fn show(&mut self, shown: &Shown, direction: Direction) {
        self.protocol = shown.protocol.or(self.protocol);
        if let Some(name) = &shown.name {
            if direction == Direction::Incoming {
                self.served = Some(Arc::clone(name));
            } else {
                self.call(name);
            }
        }
        if shown.tls.is_some() && shown.tls.as_deref() != self.tls.as_deref() {
            self.tls = shown.tls.as_deref().cloned().map(Arc::new);
        }
    }

    /// Takes over a name, unless the one it has is from a stronger source.
    pub(crate) fn call(&mut self, name: &Arc<Name>) {
        if self.name.as_ref().is_none_or(|old| name.source() <= old.source()) {
            self.name = Some(Arc::clone(name));
        }
    }

    /// Nothing at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What a person calls the protocol: by what was seen, `None` where nothing was.
    #[must_use]
    pub fn protocol_name(&self) -> Option<&'static str> {
        let speaks = |protocol: &str| {
            self.tls.as_ref().is_some_and(|tls| match &tls.alpn_chosen {
                Some(chosen) => **chosen == *protocol,
                None => tls.alpn.iter().any(|offered| **offered == *protocol),
            })
        };
        Some(match self.protocol? {
            Observed::Quic if speaks("h3") => "HTTP/3",
            Observed::Quic if speaks("doq") => "DNS-over-QUIC",
            Observed::Tls if speaks("h2") || speaks("http/1.1") => "HTTPS",
            Observed::Tls if speaks("dot") => "DNS-over-TLS",
            other => other.as_str(),
        })
    }
}
