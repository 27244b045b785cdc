//! The spool's bounds: the oldest windows go first, and are counted. Damaged files are kept apart, a few of them.

use std::time::Duration;

use jiff::SignedDuration;

use super::names::{Kind, Stem};
use super::*;

/// Bounds of a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Length of all finished windows together, in bytes.
    pub max_bytes: u64,
    /// Age of a window, from its start by the wall clock.
    pub max_age: Duration,
}

impl Default for Limits {
    /// 64 MiB and 30 days: three weeks of quarter hours at the longest rollup that there is.
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_age: Duration::from_secs(30 * 24 * 3600) }
    }
}

impl Spool {
    /// Gives up the oldest windows until `coming` bytes have room.
    pub(super) fn make_room(&mut self, coming: u64) -> Result<(), SpoolError> {
        while let Some(stem) =
            self.index.surplus(self.limits.max_bytes, coming, self.horizon(), self.in_flight.as_ref())
        {
            self.give_up(&stem)?;
        }
        Ok(())
    }

    fn horizon(&self) -> Timestamp {
        let age = SignedDuration::try_from(self.limits.max_age).unwrap_or(SignedDuration::MAX);
        self.around.clock.now().checked_sub(age).unwrap_or(Timestamp::MIN)
    }

    fn give_up(&mut self, stem: &Stem) -> Result<(), SpoolError> {
        let Some((_, entry)) = self.index.find(stem.upload_id()) else { return Ok(()) };
        let file = stem.file(entry.place.kind());
        let lost = entry.place != Place::Taken;
        self.state.dropped += u64::from(lost);
        self.state.dropping.push(file.clone());
        // A disk too full to write the count has all the more need of the removal: the count stays in memory and is written later.
        let _ = self.save_state(Durability::Power);
        let path = self.dir.join(&file);
        let removed = self.around.disk.remove(&path);
        self.state.dropping.retain(|name| *name != file);
        if let Err(error) = removed {
            self.state.dropped -= u64::from(lost);
            return Err(SpoolError::new("make room by removing", &path, error));
        }
        self.index.remove(stem);
        self.state.parked.remove(&stem.upload_id());
        if lost {
            self.say_dropped(stem.started_at());
        }
        Ok(())
    }

    pub(super) fn give_up_unwritten(&mut self) {
        let Some(window) = self.unwritten.pop_front() else { return };
        self.state.dropped += 1;
        let _ = self.save_state(Durability::Power);
        // What was saved of it is all that is left of it now: it is sent after the next start.
        self.say_dropped(window.started_at());
    }

    fn say_dropped(&self, started_at: Timestamp) {
        self.around.say.say(Notice::Dropped { started_at, total: self.state.dropped });
    }

    /// Renames a file that cannot be used, so that it is in nobody's way.
    pub(super) fn set_aside(&mut self, file: &str, why: &str) {
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let aside = self.dir.join(format!("{stem}.{}", Kind::Damaged.suffix()));
        // When even this fails the file is left alone: the index forgets it, so it blocks nothing.
        let _ = self.around.disk.rename(&self.dir.join(file), &aside);
        self.state.damaged += 1;
        let _ = self.save_state(Durability::Process);
        self.around.say.say(Notice::SetAside { file: file.to_owned(), why: why.to_owned() });
        self.trim_damaged();
    }

    /// Removes the oldest damaged files beyond [`MAX_DAMAGED`].
    fn trim_damaged(&self) {
        let Ok(listing) = self.around.disk.list(&self.dir) else { return };
        let damaged: Vec<_> = listing.iter().filter(|(name, _)| Kind::of(name) == Some(Kind::Damaged)).collect();
        for (name, _) in damaged.iter().take(damaged.len().saturating_sub(MAX_DAMAGED)) {
            let _ = self.around.disk.remove(&self.dir.join(name));
        }
    }
}
