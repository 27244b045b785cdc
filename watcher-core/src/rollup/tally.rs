//! Sums by key in bounded memory, such that the heaviest keys are right.
//!
//! Misra and Gries' summary ("Finding repeated elements", 1982) with weights, in the form that takes away many at once
//! (Agarwal et al., "Mergeable summaries", 2012). Each key has its exact sum, and beside it a weight that decides who
//! stays. When the table is full, the median weight is taken off every weight, and keys that have none left are folded:
//! at least half of them, privilege aside. A key that comes again begins anew.
//!
//! What that promises: let `T` be the bytes of all keys and `L` the limit. Each folding takes its median off at least
//! `L/2 + 1` weights, and weights only come from bytes, so the medians add up to less than `2T/L`. A key's sum lacks at
//! most that ([`Tally::missing_at_most`]), and a key that moved more than that is in the table. As long as no more than
//! `L` keys were seen, nothing is missing at all. Totals are kept elsewhere and lack nothing ever.

use std::{cmp::Reverse, hash::Hash};

use crate::aggregate::FastMap;

#[derive(Debug, Clone)]
struct Entry<V> {
    weight: u64,
    value: V,
}

/// Values by key, at most `limit` of them.
#[derive(Debug, Clone)]
pub(super) struct Tally<K, V> {
    entries: FastMap<K, Entry<V>>,
    limit: usize,
    folded: u64,
    missing: u64,
}

impl<K: Eq + Hash, V: Default> Tally<K, V> {
    pub fn new(limit: usize) -> Self {
        Self { entries: FastMap::default(), limit: limit.max(2), folded: 0, missing: 0 }
    }

    /// The value of a key, to add to. Its weight grows by `bytes`.
    pub fn add(&mut self, key: K, bytes: u64) -> &mut V {
        self.add_keeping(key, bytes, |_| 0)
    }

    /// The same. When the table is full, the keys of the highest `rank` are privileged: they stay beside the heaviest, up
    /// to three eighths of the limit. A rank that is the default has no privilege.
    pub fn add_keeping<R: Ord + Default + Copy>(&mut self, key: K, bytes: u64, rank: impl Fn(&V) -> R) -> &mut V {
        if self.entries.len() >= self.limit && !self.entries.contains_key(&key) {
            self.fold(rank);
        }
        let entry = self.entries.entry(key).or_insert_with(|| Entry { weight: 0, value: V::default() });
        entry.weight = entry.weight.saturating_add(bytes);
        &mut entry.value
    }

    /// The value of a key that is in the table.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The value of a key that is in the table.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    /// How many keys were seen. One that was folded and came again counts twice.
    pub fn keys_seen(&self) -> u64 {
        self.folded + self.entries.len() as u64
    }

    /// No key's sum lacks more bytes than this.
    pub fn missing_at_most(&self) -> u64 {
        self.missing
    }

    fn fold<R: Ord + Default + Copy>(&mut self, rank: impl Fn(&V) -> R) {
        let before = self.entries.len();
        let median = nth_highest(self.entries.values().map(|entry| entry.weight), before / 2);
        let bar = nth_highest(self.entries.values().map(|entry| rank(&entry.value)), before * 3 / 8);
        let bar = bar.max(R::default());
        self.entries.retain(|_, entry| {
            let stays = entry.weight > median || rank(&entry.value) > bar;
            entry.weight = entry.weight.saturating_sub(median);
            stays
        });
        self.folded += (before - self.entries.len()) as u64;
        self.missing = self.missing.saturating_add(median);
    }
}

/// The value that `n` others precede, highest first. There must be more than `n`.
fn nth_highest<T: Ord + Copy>(values: impl Iterator<Item = T>, n: usize) -> T {
    let mut values: Vec<Reverse<T>> = values.map(Reverse).collect();
    let (_, nth, _) = values.select_nth_unstable(n);
    nth.0
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::Tally;

    #[derive(Debug, Default)]
    struct Sum(u64);

    fn fill(limit: usize, adds: &[(u16, u64)]) -> (Tally<u16, Sum>, HashMap<u16, u64>) {
        let (mut tally, mut truth) = (Tally::<u16, Sum>::new(limit), HashMap::new());
        for &(key, bytes) in adds {
            tally.add(key, bytes).0 += bytes;
            *truth.entry(key).or_default() += bytes;
        }
        (tally, truth)
    }

    proptest! {
        #[test]
        fn what_is_missing_is_bounded_and_heavy_keys_stay(
            adds in prop::collection::vec((0..60_u16, 0..1_000_u64), 0..400),
            limit in 2..40_usize,
        ) {
            let (tally, truth) = fill(limit, &adds);
            let total: u64 = truth.values().sum();
            let missing = tally.missing_at_most();
            prop_assert!(tally.entries.len() <= limit);
            prop_assert!(missing * limit as u64 <= 2 * total);
            for (key, bytes) in truth {
                let known = tally.get(&key).map_or(0, |sum| sum.0);
                prop_assert!(known <= bytes && bytes - known <= missing, "{} of {} bytes", known, bytes);
            }
        }
    }

    #[test]
    fn as_long_as_there_is_room_nothing_is_missing() {
        let (tally, truth) = fill(60, &(0..600).map(|n| (n % 60, u64::from(n))).collect::<Vec<_>>());
        assert_eq!((tally.missing_at_most(), tally.keys_seen()), (0, 60));
        assert!(tally.iter().all(|(key, sum)| sum.0 == truth[key]));
    }

    #[test]
    fn a_heavy_key_survives_any_number_of_light_ones() {
        let mut tally = Tally::<u32, Sum>::new(100);
        for n in 0..100_000 {
            tally.add(n, 1).0 += 1;
            tally.add(u32::MAX, 10).0 += 10;
        }
        assert_eq!(tally.get(&u32::MAX).map(|sum| sum.0), Some(1_000_000));
        assert_eq!(tally.keys_seen(), 100_001);
    }

    #[test]
    fn the_privileged_stay_without_weight_and_never_fill_the_table() {
        let mut tally = Tally::<u32, Sum>::new(80);
        for n in 0..10_000 {
            // The first ten matter for another reason than bytes; later all claim to.
            let value = tally.add_keeping(n, 1, |sum| sum.0);
            value.0 = if n < 10 { u64::from(1_000_000 - n) } else { u64::from(n) };
            assert!(tally.entries.len() <= 80);
        }
        assert!((0..10).all(|n| tally.get(&n).is_some()));
    }
}
