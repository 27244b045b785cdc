//! One network namespace: what its protocols and interfaces counted beside what calls and sockets explain.
//!
//! ```text
//! octets of IP = payload of calls + (what TCP sent again, what waits in queues) + headers of IP and UDP + the rest
//! ```
//!
//! The rest must be the headers of TCP (20 to 60 bytes a packet) and ICMP; whatever else it can be made of widens
//! [`Side::allowed`] and is a counter of the kernel's too. IP counts a packet as the host handles it: up to 64 KiB with
//! one header, where segmentation is left to the card (GSO, GRO).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Device, Diag, Network, Packets, Payload, Span, Standing};
use crate::interfaces::Bytes;

/// The largest packet, bytes.
const PACKET: i64 = 65_535;
/// The largest message of ICMP that the kernel makes by itself, bytes: an answer to an echo, at the usual MTU.
const ICMP: i64 = 1_480;
/// What the buffers of a socket can hold by default (tcp_rmem, tcp_wmem), bytes: by so much the kernel's figures of a socket
/// may differ from the calls' where its end was not told.
const BUFFERS: u64 = 8 << 20;

/// One direction of a namespace.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Side {
    /// Bytes of IP packets, by IP.
    pub octets: Span,
    /// Those packets.
    pub packets: Span,
    /// Bytes of calls.
    pub payload: u64,
    /// Sent: TCP payload that the kernel sent more than once.
    pub again: Span,
    /// What the sockets' payload on the way differs by from what calls moved, without `again`: queues at both ends of the
    /// time, calls under way, bytes never read.
    pub queues: Span,
    /// 20 or 40 bytes a packet.
    pub ip_headers: Span,
    /// 8 bytes a datagram.
    pub udp_headers: Span,
    /// What is left.
    pub rest: Span,
    /// What TCP's headers and ICMP can be.
    pub allowed: Span,
    /// By how much the rest is beyond: more when positive.
    pub unexplained_bytes: i64,
    /// Datagrams, by UDP.
    pub datagrams: Span,
    /// Calls that moved one.
    pub datagram_calls: u64,
    /// Datagrams more (or calls more, negative).
    pub unexplained_datagrams: i64,
    /// Segments of TCP, by TCP.
    pub segments: Span,
}

/// One namespace.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NamespaceReport {
    /// Inode number.
    pub netns: u32,
    /// Received.
    pub received: Side,
    /// Sent.
    pub sent: Side,
    /// `RetransSegs`.
    pub segments_again: Span,
    /// Packets that were not its own: where there are any, octets are not compared.
    pub forwarded: u64,
    /// Frames by interface.
    pub devices: BTreeMap<String, Device>,
    /// Bytes received by calls that no interface has brought.
    pub unexplained_by_devices: i64,
}

impl NamespaceReport {
    /// Whether anything is unexplained.
    #[must_use]
    pub fn is_explained(&self) -> bool {
        let well = |side: &Side| side.unexplained_bytes == 0 && side.unexplained_datagrams == 0;
        well(&self.received) && well(&self.sent) && self.unexplained_by_devices == 0
    }
}

/// The counters of one standing, in the form that [`Span::grown`] takes.
struct Both<'a>(&'a Standing, &'a Standing);

impl Both<'_> {
    fn grown(&self, of: impl Fn(&Network) -> u64) -> Span {
        let pair = |standing: &Standing| (of(&standing.network.0), of(&standing.network.1));
        Span::grown(pair(self.0), pair(self.1))
    }

    /// A counter of the sockets that are there at the end; what was there at the beginning is taken off.
    fn of_sockets(&self, of: impl Fn(&Diag) -> u64) -> Span {
        let Standing { sockets: (before, after), .. } = self.1;
        let mut sum = Span::default();
        for (cookie, now) in before {
            let Some(then) = after.get(cookie) else { continue };
            let start = &self.0.sockets;
            let first = start.0.get(cookie).map_or(0, &of);
            let begun = (first, start.1.get(cookie).map_or(first, &of));
            let grown = Span::grown(begun, (of(now), of(then)));
            sum = sum + grown;
        }
        let new = after.iter().filter(|(cookie, _)| !before.contains_key(cookie));
        new.fold(sum, |sum, (_, diag)| sum + Span::up_to(of(diag)))
    }
}

/// Compares. `start` is the default for a namespace that began within the time.
#[must_use]
pub fn namespace(netns: u32, payload: &Payload, start: &Standing, end: &Standing, map_full: bool) -> NamespaceReport {
    let both = Both(start, end);
    let forwarded = both.grown(|n| n.forwarded).most.max(0).cast_unsigned();
    let (mut received, mut sent) = (received(payload, &both), sent(payload, &both));
    let devices = devices(start, end);
    let brought = devices.values().map(|device| device.bytes.rx).fold(0, u64::saturating_add);
    let came = Span::of(received.payload) + received.queues;
    let groups = both.grown(|n| n.received.multicast).most > 0;
    let ahead = came.beyond(Span::up_to(brought)).max(0);
    if forwarded > 0 || groups {
        (received.unexplained_bytes, sent.unexplained_bytes) = (0, 0);
    }
    if map_full {
        (received.unexplained_datagrams, sent.unexplained_datagrams) = (0, 0);
    }
    NamespaceReport {
        netns,
        received,
        sent,
        segments_again: both.grown(|n| n.segments_again),
        forwarded,
        unexplained_by_devices: if groups { 0 } else { ahead },
        devices,
    }
}

fn received(payload: &Payload, both: &Both<'_>) -> Side {
    let unchecked = unchecked(payload);
    let fins = -Span::up_to(payload.ended);
    let tcp = Span::of(payload.ended_received) + fins + unchecked + both.of_sockets(Diag::arrived);
    let (taken, dropped) = (both.grown(|n| n.datagrams.rx), both.grown(|n| n.dropped_datagrams.rx));
    let unused = both.grown(|n| n.segments_unused).times(PACKET);
    let loose = (dropped.times(PACKET) + unused).up_to_span() + Span::up_to(both.1.queued) - Span::up_to(both.0.queued);
    let fragments = both.grown(|n| n.fragments);
    let facts = Facts {
        packets: |n| n.received,
        icmp: both.grown(|n| n.icmp.rx),
        datagrams: taken,
        datagrams_of_ip: taken + dropped,
        calls: payload.udp_calls.rx,
        segments: both.grown(|n| n.segments.rx),
        moved: payload.bytes().rx,
        by_tcp: payload.tcp.rx,
        other: payload.other.rx,
        tcp,
        again: Span::default(),
        loose,
        fragments,
    };
    side(both, payload, &facts)
}

fn sent(payload: &Payload, both: &Both<'_>) -> Side {
    let tcp = Span::of(payload.ended_sent) + unchecked(payload) + both.of_sockets(|diag| diag.bytes_sent);
    let again = Span::of(payload.ended_retrans) + both.of_sockets(|diag| diag.bytes_retrans);
    // A datagram that a queue refused was counted by IP; one that found no room in the socket was not.
    let datagrams = both.grown(|n| n.datagrams.tx) + (both.grown(|n| n.dropped_datagrams.tx)).up_to_span();
    let facts = Facts {
        packets: |n| n.sent,
        icmp: both.grown(|n| n.icmp.tx),
        datagrams,
        datagrams_of_ip: datagrams,
        calls: payload.udp_calls.tx,
        segments: both.grown(|n| n.segments.tx),
        moved: payload.bytes().tx,
        by_tcp: payload.tcp.tx,
        other: payload.other.tx,
        tcp,
        again,
        loose: Span::default(),
        fragments: Span::default(),
    };
    side(both, payload, &facts)
}

fn unchecked(payload: &Payload) -> Span {
    Span::give_or_take(payload.unchecked.saturating_mul(BUFFERS))
}

/// What differs between the directions.
struct Facts {
    packets: fn(&Network) -> Packets,
    icmp: Span,
    /// By UDP.
    datagrams: Span,
    /// Those that IP counted: also what UDP dropped.
    datagrams_of_ip: Span,
    /// That moved a datagram.
    calls: u64,
    segments: Span,
    /// Payload of calls, bytes; what of it went by TCP, and what by neither TCP nor UDP.
    moved: u64,
    by_tcp: u64,
    other: u64,
    /// TCP payload on the way, by the sockets.
    tcp: Span,
    again: Span,
    /// Bytes of packets that nothing else tells of.
    loose: Span,
    fragments: Span,
}

fn side(both: &Both<'_>, payload: &Payload, facts: &Facts) -> Side {
    let Facts { packets: of, moved, by_tcp, other, .. } = *facts;
    let (v4, v6) = (both.grown(|n| of(n).v4), both.grown(|n| of(n).v6));
    let (octets, packets) = (both.grown(|n| of(n).octets), v4 + v6);
    let ip_headers = v4.times(20) + v6.times(40);
    let udp_headers = facts.datagrams_of_ip.times(8);
    let udp = Span::of(moved).least - Span::of(by_tcp).least - Span::of(other).least;
    // Raw and ICMP payload may have the headers in it; that of MPTCP goes by TCP.
    let wire = facts.tcp + Span::between(udp, udp) + Span::up_to(other);
    let rest = octets - ip_headers - udp_headers - wire;
    let groups = (both.grown(|n| of(n).multicast)).up_to_span();
    let streams = packets - facts.datagrams_of_ip - facts.icmp - (facts.fragments).up_to_span() - groups;
    let streams =
        if payload.other == Bytes::default() { streams } else { Span::between(0, streams.most) }.at_least_zero();
    let allowed = Span::between(streams.least * 20, streams.most * 60)
        + Span::between(facts.icmp.least.max(0) * 8, facts.icmp.most * ICMP)
        + Span::between(0, groups.most * PACKET)
        + facts.loose;
    Side {
        octets,
        packets,
        payload: moved,
        again: facts.again,
        queues: wire - facts.again - Span::of(moved),
        ip_headers,
        udp_headers,
        rest,
        allowed,
        unexplained_bytes: rest.beyond(allowed),
        datagrams: facts.datagrams,
        datagram_calls: facts.calls,
        unexplained_datagrams: facts.datagrams.beyond(Span::of(facts.calls)),
        segments: facts.segments,
    }
}

/// From the first reading at the beginning to the last at the end.
fn devices(start: &Standing, end: &Standing) -> BTreeMap<String, Device> {
    let since = |name: &String, now: &Device| {
        let before = start.network.0.devices.get(name).copied().unwrap_or_default();
        let packets = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        Device {
            bytes: now.bytes.since(before.bytes),
            rx_packets: packets(now.rx_packets, before.rx_packets),
            tx_packets: packets(now.tx_packets, before.tx_packets),
        }
    };
    end.network.1.devices.iter().map(|(name, now)| (name.clone(), since(name, now))).collect()
}
