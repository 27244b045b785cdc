//! Counting what got lost.

use watcher_common::Loss;

use crate::maps::LOSSES;

/// Adds `n` to one loss counter .
#[inline(always)]
pub fn lost(what: Loss, n: u64) {
    if let Some(counter) = LOSSES.get_ptr_mut(what as u32) {
        crate::bytes::add(counter, n);
    }
}
