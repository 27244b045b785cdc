//! Gives memory back after a burst, without doing so at every snapshot.

use std::{collections::VecDeque, hash::Hash};

use super::FastMap;

const SPARE: usize = 1_024;

pub(super) fn map<K: Eq + Hash, V>(map: &mut FastMap<K, V>) {
    if map.capacity() > 2 * map.len() + SPARE {
        map.shrink_to(map.len() + SPARE);
    }
}

pub(super) fn queue<T>(queue: &mut VecDeque<T>) {
    if queue.capacity() > 2 * queue.len() + SPARE {
        queue.shrink_to(queue.len() + SPARE);
    }
}
