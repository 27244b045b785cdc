//! Ends of processes that nobody told of: who was known to run, and runs no more, has ended.
//!
//! An event can be lost uncounted: of two programs that stand in for each other, each can be passed over in another
//! interval. And one that was counted can be of a process that is still on its way out when it is looked for. So it is looked
//! now and then, whatever was counted. A process must be missing twice: the first time its event may be on its way, or
//! another of its threads may just be taking the leader's place (de_thread, fs/exec.c).

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use watcher_core::{BootTime, ProcessId};

/// How often it is looked, whatever happens: each look asks after every process of the machine.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often, while events get lost.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A process that is not among those that run, and whose end nobody told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub id: ProcessId,
    /// It was seen to run. Else only its bytes tell of it, and its end may have been told, and forgotten.
    pub witnessed: bool,
}

/// Who is missing.
#[derive(Debug)]
pub struct Unheard {
    /// Missing when it was last looked, and when that was.
    missing: HashMap<ProcessId, BootTime>,
    /// Events that had got lost when it was last looked.
    lost: u64,
    looked: Instant,
    /// Ends that were found so, of processes that were seen to run: of others they may have been told.
    pub found: u64,
}

impl Unheard {
    /// Nobody is missing.
    pub fn new() -> Self {
        Self { missing: HashMap::new(), lost: 0, looked: Instant::now(), found: 0 }
    }

    /// Whether it is time to look. `lost`: events that got lost so far.
    pub fn is_due(&self, lost: u64) -> bool {
        self.looked.elapsed() >= if lost == self.lost { LOOK_EVERY } else { LOOK_AGAIN }
    }

    /// It is looked; returns whether events got lost since the last time.
    pub fn look(&mut self, lost: u64) -> bool {
        self.looked = Instant::now();
        std::mem::replace(&mut self.lost, lost) != lost
    }

    /// Those that have ended unheard, and when at the latest, given who is missing, and since when at the latest.
    pub fn ended(&mut self, missing: impl IntoIterator<Item = Missing>, at: BootTime) -> Vec<(ProcessId, BootTime)> {
        let before = std::mem::take(&mut self.missing);
        let mut twice = Vec::new();
        for Missing { id, witnessed } in missing {
            match before.get(&id) {
                Some(since) => {
                    self.found += u64::from(witnessed);
                    twice.push((id, *since));
                }
                None => drop(self.missing.insert(id, at)),
            }
        }
        twice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(tgid: u32) -> ProcessId {
        ProcessId { tgid, start: BootTime(1) }
    }

    fn missing(tgid: u32) -> Missing {
        Missing { id: process(tgid), witnessed: true }
    }

    #[test]
    fn who_is_missing_twice_has_ended_when_it_was_missing_first() {
        let mut unheard = Unheard::new();
        assert_eq!(unheard.ended([missing(1), missing(2)], BootTime(10)), []);
        // The end of the other was told meanwhile.
        assert_eq!(unheard.ended([missing(1), missing(3)], BootTime(20)), [(process(1), BootTime(10))]);
        assert_eq!(unheard.ended([missing(3)], BootTime(30)), [(process(3), BootTime(20))]);
        assert_eq!((unheard.ended([], BootTime(40)), unheard.found), (vec![], 2));
    }

    #[test]
    fn an_end_that_may_have_been_told_long_ago_is_told_and_not_called_lost() {
        let mut unheard = Unheard::new();
        let forgotten = Missing { id: process(1), witnessed: false };
        assert_eq!(unheard.ended([forgotten], BootTime(10)), []);
        assert_eq!(unheard.ended([forgotten], BootTime(20)), [(process(1), BootTime(10))]);
        assert_eq!(unheard.found, 0);
    }

    #[test]
    fn it_is_looked_whatever_was_counted_and_sooner_when_events_got_lost() {
        let ago = |unheard: &mut Unheard, time: Duration| {
            unheard.looked = Instant::now().checked_sub(time).expect("the machine is up for some seconds");
        };
        let mut unheard = Unheard::new();
        assert!(!unheard.is_due(0) && !unheard.is_due(1), "not twice in a moment");
        ago(&mut unheard, LOOK_AGAIN);
        assert!(unheard.is_due(1) && !unheard.is_due(0));
        ago(&mut unheard, LOOK_EVERY);
        assert!(unheard.is_due(0));
        assert!(unheard.look(1) && !unheard.look(1));
    }
}
