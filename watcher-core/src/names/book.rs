//! What is known of addresses, for a time: bounded, and what was learnt longest ago makes room.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use crate::{BootTime, aggregate::FastMap};

/// Values by address, each with an end. Every step takes O(log n).
///
/// Room is made by age, not by what ends soonest: else whoever fills it with entries that last a day leaves each new one of
/// a minute to be pushed out by the next.
#[derive(Debug, Clone)]
pub(super) struct Book<V> {
    capacity: usize,
    entries: FastMap<IpAddr, Entry<V>>,
    /// The same by their numbers: in the order they were learnt in.
    order: BTreeMap<u64, IpAddr>,
    next: u64,
}

#[derive(Debug, Clone)]
struct Entry<V> {
    value: V,
    until: BootTime,
    number: u64,
}

impl<V> Book<V> {
    /// One that never holds more than `capacity`.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, entries: FastMap::default(), order: BTreeMap::new(), next: 0 }
    }

    /// What is known at `at`.
    pub fn get(&self, ip: IpAddr, at: BootTime) -> Option<&V> {
        self.entries.get(&ip).filter(|entry| entry.until > at).map(|entry| &entry.value)
    }

    /// Replaces what was known of the address.
    pub fn insert(&mut self, ip: IpAddr, value: V, until: BootTime) {
        if let Some(old) = self.entries.remove(&ip) {
            self.order.remove(&old.number);
        }
        while self.entries.len() >= self.capacity.max(1) {
            self.evict();
        }
        let number = self.next;
        self.next += 1;
        self.order.insert(number, ip);
        self.entries.insert(ip, Entry { value, until, number });
    }

    /// Forgets what was learnt longest ago.
    pub fn evict(&mut self) {
        if let Some((_, ip)) = self.order.pop_first() {
            self.entries.remove(&ip);
        }
    }

    /// Forgets of the oldest what is over. What is over and younger than something that is not stays until it is in the way.
    pub fn prune(&mut self, at: BootTime) {
        let is_over = |ip| self.entries.get(ip).is_some_and(|entry| entry.until <= at);
        let over = self.order.values().take_while(|ip| is_over(ip)).count();
        (0..over).for_each(|_| self.evict());
    }

    pub fn len(&self) -> usize {
        debug_assert_eq!(self.entries.len(), self.order.len());
        self.entries.len()
    }
}

/// `at`, and a while later.
pub(super) fn after(at: BootTime, later: Duration) -> BootTime {
    BootTime(at.0.saturating_add(u64::try_from(later.as_nanos()).unwrap_or(u64::MAX)))
}
