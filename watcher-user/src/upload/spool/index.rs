//! Which finished windows lie in the directory.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::names::{Kind, Stem};

/// Finished windows by start, the ones to send and the parked ones.
#[derive(Debug, Default)]
pub(super) struct Index(BTreeMap<Stem, Entry>);

/// One finished window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub place: Place,
    pub bytes: u64,
}

/// What is to become of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To be sent.
    Waiting,
    /// Refused by the endpoint.
    Parked,
    /// Taken by the endpoint, but the file could not be removed: not sent again by this process.
    Taken,
}

impl Place {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Waiting | Self::Taken => Kind::Window,
            Self::Parked => Kind::Parked,
        }
    }
}

impl Index {
    /// From a listing. Files that are no window's, or a second file of a window, come back.
    pub(super) fn of(listing: &[(String, u64)]) -> (Self, Vec<String>) {
        let (mut index, mut strange) = (Self::default(), Vec::new());
        for (name, bytes) in listing {
            let place = match Kind::of(name) {
                Some(Kind::Window) => Place::Waiting,
                Some(Kind::Parked) => Place::Parked,
                _ => continue,
            };
            match Stem::parse(name) {
                Some(stem) if !index.0.contains_key(&stem) => {
                    index.0.insert(stem, Entry { place, bytes: *bytes });
                }
                _ => strange.push(name.clone()),
            }
        }
        (index, strange)
    }

    pub(super) fn insert(&mut self, stem: Stem, place: Place, bytes: u64) {
        self.0.insert(stem, Entry { place, bytes });
    }

    pub(super) fn remove(&mut self, stem: &Stem) {
        self.0.remove(stem);
    }

    pub(super) fn place(&mut self, stem: &Stem, place: Place) {
        if let Some(entry) = self.0.get_mut(stem) {
            entry.place = place;
        }
    }

    pub(super) fn contains(&self, stem: &Stem) -> bool {
        self.0.contains_key(stem)
    }

    pub(super) fn find(&self, upload_id: Uuid) -> Option<(Stem, Entry)> {
        self.0.iter().find(|(stem, _)| stem.upload_id() == upload_id).map(|(stem, entry)| (stem.clone(), *entry))
    }

    /// Stems in `place`, oldest first.
    pub(super) fn in_place(&self, place: Place) -> impl Iterator<Item = &Stem> {
        self.0.iter().filter(move |(_, entry)| entry.place == place).map(|(stem, _)| stem)
    }

    /// Length of all files together.
    pub(super) fn bytes(&self) -> u64 {
        self.0.values().map(|entry| entry.bytes).sum()
    }

    /// The oldest window to give up in order to keep within `max_bytes` once `coming` bytes are added, or because it is
    /// older than `horizon`; never `spare`.
    pub(super) fn surplus(
        &self,
        max_bytes: u64,
        coming: u64,
        horizon: Timestamp,
        spare: Option<&Stem>,
    ) -> Option<Stem> {
        let too_much = self.bytes().saturating_add(coming) > max_bytes;
        let (stem, _) = self.0.iter().find(|(stem, _)| Some(*stem) != spare)?;
        (too_much || stem.started_at() < horizon).then(|| stem.clone())
    }
}
