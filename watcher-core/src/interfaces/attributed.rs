//! Payload by interface: what this machine's own processes explain.
//!
//! A flow's payload goes to the interface that owns its local address, loopback's to `lo`. Where no single interface
//! does (a wildcard address, one that several have or none), it goes to an entry of its own: nothing is spread.

use std::{
    collections::{BTreeMap, hash_map::Entry},
    net::IpAddr,
};

use super::{Bytes, Kind, Survey};
use crate::{Delta, Observer, Scope, aggregate::FastMap};

/// Payload that moved, by where it is known to have moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explained {
    /// By index of the interface.
    pub by_interface: BTreeMap<u32, Bytes>,
    /// In this namespace, and no single interface is known to own the local address.
    pub no_address: Bytes,
    /// In other network namespaces: here it is seen as forwarded, if at all.
    pub other_namespaces: Bytes,
    /// Of packet sockets: frames, not payload.
    pub frames: Bytes,
}

/// Adds up payload by interface: an observer of an aggregator.
#[derive(Debug, Default)]
pub struct Attributed {
    netns: u32,
    /// `None` where several have the address.
    owners: FastMap<IpAddr, Option<u32>>,
    loopback: Option<u32>,
    sum: Explained,
}

impl Attributed {
    /// Takes over who owns which address. What comes after is charged by it.
    pub fn refresh(&mut self, survey: &Survey) {
        self.netns = survey.netns;
        self.loopback = survey.interfaces.iter().find(|i| i.kind == Kind::Loopback).map(|i| i.index);
        self.owners.clear();
        // Not loopback's: an address that lives there (an anycast service) reaches the network over something else.
        for interface in survey.interfaces.iter().filter(|i| !i.kind.is_internal()) {
            for address in &interface.addresses {
                match self.owners.entry(address.to_canonical()) {
                    Entry::Vacant(free) => _ = free.insert(Some(interface.index)),
                    Entry::Occupied(mut taken) if *taken.get() != Some(interface.index) => _ = taken.insert(None),
                    Entry::Occupied(_) => {}
                }
            }
        }
    }

    /// What was added up since the last call.
    pub fn take(&mut self) -> Explained {
        std::mem::take(&mut self.sum)
    }

    fn entry(&mut self, scope: Scope, netns: u32, local: IpAddr) -> &mut Bytes {
        let owner = match scope {
            Scope::Packet => return &mut self.sum.frames,
            _ if self.netns != 0 && netns != self.netns => return &mut self.sum.other_namespaces,
            Scope::Loopback => self.loopback,
            Scope::Network => self.owners.get(&local.to_canonical()).copied().flatten(),
        };
        match owner {
            Some(index) => self.sum.by_interface.entry(index).or_default(),
            None => &mut self.sum.no_address,
        }
    }
}

impl Observer for Attributed {
    fn flow(&mut self, delta: &Delta<'_>) {
        let bytes = Bytes { rx: delta.rx_bytes, tx: delta.tx_bytes };
        if bytes != Bytes::default() {
            let socket = &delta.sample.socket;
            self.entry(delta.scope, socket.netns, socket.local.ip()).add(bytes);
        }
    }
}
