//! Opening a spool: whatever the last process left is put in order.

use std::fs::{OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;

use super::state::{MAX_STATE_BYTES, STATE};
use super::*;

impl Spool {
    /// Opens the spool in `dir`, which is made (0700) if need be, and locks it. Half-written files are removed, unreadable ones
    /// set aside, checkpoints that a killed process left become finished windows, bounds are applied.
    ///
    /// # Errors
    /// The directory cannot be made, read or written, or another process has it open ([`Trouble::InUse`]).
    pub fn open(dir: &Path, limits: Limits, around: Surroundings) -> Result<Self, SpoolError> {
        around.disk.make_directory(dir).map_err(|error| SpoolError::new("make the spool", dir, error))?;
        let lock = lock(dir)?;
        let listing = around.disk.list(dir).map_err(|error| SpoolError::new("read the spool", dir, error))?;
        let (index, strange) = Index::of(&listing);
        let mut spool = Self {
            dir: dir.to_owned(),
            around,
            limits,
            index,
            opened: BTreeSet::new(),
            unwritten: VecDeque::new(),
            in_flight: None,
            state: State::default(),
            lock,
        };
        spool.read_state()?;
        for name in strange {
            spool.set_aside(&name, "its name is not a window's");
        }
        spool.remove_leftovers(&listing)?;
        spool.recover(&listing)?;
        spool.make_room(0)?;
        Ok(spool)
    }

    fn remove_leftovers(&mut self, listing: &[(String, u64)]) -> Result<(), SpoolError> {
        let dropping = std::mem::take(&mut self.state.dropping);
        let half_written = listing.iter().map(|(name, _)| name).filter(|name| Kind::of(name) == Some(Kind::Temporary));
        for name in dropping.iter().chain(half_written) {
            let path = self.dir.join(name);
            self.around.disk.remove(&path).map_err(|error| SpoolError::new("clean up", &path, error))?;
        }
        for stem in dropping.iter().filter_map(|name| Stem::parse(name)) {
            self.index.remove(&stem);
        }
        Ok(())
    }

    /// Makes finished windows of checkpoints. A rename: it needs no space.
    fn recover(&mut self, listing: &[(String, u64)]) -> Result<(), SpoolError> {
        for (name, bytes) in listing.iter().filter(|(name, _)| Kind::of(name) == Some(Kind::Open)) {
            let open = self.dir.join(name);
            let Some(stem) = Stem::parse(name) else {
                self.set_aside(name, "its name is not a window's");
                continue;
            };
            if self.index.contains(&stem) {
                self.around.disk.remove(&open).map_err(|error| SpoolError::new("clean up", &open, error))?;
                continue;
            }
            let read = self.around.disk.read(&open, MAX_RECORD_BYTES);
            let read = read.map_err(|error| SpoolError::new("read", &open, error))?;
            if let Err(damage) = read_record(&read) {
                self.set_aside(name, &damage.to_string());
                continue;
            }
            let finished = self.path(&stem, Kind::Window);
            self.around
                .disk
                .rename(&open, &finished)
                .map_err(|error| SpoolError::new("finish the window in", &open, error))?;
            self.around.say.say(Notice::Recovered { upload_id: stem.upload_id() });
            self.index.insert(stem, Place::Waiting, *bytes);
        }
        Ok(())
    }

    fn read_state(&mut self) -> Result<(), SpoolError> {
        let path = self.dir.join(STATE);
        let bytes = match self.around.disk.read(&path, MAX_STATE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(SpoolError::new("read", &path, error)),
        };
        match serde_json::from_slice(&bytes) {
            Ok(state) => self.state = state,
            Err(error) => self.set_aside(STATE, &error.to_string()),
        }
        Ok(())
    }

    pub(super) fn save_state(&mut self, durability: Durability) -> Result<(), SpoolError> {
        let parked: BTreeSet<Uuid> = self.index.in_place(Place::Parked).map(Stem::upload_id).collect();
        self.state.parked.retain(|id, _| parked.contains(id));
        let path = self.dir.join(STATE);
        let mut text = serde_json::to_vec_pretty(&self.state).expect("counters, times and words serialize");
        text.push(b'\n');
        self.around.disk.replace(&path, &text, durability).map_err(|error| SpoolError::new("write", &path, error))
    }
}

/// Ends with the process, also with a killed one.
fn lock(dir: &Path) -> Result<File, SpoolError> {
    let path = dir.join("lock");
    let locked =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).and_then(|file| match file
            .try_lock()
        {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        });
    locked.map_err(|error| SpoolError::new("lock", &path, error))
}
