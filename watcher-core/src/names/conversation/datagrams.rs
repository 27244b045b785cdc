//! A flow of datagrams.

use crate::names::parse::Parsed;
use crate::names::parse::banner;
use crate::names::parse::quic::{Datagram, Initials};
use crate::names::{Head, NameSource, Observed, Shown};

/// Datagrams that may be nothing known before it is given up.
const MAX_UNKNOWN: u8 = 8;

/// Datagrams of a QUIC connection after its first, Initial or not, in which the rest of both hellos is looked for.
const MAX_QUIC: u8 = 32;

/// What is kept between datagrams.
#[derive(Debug, Clone, Default)]
pub(super) struct Datagrams {
    quic: Initials,
    is_quic: bool,
    seen: u8,
    is_done: bool,
}

impl Datagrams {
    /// Returns whether `shown` changed.
    pub fn read(&mut self, shown: &mut Shown, head: &Head) -> bool {
        self.seen = self.seen.saturating_add(1);
        if self.quic.read(&head.bytes) != Datagram::Other {
            self.is_quic = true;
        } else if !self.is_quic {
            let length = usize::try_from(head.length).unwrap_or(usize::MAX);
            if let Some(observed) = banner::udp(&head.bytes, length, [head.local.port(), head.remote.port()]) {
                self.is_done = true;
                return shown.label(observed);
            }
        }
        if !self.is_quic {
            self.is_done = self.seen >= MAX_UNKNOWN;
            return false;
        }
        let before = shown.clone();
        shown.protocol = Some(Observed::Quic);
        self.hellos(shown);
        *shown != before
    }

    pub fn is_done(&self) -> bool {
        self.is_done
    }

    fn hellos(&mut self, shown: &mut Shown) {
        let is_last = self.quic.is_exhausted() || self.seen >= MAX_QUIC;
        let hello = self.quic.client_hello();
        let is_complete = matches!(hello, Parsed::Complete(_));
        if let Parsed::Complete(hello) = hello {
            shown.take_hello(hello, NameSource::Quic);
        } else if let Some(hello) = self.quic.client_hello_partial().filter(|_| is_last) {
            shown.take_hello(hello, NameSource::Quic);
        }
        let chosen = self.quic.chosen();
        if chosen.is_some() {
            shown.tls.get_or_insert_default().chosen = chosen;
        }
        self.is_done = is_last || is_complete && chosen.is_some();
    }
}
