//! Flows by their keys.
//!
//! Of ten thousand flows hardly one is in the processor's nearest caches when its next packet comes. So what is searched
//! is a table of four bytes for each, which such a cache holds, and a flow's own memory is read for one packet at one place:
//! with ten thousand flows that takes two thirds of the time of a map of flows (`cargo bench -p macos-pcap`).

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use slab::Slab;

use super::flow::Flow;
use super::key::Key;

/// Every flow in one place from its first packet to its end.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Where in `kept`.
    places: HashTable<u32>,
    kept: Slab<Kept>,
    hasher: RandomState,
}

/// As many lines of a cache as it takes, and no more.
#[derive(Debug)]
#[repr(align(64))]
struct Kept {
    key: Key,
    flow: Flow,
}

impl Table {
    /// Flows in it.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut Flow> {
        let hash = self.hasher.hash_one(key);
        let place = self.places.find(hash, |place| self.kept[*place as usize].key == *key)?;
        Some(&mut self.kept[*place as usize].flow)
    }

    /// Adds one whose key is not in it. There must be fewer than 32 bits count, which would be 2 TiB of them.
    pub(super) fn insert(&mut self, key: Key, flow: Flow) {
        let hash = self.hasher.hash_one(key);
        let place = self.kept.insert(Kept { key, flow }) as u32;
        let Self { places, kept, hasher } = self;
        places.insert_unique(hash, place, |place| hasher.hash_one(kept[*place as usize].key));
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Flow> {
        let hash = self.hasher.hash_one(key);
        let entry = self.places.find_entry(hash, |place| self.kept[*place as usize].key == *key).ok()?;
        let (place, _) = entry.remove();
        Some(self.kept.remove(place as usize).flow)
    }

    pub(super) fn flows(&self) -> impl Iterator<Item = &Flow> {
        self.kept.iter().map(|(_, kept)| &kept.flow)
    }

    /// Forgets those of which `is_kept` says so.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&Key, &mut Flow) -> bool) {
        let Self { places, kept, hasher } = self;
        kept.retain(|at, Kept { key, flow }| {
            let is_kept = is_kept(key, flow);
            if !is_kept && let Ok(entry) = places.find_entry(hasher.hash_one(*key), |place| *place as usize == at) {
                entry.remove();
            }
            is_kept
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use watcher_core::{BootTime, Protocol, Scope, SocketId};

    use super::super::flow::Part;
    use super::*;
    use crate::packet::{Ports, Transport};

    fn key(number: u16) -> Key {
        let address = IpAddr::from([10, 0, 0, 1]);
        Key::new(Protocol::Udp, [(address, number), (address, 53)], 0)
    }

    fn flow(number: u16) -> Flow {
        let ports = Ports { source: number, destination: 53 };
        let part = Part {
            at: BootTime(1),
            transport: Transport::Udp(ports),
            payload_len: 1,
            wire_len: 29,
            is_sent: true,
            first_bytes: &[],
        };
        Flow::new(SocketId { cookie: number.into(), epoch: 0 }, Scope::Network, &part)
    }

    /// Through several growths, and places that are used again.
    #[test]
    fn flows_are_found_by_their_keys_whatever_came_and_went() {
        let mut table = Table::default();
        for number in 0..5000 {
            table.insert(key(number), flow(number));
        }
        table.retain(|_, flow| flow.socket.cookie % 3 != 0);
        for number in (0..5000).filter(|number| number % 3 == 1) {
            assert_eq!(table.remove(&key(number)).unwrap().socket.cookie, u64::from(number));
        }
        for number in 5000..7000 {
            table.insert(key(number), flow(number));
        }
        for number in 0..8000 {
            let is_there = (number < 5000 && number % 3 == 2) || (5000..7000).contains(&number);
            let found = table.get_mut(&key(number)).map(|flow| flow.socket.cookie);
            assert_eq!(found, is_there.then_some(u64::from(number)));
            assert_eq!(table.remove(&key(number)).is_some(), is_there);
        }
        assert_eq!((table.len(), table.flows().count()), (0, 0));
    }

    #[test]
    fn a_flow_with_its_key_is_eight_lines() {
        assert_eq!(size_of::<Kept>(), 8 * 64);
    }
}
