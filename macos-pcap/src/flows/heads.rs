//! How much of the beginning of a flow is copied for its name: as little as `watcher_common::bound` lets eBPF copy.

use watcher_core::names::{self, Head};

use super::flow::{Flow, Part};
use super::key::Key;
use crate::packet::Transport;

/// Of one packet, bytes.
const PACKET: usize = 4096;
/// Of a TLS handshake and of DNS over TCP, in each direction: bytes, packets.
const HANDSHAKE: (u16, u16) = (8192, 16);
/// Of any other TCP connection.
const STREAM: (u16, u16) = (1536, 4);
/// Of datagrams with one remote: packets in each direction, DNS messages apart.
const DATAGRAMS: u16 = 8;
/// DNS messages with one remote in about a second.
const A_SECOND: u16 = 2048;
/// DNS, Multicast DNS, LLMNR.
const DNS: [u16; 3] = [53, 5353, 5355];
/// The first byte of a TLS handshake record (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// What was copied of a flow: sent, received.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Copied {
    bytes: [u16; 2],
    packets: [u16; 2],
    is_tls: bool,
    /// Of DNS: the second that `in_second` is of.
    second: u32,
    in_second: u16,
}

impl Flow {
    /// A copy of what this packet carries, if it belongs to the beginning of the flow.
    pub(super) fn head(&mut self, key: &Key, part: &Part<'_>) -> Option<Head> {
        if part.first_bytes.is_empty() {
            return None;
        }
        let is_dns = DNS.into_iter().any(|port| key.has_port(port));
        let (transport, room) = match part.transport {
            Transport::Tcp(_, segment) => {
                let syn = u32::from(segment.flags.has(crate::packet::Flags::SYN));
                let room = self.copied.of_stream(part, is_dns)?;
                (names::Transport::Tcp { seq: segment.seq.wrapping_add(syn) }, room)
            }
            Transport::Udp(_) if is_dns => (names::Transport::Udp, self.copied.of_dns(part)?),
            Transport::Udp(_) => (names::Transport::Udp, self.copied.of_datagrams(part)?),
            _ => return None,
        };
        Some(Head {
            at: part.at,
            socket: self.socket,
            owner: self.owner.unwrap_or(watcher_core::ProcessId::KERNEL),
            way: if part.is_sent { names::Way::Sent } else { names::Way::Received },
            transport,
            local: key.local(),
            remote: key.remote(),
            bytes: part.first_bytes[..room.min(part.first_bytes.len())].into(),
            length: u32::try_from(part.payload_len).unwrap_or(u32::MAX),
        })
    }
}

impl Copied {
    fn of_stream(&mut self, part: &Part<'_>, is_dns: bool) -> Option<usize> {
        let way = usize::from(!part.is_sent);
        if self.packets == [0; 2] {
            self.is_tls = part.first_bytes[0] == TLS_HANDSHAKE;
        }
        let (most, packets) = if self.is_tls || is_dns { HANDSHAKE } else { STREAM };
        if self.packets[way] >= packets {
            return None;
        }
        let room = usize::from(most.checked_sub(self.bytes[way]).filter(|room| *room > 0)?).min(PACKET);
        self.packets[way] += 1;
        self.bytes[way] += room.min(part.first_bytes.len()) as u16;
        Some(room)
    }

    fn of_datagrams(&mut self, part: &Part<'_>) -> Option<usize> {
        let packets = &mut self.packets[usize::from(!part.is_sent)];
        if *packets >= DATAGRAMS {
            return None;
        }
        *packets += 1;
        Some(PACKET)
    }

    fn of_dns(&mut self, part: &Part<'_>) -> Option<usize> {
        let second = (part.at.0 / 1_000_000_000) as u32;
        if second != self.second {
            (self.second, self.in_second) = (second, 0);
        }
        if self.in_second >= A_SECOND {
            return None;
        }
        self.in_second += 1;
        Some(PACKET)
    }
}
