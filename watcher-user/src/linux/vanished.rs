//! Sockets whose end found no room, or was told by no program: what was shown of them as open is over.
//!
//! When neither the ring nor the map of waiting records takes a final record, the socket's bytes go to its process's overflow entry,
//! and nobody is told that it has ended. It is found out by reading every socket: one that was shown, has no final record
//! and is not there any more has ended. It must be missing twice, since its record may be on its way the first time.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use watcher_common::{SocketKey, SocketRecord};

/// Reading every socket costs: not more often than this, however much is lost.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Sockets that were shown and have not ended.
#[derive(Debug, Default)]
pub struct Open {
    shown: HashSet<SocketKey>,
    /// Missing when it was last looked.
    missing: HashSet<SocketKey>,
    /// Records without room when it was last looked.
    lost: u64,
    looked: Option<Instant>,
}

impl Open {
    /// A socket was shown as open.
    pub fn show(&mut self, key: SocketKey) {
        self.shown.insert(key);
    }

    /// A socket was shown as ended.
    pub fn end(&mut self, key: SocketKey) {
        self.shown.remove(&key);
    }

    /// Whether all sockets are to be read. `lost`: records that had no room so far.
    pub fn is_due(&self, lost: u64) -> bool {
        (lost != self.lost || !self.missing.is_empty()) && self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY)
    }

    /// Those that have ended unheard, given all that there are.
    pub fn vanished(&mut self, lost: u64, live: &[SocketRecord]) -> Vec<SocketKey> {
        let live: HashSet<SocketKey> = live.iter().map(key).collect();
        let missing: HashSet<SocketKey> = self.shown.difference(&live).copied().collect();
        let twice: Vec<SocketKey> = missing.intersection(&self.missing).copied().collect();
        for key in &twice {
            self.shown.remove(key);
        }
        self.missing = missing.into_iter().filter(|key| self.shown.contains(key)).collect();
        (self.lost, self.looked) = (lost, Some(Instant::now()));
        twice
    }
}

/// Which socket a record is of.
pub fn key(record: &SocketRecord) -> SocketKey {
    SocketKey { cookie: record.cookie, epoch: record.epoch, pad: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(cookie: u64) -> SocketKey {
        SocketKey { cookie, epoch: 0, pad: 0 }
    }

    #[test]
    fn what_is_missing_twice_without_an_end_has_vanished() {
        let mut open = Open::default();
        (1..=3).for_each(|cookie| open.show(socket(cookie)));
        assert!(!open.is_due(0) && open.is_due(1));
        assert_eq!(open.vanished(1, &[]), []);
        // The record of this one was on its way.
        open.end(socket(2));
        assert!(!open.is_due(1), "not twice in a moment");
        let mut vanished = open.vanished(1, &[]);
        vanished.sort_by_key(|key| key.cookie);
        assert_eq!(vanished, [socket(1), socket(3)]);
        assert_eq!(open.vanished(1, &[]), []);
        assert!(open.missing.is_empty() && open.shown.is_empty());
    }
}
