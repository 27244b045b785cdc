//! All sockets of a network namespace that can own packets: by sock_diag, and where the kernel does not list them so, by /proc/net.
//!
//! SCTP is left out: the kernel would load its module to say that there is none.

use std::io;

use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE};

use super::{Error, Namespace, diag::Diag, socket::Socket, tables};

/// What is listed, and how errors call it.
const KINDS: [(u8, &str); 3] = [(IPPROTO_TCP, "TCP"), (IPPROTO_UDP, "UDP"), (IPPROTO_UDPLITE, "UDP-Lite")];

/// Lists sockets.
#[derive(Debug)]
pub(super) struct Lists {
    namespace: Namespace,
    /// What gives no answer is not asked again.
    diag: Option<Diag>,
    /// What sock_diag did not list, and what it said last.
    refused: Option<(&'static str, String)>,
}

impl Lists {
    pub fn open(namespace: Namespace) -> Result<Self, Error> {
        let diag = Diag::open(namespace);
        let refused = diag.as_ref().err().map(|why| ("", why.to_string()));
        match diag {
            Err(why) if tables::instead(&namespace.proc(), IPPROTO_TCP, AF_INET).is_err() => Err(Error::Open(why)),
            diag => Ok(Self { namespace, diag: diag.ok(), refused }),
        }
    }

    /// Those of a kernel without sock_diag.
    pub fn without_diag(namespace: Namespace) -> Self {
        Self { namespace, diag: None, refused: Some(("", "it was not asked".to_owned())) }
    }

    /// All sockets; a kind that the kernel does not know has none. TCP and UDP it must know.
    pub fn list(&mut self) -> Result<Vec<Socket>, Error> {
        let mut sockets = Vec::new();
        for (number, what) in KINDS {
            for family in [AF_INET, AF_INET6] {
                match self.kind(number, family, what) {
                    Ok(listed) => sockets.extend(listed),
                    // A kernel without IPv6, or without UDP-Lite.
                    Err(_) if family == AF_INET6 || number == IPPROTO_UDPLITE => {}
                    Err(source) => return Err(Error::List { what, source }),
                }
            }
        }
        sockets.extend(tables::others(&self.namespace.proc()));
        Ok(sockets)
    }

    fn kind(&mut self, number: u8, family: u8, what: &'static str) -> io::Result<Vec<Socket>> {
        let refusal = match self.diag.as_mut().map(|diag| diag.list(number, family)) {
            Some(Ok(listed)) => return Ok(listed),
            Some(Err(refusal)) => Some(refusal),
            None => None,
        };
        let listed = tables::instead(&self.namespace.proc(), number, family)?;
        if let Some(refusal) = refusal.filter(|_| number != IPPROTO_UDPLITE) {
            self.refused = Some((what, refusal.to_string()));
        }
        Ok(listed)
    }

    /// What sock_diag did not list, in words.
    pub fn refused(&self) -> Option<String> {
        let (what, why) = self.refused.as_ref()?;
        let kind = if what.is_empty() { String::new() } else { format!("{what} ") };
        Some(format!("the kernel lists no {kind}sockets by sock_diag ({why}): /proc/net is read, which takes longer"))
    }
}
