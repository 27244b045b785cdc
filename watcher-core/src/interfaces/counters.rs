//! From absolute counters to what moved.
//!
//! - The first survey is the baseline: nothing in it has moved.
//! - An interface that appears later counts from what its counters said when it was seen to appear. If nobody saw that
//!   (notices were lost), its first reading is its baseline: whether its bytes are new cannot be known.
//! - The index says which interface it is, so a name may change. Another appearance under the same index is another
//!   interface; without notices, another name and another kind together say so, or another name and a counter that
//!   dropped.
//! - A counter that drops began again, and all it says is new.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Bytes, Kind, Reading, Since, Survey, Why};

/// What moved on one interface between two surveys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Its number.
    pub index: u32,
    /// Its name, the newest.
    pub name: Box<str>,
    /// What it is.
    pub kind: Kind,
    /// Why it is not in the total; `None` when it is.
    pub apart: Option<Why>,
    /// Bytes of frames that moved, by the kernel's counters.
    #[serde(flatten)]
    pub bytes: Bytes,
}

/// Remembers what the counters of each interface said last.
#[derive(Debug, Default)]
pub struct Counters {
    last: BTreeMap<u32, Last>,
    has_baseline: bool,
}

#[derive(Debug)]
struct Last {
    name: Box<str>,
    kind: Kind,
    since: Since,
    bytes: Bytes,
}

impl Last {
    fn is_same(&self, now: &Reading) -> bool {
        match (self.since, now.since) {
            (Since::Seen { nth: before, .. }, Since::Seen { nth, .. }) => before == nth,
            (Since::Unknown, Since::Unknown) => {
                let dropped = now.bytes.rx < self.bytes.rx || now.bytes.tx < self.bytes.tx;
                self.name == now.name || (self.kind == now.kind && !dropped)
            }
            (Since::Unknown, Since::Seen { .. }) => false,
            // Notices were lost since: what was seen to appear may have gone unseen.
            (Since::Seen { .. }, Since::Unknown) => self.name == now.name && self.kind == now.kind,
        }
    }
}

impl Counters {
    /// What moved since the survey before: one entry per interface that is there, in the survey's order, and one before
    /// those for each that went.
    pub fn take(&mut self, survey: &Survey) -> Vec<Moved> {
        let mut moved = Vec::with_capacity(survey.ended.len() + survey.interfaces.len());
        for reading in &survey.ended {
            moved.push(self.one(reading));
            self.last.remove(&reading.index);
        }
        moved.extend(survey.interfaces.iter().map(|reading| self.one(reading)));
        self.last = survey.interfaces.iter().map(|reading| (reading.index, last(reading))).collect();
        self.has_baseline = true;
        moved
    }

    fn one(&self, now: &Reading) -> Moved {
        let before = self.last.get(&now.index).filter(|last| last.is_same(now));
        let bytes = match (before, now.since) {
            (Some(before), _) => now.bytes.since(before.bytes),
            (None, Since::Seen { bytes, .. }) if self.has_baseline => now.bytes.since(bytes),
            (None, _) => Bytes::default(),
        };
        let Reading { index, name, kind, apart, .. } = now;
        Moved { index: *index, name: name.clone(), kind: kind.clone(), apart: apart.clone(), bytes }
    }
}

fn last(reading: &Reading) -> Last {
    let Reading { name, kind, since, bytes, .. } = reading;
    Last { name: name.clone(), kind: kind.clone(), since: *since, bytes: *bytes }
}
