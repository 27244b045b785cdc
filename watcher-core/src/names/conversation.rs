//! What the heads of one flow add up to.

mod datagrams;
mod streams;

use std::net::SocketAddr;
use std::sync::Arc;

use super::parse::dns;
use super::parse::tls::{ClientHello, ServerFlight};
use super::{Head, Name, NameSource, Observed, Shown, Tls, Transport, Way};

use datagrams::Datagrams;
use streams::Streams;

/// What the heads of one flow add up to. What it has to keep until it knows enough is bounded, and dropped then.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    shown: Shown,
    state: State,
}

#[derive(Debug, Clone, Default)]
enum State {
    /// No head yet.
    #[default]
    New,
    Streams(Box<Streams>),
    Datagrams(Box<Datagrams>),
    Done,
}

impl Conversation {
    /// A flow that has shown nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one more head, and appends the DNS messages in it to `dns` with the way that they went. Returns whether
    /// [`Self::shown`] changed.
    ///
    /// A datagram is read as DNS when one of its ports is 53, 5353 or 5355, however many there are; a stream when one is 53.
    pub fn read(&mut self, head: &Head, dns: &mut Vec<(Way, dns::Message)>) -> bool {
        if matches!(head.transport, Transport::Udp) && is_on(head, &[53, 5353, 5355]) {
            let message = dns::message(&head.bytes);
            let protocol = if is_on(head, &[53]) { Observed::Dns } else { Observed::Mdns };
            if message.is_some() || self.shown.protocol == Some(protocol) || dns::is_message(&head.bytes) {
                dns.extend(message.map(|message| (head.way, message)));
                return self.shown.label(protocol);
            }
        }
        if let State::New = self.state {
            self.state = match head.transport {
                Transport::Tcp { .. } => State::Streams(Box::default()),
                Transport::Udp => State::Datagrams(Box::default()),
            };
        }
        let (changed, is_done) = match (&mut self.state, head.transport) {
            (State::Streams(streams), Transport::Tcp { seq }) => {
                let changed = streams.read(&mut self.shown, head, seq, dns);
                (changed, streams.is_done())
            }
            (State::Datagrams(datagrams), Transport::Udp) => {
                let changed = datagrams.read(&mut self.shown, head);
                (changed, datagrams.is_done())
            }
            // Done, or a head of another flow.
            _ => (false, false),
        };
        if is_done {
            self.state = State::Done;
        }
        changed
    }

    /// Nothing more is to be learnt: what was kept for that is dropped.
    pub fn close(&mut self) {
        self.state = State::Done;
    }

    /// What the flow has shown so far.
    #[must_use]
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Nothing more can be learnt; the buffers are freed. A flow of DNS datagrams is never done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

impl Shown {
    /// Gives the flow its protocol, unless it has one. Returns whether it did.
    fn label(&mut self, protocol: Observed) -> bool {
        let is_new = self.protocol.is_none();
        self.protocol.get_or_insert(protocol);
        is_new
    }

    /// There is a TLS handshake in the flow, perhaps after something else. A tunnel through a proxy is what is in it; a
    /// database stays one.
    fn label_tls(&mut self) {
        if matches!(self.protocol, None | Some(Observed::Http)) {
            self.protocol = Some(Observed::Tls);
        }
    }

    fn named(&mut self, name: Option<&str>, source: NameSource) {
        if let Some(name) = name.and_then(|name| Name::new(name, source)) {
            self.name = Some(Arc::new(name));
        }
    }

    fn take_hello(&mut self, hello: ClientHello, source: NameSource) {
        self.named(hello.name.as_deref(), source);
        let tls = self.tls.get_or_insert_default();
        **tls = Tls {
            offered: hello.offered,
            alpn: hello.alpn,
            ech: hello.ech,
            chosen: tls.chosen,
            alpn_chosen: tls.alpn_chosen.take(),
            issuer: tls.issuer.take(),
        };
    }

    fn take_flight(&mut self, flight: ServerFlight) {
        let tls = self.tls.get_or_insert_default();
        tls.chosen = flight.chosen.or(tls.chosen);
        tls.alpn_chosen = flight.alpn.or(tls.alpn_chosen.take());
        tls.issuer = flight.issuer.or(tls.issuer.take());
    }
}

fn is_on(head: &Head, ports: &[u16]) -> bool {
    [head.local, head.remote].iter().map(SocketAddr::port).any(|port| ports.contains(&port))
}

#[cfg(test)]
mod tests;
