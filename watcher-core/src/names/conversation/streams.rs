//! A TCP connection.

use crate::names::parse::http::{self, Request};
use crate::names::parse::{Parsed, banner, dns, tls};
use crate::names::stream::Stream;
use crate::names::{Head, NameSource, Observed, Shown, Way};

/// Segments of one direction whose beginning may be that of a handshake: a proxy's or a server's own exchange comes first.
const MAX_STARTS: usize = 6;

/// Heads after which nothing is waited for.
const MAX_HEADS: u8 = 64;

/// Heads after which a flow that has shown nothing is given up.
const MAX_UNKNOWN: u8 = 12;

/// What is kept between segments.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams {
    sent: Direction,
    received: Direction,
    heads: u8,
    has_hello: bool,
    has_flight: bool,
    is_done: bool,
}

/// One direction.
#[derive(Debug, Clone, Default)]
struct Direction {
    stream: Stream,
    /// Sequence numbers of the first segments.
    starts: Vec<u32>,
    /// Sequence numbers where the copy of a segment ends before the segment does: what is missing will not come.
    cuts: Vec<u32>,
    /// What it begins with may still become something other than TLS.
    is_undecided: bool,
    request: Option<Target>,
}

impl Streams {
    /// Returns whether `shown` changed.
    pub fn read(&mut self, shown: &mut Shown, head: &Head, seq: u32, dns: &mut Vec<(Way, dns::Message)>) -> bool {
        self.heads = self.heads.saturating_add(1);
        let before = shown.clone();
        let direction = self.direction(head.way);
        if direction.take(head, seq) {
            let has_dns = [head.local.port(), head.remote.port()].contains(&53) && direction.dns(head.way, dns);
            if has_dns {
                self.heads = 0;
                shown.label(Observed::Dns);
            }
            if shown.protocol != Some(Observed::Dns) {
                self.direction(head.way).outer(shown);
                self.handshakes(shown, head.way);
            }
        }
        self.settle(shown);
        *shown != before
    }

    pub fn is_done(&self) -> bool {
        self.is_done
    }

    fn direction(&mut self, way: Way) -> &mut Direction {
        match way {
            Way::Sent => &mut self.sent,
            Way::Received => &mut self.received,
        }
    }

    /// Looks for both hellos in the direction that grew.
    fn handshakes(&mut self, shown: &mut Shown, way: Way) {
        let direction = match way {
            Way::Sent => &self.sent,
            Way::Received => &self.received,
        };
        if !self.has_hello
            && let Some(hello) = direction.attempts().find_map(|bytes| tls::client_hello(bytes).complete())
        {
            self.has_hello = true;
            shown.label_tls();
            shown.take_hello(hello, NameSource::Sni);
        }
        if !self.has_flight
            && let Some(flight) = direction.attempts().find_map(|bytes| tls::server_flight(bytes).complete())
        {
            self.has_flight = true;
            shown.label_tls();
            shown.take_flight(flight);
        }
    }

    /// Decides whether anything is still to be waited for.
    fn settle(&mut self, shown: &mut Shown) {
        let is_over = self.heads >= MAX_HEADS;
        let both = [&self.sent, &self.received];
        let is_stuck = both.iter().any(|side| side.is_stuck());
        let is_through = both.iter().any(|side| side.starts.len() >= MAX_STARTS) || self.heads >= MAX_UNKNOWN;
        let is_pending = both.iter().any(|side| side.is_pending());
        let both_are_stuck = both.iter().all(|side| side.is_stuck());
        // A server answers the whole hello: what is missing of it was not seen.
        if (is_stuck || is_over || self.has_flight) && !self.has_hello {
            self.partial_hello(shown);
        }
        if (is_stuck || is_over) && !self.has_flight {
            self.partial_flight(shown);
        }
        let has_enough = match shown.protocol {
            Some(Observed::Dns) => false,
            Some(Observed::Tls | Observed::Postgres | Observed::MySql) => {
                self.has_hello && self.has_flight || shown.tls.is_none() && is_through && !is_pending
            }
            Some(Observed::Http) => self.has_plain_request() || is_through && !is_pending,
            None => is_through && !is_pending,
            Some(_) => true,
        };
        self.is_done = has_enough || both_are_stuck || is_over;
    }

    /// A request that is no CONNECT: no handshake follows it.
    fn has_plain_request(&self) -> bool {
        [&self.sent, &self.received].iter().any(|side| side.request == Some(Target::Host))
    }

    /// Takes what is there of a hello, for good if its rest cannot come.
    fn partial_hello(&mut self, shown: &mut Shown) {
        for side in [&self.sent, &self.received] {
            if let Some(hello) = side.attempts().find_map(tls::client_hello_partial) {
                self.has_hello = side.is_stuck();
                shown.label_tls();
                shown.take_hello(hello, NameSource::Sni);
                return;
            }
        }
    }

    /// As [`Self::partial_hello`].
    fn partial_flight(&mut self, shown: &mut Shown) {
        for side in [&self.sent, &self.received] {
            if let Some(flight) = side.attempts().find_map(tls::server_flight_partial) {
                self.has_flight = side.is_stuck();
                shown.label_tls();
                shown.take_flight(flight);
                return;
            }
        }
    }
}

impl Direction {
    /// Returns whether the bytes from the beginning on became others.
    fn take(&mut self, head: &Head, seq: u32) -> bool {
        let grew = self.stream.insert(seq, &head.bytes);
        if self.starts.len() < MAX_STARTS && !head.bytes.is_empty() && !self.starts.contains(&seq) {
            self.starts.push(seq);
        }
        let is_cut = usize::try_from(head.length).is_ok_and(|length| length > head.bytes.len());
        if let (true, true, Ok(copied)) = (is_cut, self.cuts.len() < MAX_STARTS, u32::try_from(head.bytes.len())) {
            self.cuts.push(seq.wrapping_add(copied));
        }
        grew
    }

    /// Whether nothing that would come is kept, or would follow on what is.
    fn is_stuck(&self) -> bool {
        let end = Some(self.stream.prefix().len());
        self.stream.is_full() || self.cuts.iter().any(|seq| self.stream.offset_of(*seq) == end)
    }

    /// The bytes from each place on where a handshake may begin.
    fn attempts(&self) -> impl Iterator<Item = &[u8]> {
        let prefix = self.stream.prefix();
        let starts = self.starts.iter().filter_map(|seq| self.stream.offset_of(*seq)).filter(|offset| *offset > 0);
        std::iter::once(0)
            .chain(starts)
            .filter_map(move |offset| prefix.get(offset..).filter(|bytes| !bytes.is_empty()))
    }

    /// Whether one of the attempts may still become a hello, or the whole something else.
    fn is_pending(&self) -> bool {
        self.is_undecided || self.attempts().any(|bytes| tls::client_hello_partial(bytes).is_some())
    }

    /// Hands over the messages that became whole, and what is there of one whose rest will not come; drops what was read.
    /// Returns whether there were any.
    fn dns(&mut self, way: Way, dns: &mut Vec<(Way, dns::Message)>) -> bool {
        let before = dns.len();
        let bytes = self.stream.prefix();
        let mut messages = dns::tcp_messages(bytes);
        dns.extend(messages.by_ref().filter_map(dns::message).map(|message| (way, message)));
        let rest = messages.rest();
        let mut taken = bytes.len() - rest.len();
        if self.is_stuck()
            && let Some((length, part)) = rest.split_first_chunk::<2>()
            && let Some(message) = dns::message(part)
        {
            dns.push((way, message));
            taken += 2 + usize::from(u16::from_be_bytes(*length));
        }
        if dns.len() == before {
            return false;
        }
        self.stream.advance(taken);
        self.cuts.retain(|seq| self.stream.offset_of(*seq).is_some());
        true
    }

    /// What the direction begins with.
    fn outer(&mut self, shown: &mut Shown) {
        let bytes = self.stream.prefix();
        if self.request.is_none()
            && let Some(request) = self.request(bytes)
        {
            self.request = Some(if request.is_connect { Target::Tunnel } else { Target::Host });
            shown.label(Observed::Http);
            if shown.tls.is_none() {
                shown.named(request.host.as_deref(), NameSource::Http);
            }
        }
        let others = http::request(bytes)
            .map(|_| Observed::Http)
            .or(http::preface(bytes).map(|()| Observed::Http2))
            .or(http::response(bytes).map(|()| Observed::Http))
            .or(banner::tcp(bytes));
        self.is_undecided = others == Parsed::Incomplete;
        if let Parsed::Complete(observed) = others {
            shown.label(observed);
        }
    }

    fn request(&self, bytes: &[u8]) -> Option<Request> {
        let whole = http::request(bytes).complete();
        whole.or_else(|| self.is_stuck().then(|| http::request_partial(bytes)).flatten())
    }
}

/// Whom a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// The host, itself.
    Host,
    /// What is behind the proxy.
    Tunnel,
}
