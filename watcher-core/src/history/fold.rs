//! Rows that have no room by name: their bytes go to the rest of their group.

use std::{collections::BTreeMap, hash::Hash};

use super::Amount;

/// What is left of a fold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded<K, G> {
    /// The heaviest, by their keys.
    pub kept: Vec<(K, Amount)>,
    /// The rest of each group, without peaks.
    pub rest: Vec<(G, Amount)>,
}

/// Keeps the `room` heaviest rows, and adds up the rest by group. Sums do not change.
#[must_use]
pub fn fold<K: Copy + Ord + Hash, G: Clone + Ord>(mut rows: Vec<(K, G, Amount)>, room: usize) -> Folded<K, G> {
    if rows.len() <= room {
        return Folded { kept: rows.into_iter().map(|(key, _, amount)| (key, amount)).collect(), rest: Vec::new() };
    }
    // By key where bytes are equal: what stays does not depend on the order of rows.
    rows.sort_unstable_by(|a, b| b.2.bytes().cmp(&a.2.bytes()).then_with(|| a.0.cmp(&b.0)));
    let mut rest: BTreeMap<G, Amount> = BTreeMap::new();
    for (_, group, amount) in rows.drain(room..) {
        *rest.entry(group).or_default() += amount.without_peaks();
    }
    Folded { kept: rows.into_iter().map(|(key, _, amount)| (key, amount)).collect(), rest: rest.into_iter().collect() }
}
