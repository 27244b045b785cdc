//! Whose capture this is, where nobody says: the machine whose addresses most of it is to or from.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::Captured;
use crate::link::{self, Way};
use crate::packet;

/// Addresses that are weighed: those that come later are not.
const MOST: usize = 1 << 16;

/// Weighs the addresses of a capture.
#[derive(Debug, Default)]
pub struct Guess {
    votes: HashMap<IpAddr, Votes, RandomState>,
    packets: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Votes {
    /// Packets that have it.
    packets: u64,
    /// Packets whose link layer says that it is this machine's.
    stated: u64,
    /// The first packet that has it, and 0 for whoever sent that.
    order: (u64, u8),
}

impl Guess {
    /// None so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more frame.
    pub fn see(&mut self, frame: &Captured<'_>) {
        let Ok(opened) = link::open(frame.link, frame.bytes, frame.wire_len) else { return };
        let Ok(packet) = packet::parse(&opened) else { return };
        self.packets += 1;
        self.vote(packet.source, 0, opened.way == Some(Way::Out));
        self.vote(packet.destination, 1, opened.way == Some(Way::In));
    }

    fn vote(&mut self, address: IpAddr, side: u8, is_stated: bool) {
        let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
        if address.is_loopback() || address.is_multicast() || address.is_unspecified() || is_broadcast {
            return;
        }
        if self.votes.len() >= MOST && !self.votes.contains_key(&address) {
            return;
        }
        let order = (self.packets, side);
        let votes = self.votes.entry(address).or_insert(Votes { order, ..Votes::default() });
        votes.packets += 1;
        votes.stated += u64::from(is_stated);
    }

    /// The machine's addresses, besides those of loopback: all that the link layer mostly states to be; else of each family
    /// the one that most packets have, of equals a private one, then whoever spoke first.
    #[must_use]
    pub fn hosts(&self) -> Vec<IpAddr> {
        let is_stated = |votes: &Votes| votes.stated * 2 > votes.packets;
        let mut hosts: Vec<IpAddr> =
            self.votes.iter().filter(|(_, votes)| is_stated(votes)).map(|(address, _)| *address).collect();
        if hosts.is_empty() {
            for is_v4 in [true, false] {
                let family = self.votes.iter().filter(|(address, _)| address.is_ipv4() == is_v4);
                let first = std::cmp::Reverse;
                hosts.extend(
                    family
                        .max_by_key(|(address, votes)| (votes.packets, is_private(**address), first(votes.order)))
                        .map(|(address, _)| *address),
                );
            }
        }
        hosts.sort_unstable();
        hosts
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}
