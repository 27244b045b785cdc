//! Fragments that have no ports, and the datagrams they belong to.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::{Fragment, Packet, Ports, Transport};

/// Datagrams that are remembered at a time: the oldest is forgotten for a new one.
const MOST_DATAGRAMS: usize = 1024;
/// Fragments that wait for the first one of their datagram. Linux used to send the last one first.
const MOST_WAITING: usize = 64;

/// What all fragments of a datagram have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Datagram {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    id: u32,
}

/// A later fragment that got its ports back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejoined {
    /// As in the first fragment; the number of a TCP segment is that of this part.
    pub transport: Transport,
    /// Payload in this fragment.
    pub payload_len: u64,
    /// Its bytes on the wire.
    pub wire_len: u64,
}

#[derive(Debug, Default)]
struct Known {
    /// Its header: of TCP all of it, so that later parts find their place in the stream.
    first: Option<Transport>,
    /// Offset, payload and wire bytes of what came before the first.
    waiting: Vec<(u32, u64, u64)>,
}

/// The datagrams that came in parts, for a while. Parts that come twice are counted twice, but of TCP.
#[derive(Debug, Default)]
pub struct Fragments {
    datagrams: HashMap<Datagram, Known, RandomState>,
    order: VecDeque<Datagram>,
    unmatched_bytes: u64,
}

impl Fragments {
    /// None so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Datagrams that are remembered.
    #[must_use]
    pub fn datagrams(&self) -> usize {
        self.datagrams.len()
    }

    /// Payload of fragments whose datagram's first part was not captured, or came too late.
    #[must_use]
    pub fn unmatched_bytes(&self) -> u64 {
        self.unmatched_bytes
    }

    /// Takes note of a fragment, and returns the parts without ports that can be counted now: those that waited for the
    /// first one when that comes, a later one itself if the first is known.
    pub fn see(&mut self, packet: &Packet<'_>, fragment: Fragment) -> Vec<Rejoined> {
        let (source, destination) = (packet.source, packet.destination);
        let key = Datagram { source, destination, protocol: fragment.protocol, id: fragment.id };
        if !self.datagrams.contains_key(&key) {
            self.make_room();
            self.order.push_back(key);
        }
        let known = self.datagrams.entry(key).or_default();
        let mut rejoined = Vec::new();
        if let Transport::Elsewhere(_) = packet.transport {
            let part = (fragment.offset, packet.payload_len, packet.wire_len);
            match known.first {
                Some(first) => rejoined.push(rejoin(first, part)),
                None if known.waiting.len() < MOST_WAITING => known.waiting.push(part),
                None => self.unmatched_bytes += packet.payload_len,
            }
        } else {
            known.first = Some(packet.transport);
            rejoined.extend(known.waiting.drain(..).map(|part| rejoin(packet.transport, part)));
        }
        rejoined
    }

    fn make_room(&mut self) {
        if self.order.len() < MOST_DATAGRAMS {
            return;
        }
        let forgotten = self.order.pop_front().and_then(|oldest| self.datagrams.remove(&oldest));
        self.unmatched_bytes += forgotten.iter().flat_map(|known| &known.waiting).map(|part| part.1).sum::<u64>();
    }
}

fn rejoin(first: Transport, (offset, payload_len, wire_len): (u32, u64, u64)) -> Rejoined {
    let transport = match first {
        Transport::Tcp(ports, segment) => Transport::Tcp(ports, segment.part_at(offset)),
        other => other,
    };
    Rejoined { transport, payload_len, wire_len }
}

impl super::Segment {
    /// What begins `offset` bytes behind the beginning of this header. SYN and FIN are the first part's.
    fn part_at(self, offset: u32) -> Self {
        let syn = u32::from(self.flags.has(super::Flags::SYN));
        let seq = self.seq.wrapping_add(syn).wrapping_add(offset).wrapping_sub(self.header_len.into());
        Self { seq, flags: super::Flags(self.flags.0 & super::Flags::ACK.0), ..self }
    }
}

impl Transport {
    /// The ports, where there are any.
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        match self {
            Self::Tcp(ports, _) | Self::Udp(ports) | Self::Sctp(ports) => Some(*ports),
            Self::Icmp | Self::Other(_) | Self::Elsewhere(_) => None,
        }
    }
}
