//! A directory of finished windows on their way to the endpoint.
//!
//! | file | what it is |
//! | --- | --- |
//! | `START-ID.window` | a finished window ([`super::record`]) |
//! | `START-ID.parked` | one that the endpoint refused for good |
//! | `START-ID.open` | the last known state of a window that is not finished, the *checkpoint* |
//! | `*.damaged` | files that could not be read, at most [`MAX_DAMAGED`] |
//! | `state.json` | counters and the last results |
//! | `lock` | held by the process that has the spool open |
//!
//! Files are replaced by rename and synced, so each has its old content or its new, at any moment. A window is counted once
//! because its id is in its name: `put` makes the `.window` before it removes the `.open`, and whoever opens a spool with both
//! removes the `.open`; with the `.open` alone it is renamed. A window is only handed out for sending after `put` is through,
//! so an `.open` never outlives the `.window` that replaced it.
//!
//! Calls are synchronous and may wait for the disk: [`SharedSpool`] runs them where they hold up nobody.

mod bounds;
mod error;
mod index;
mod names;
mod open;
mod outcome;
mod shared;
mod state;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nix::errno::Errno;
use uuid::Uuid;

use self::index::{Index, Place};
use self::names::{Kind, Stem};
use self::state::State;
use super::disk::{Disk, Durability};
use super::notice::{Notice, Say};
use super::record::{self, Damage, MAX_RECORD_BYTES};
use super::utc::UtcClock;
use super::window::Window;

pub use bounds::Limits;
pub use error::{SpoolError, Trouble};
pub use shared::SharedSpool;
pub use state::{Failure, Success};
pub use view::{ParkedWindow, SpoolStatus, SpoolView};

/// How many damaged files are kept.
pub const MAX_DAMAGED: usize = 8;

/// How many finished windows wait in memory for a disk that does not take them; a day of quarter hours.
pub const MAX_UNWRITTEN: usize = 96;

/// What a spool needs from outside.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The file system.
    pub disk: Disk,
    /// Tells the age of windows.
    pub clock: UtcClock,
    /// Whom to tell about losses.
    pub say: Say,
}

/// An open spool. There is one per directory at a time.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    around: Surroundings,
    limits: Limits,
    index: Index,
    /// Windows with an `.open` file.
    opened: BTreeSet<Stem>,
    /// Finished windows that the disk did not take yet, oldest first.
    unwritten: VecDeque<Window>,
    /// Handed out for sending; kept even when the spool is full.
    in_flight: Option<Stem>,
    state: State,
    lock: File,
}

impl Drop for Spool {
    fn drop(&mut self) {
        // Closing is not enough: a child that was forked just now holds the file until it calls exec.
        let _ = self.lock.unlock();
    }
}

impl Spool {
    /// Takes a finished window and puts it on the disk, durably. Its checkpoint, if any, is gone afterwards. A window whose id
    /// is in the spool already is left as it is.
    ///
    /// # Errors
    /// The disk does not take it. The window is kept in memory (with at most [`MAX_UNWRITTEN`] others) and written at the
    /// next call that writes; what was on the disk before, its last checkpoint included, is unchanged.
    pub fn put(&mut self, window: Window) -> Result<(), SpoolError> {
        self.unwritten.push_back(window);
        if self.unwritten.len() > MAX_UNWRITTEN {
            self.give_up_unwritten();
        }
        self.flush()
    }

    /// Saves what is known of a window that is not finished, as if it ended now. If watcher is killed, that is what will be sent
    /// of it. Several times a minute: [`Durability::Process`] is enough against `kill -9`; [`Durability::Power`] costs an
    /// `fsync`.
    ///
    /// # Errors
    /// The disk does not take it; the last checkpoint is unchanged.
    pub fn checkpoint(&mut self, window: &Window, durability: Durability) -> Result<(), SpoolError> {
        let flushed = self.flush();
        let stem = Stem::new(window.started_at(), window.upload_id());
        if !self.index.contains(&stem) && self.unwritten.iter().all(|kept| kept.upload_id() != window.upload_id()) {
            let path = self.path(&stem, Kind::Open);
            self.around
                .disk
                .replace(&path, &record::encode(window), durability)
                .map_err(|error| SpoolError::new("save the open window in", &path, error))?;
            self.opened.insert(stem);
        }
        flushed
    }

    /// Writes the finished windows that only memory has.
    ///
    /// # Errors
    /// The disk still does not take them.
    pub fn flush(&mut self) -> Result<(), SpoolError> {
        while let Some(window) = self.unwritten.front() {
            let stem = Stem::new(window.started_at(), window.upload_id());
            if !self.index.contains(&stem) {
                let bytes = record::encode(window);
                let length = bytes.len() as u64;
                self.make_room(length)?;
                let path = self.path(&stem, Kind::Window);
                self.around
                    .disk
                    .replace(&path, &bytes, Durability::Power)
                    .map_err(|error| SpoolError::new("write a finished window to", &path, error))?;
                self.index.insert(stem.clone(), Place::Waiting, length);
            }
            self.unwritten.pop_front();
            self.close(&stem)?;
        }
        Ok(())
    }

    /// The oldest window to send. Files that cannot be read are set aside, and the next one is taken.
    ///
    /// # Errors
    /// A file could not be read for a reason that may pass.
    pub fn oldest(&mut self) -> Result<Option<Window>, SpoolError> {
        loop {
            let Some(stem) = self.index.in_place(Place::Waiting).next().cloned() else { return Ok(None) };
            match self.load(&stem)? {
                Ok(window) => {
                    self.in_flight = Some(stem);
                    return Ok(Some(window));
                }
                Err(damage) => {
                    self.index.remove(&stem);
                    self.set_aside(&stem.file(Kind::Window), &damage);
                }
            }
        }
    }

    /// How many finished windows wait to be sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.index.in_place(Place::Waiting).count()
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The outer error may pass, the inner one is the file's.
    fn load(&self, stem: &Stem) -> Result<Result<Window, String>, SpoolError> {
        let path = self.path(stem, Kind::Window);
        match self.around.disk.read(&path, MAX_RECORD_BYTES) {
            Ok(bytes) => Ok(read_record(&bytes).map_err(|damage| damage.to_string())),
            Err(error) if for_good(&error) => Ok(Err(error.to_string())),
            Err(error) => Err(SpoolError::new("read", &path, error)),
        }
    }

    /// Removes the checkpoint of a finished window.
    fn close(&mut self, stem: &Stem) -> Result<(), SpoolError> {
        if self.opened.contains(stem) {
            let path = self.path(stem, Kind::Open);
            self.around.disk.remove(&path).map_err(|error| SpoolError::new("remove", &path, error))?;
            self.opened.remove(stem);
        }
        Ok(())
    }

    fn path(&self, stem: &Stem, kind: Kind) -> PathBuf {
        self.dir.join(stem.file(kind))
    }
}

fn read_record(bytes: &[u8]) -> Result<Window, Damage> {
    if bytes.len() as u64 > MAX_RECORD_BYTES { Err(Damage::TooLong) } else { record::decode(bytes) }
}

/// The file itself is the trouble, not the moment: it is gone, or the disk cannot read it.
fn for_good(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::EIO as i32)
}
