//! What becomes of a window after an attempt to send it.

use super::*;

/// For how many parked windows the reason is remembered.
const MAX_REASONS: usize = 100;

impl Spool {
    /// The endpoint took the window: its file is removed, durably.
    ///
    /// # Errors
    /// The file could not be removed. This process will not send the window again; the next one will, with the same id.
    pub fn taken(&mut self, upload_id: Uuid) -> Result<(), SpoolError> {
        self.in_flight = None;
        self.state.taken += 1;
        self.state.last_success = Some(Success { at: self.around.clock.now(), upload_id });
        let removed = match self.index.find(upload_id) {
            None => Ok(()),
            Some((stem, _)) => {
                self.index.place(&stem, Place::Taken);
                self.remove_taken(&stem)
            }
        };
        // The counters are for people; they are not worth an fsync, and trouble with them does not stop delivery.
        let _ = self.save_state(Durability::Process);
        removed
    }

    /// The checkpoint first: were it left alone, the next process would take it for a window of its own.
    fn remove_taken(&mut self, stem: &Stem) -> Result<(), SpoolError> {
        self.close(stem)?;
        let path = self.path(stem, Kind::Window);
        self.around.disk.remove(&path).map_err(|error| SpoolError::new("remove", &path, error))?;
        self.index.remove(stem);
        Ok(())
    }

    /// The endpoint refused the window for good: it stays in the spool and is not sent again by itself.
    ///
    /// # Errors
    /// The file could not be renamed. This process treats the window as parked all the same.
    pub fn park(&mut self, upload_id: Uuid, why: &str) -> Result<(), SpoolError> {
        self.in_flight = None;
        let failure = Failure { at: self.around.clock.now(), upload_id: Some(upload_id), message: why.to_owned() };
        self.state.last_error = Some(failure.clone());
        let mut renamed = Ok(());
        if let Some((stem, _)) = self.index.find(upload_id) {
            self.index.place(&stem, Place::Parked);
            if self.state.parked.len() < MAX_REASONS {
                self.state.parked.insert(upload_id, failure);
            }
            renamed = self.rename(&stem, Kind::Window, Kind::Parked);
        }
        let _ = self.save_state(Durability::Process);
        renamed
    }

    /// An attempt failed in a way that may pass: the window stays where it is.
    pub fn failed(&mut self, upload_id: Option<Uuid>, why: &str) {
        self.in_flight = None;
        self.state.last_error = Some(Failure { at: self.around.clock.now(), upload_id, message: why.to_owned() });
        let _ = self.save_state(Durability::Process);
    }

    /// An attempt was broken off: nothing is known about it.
    pub fn interrupted(&mut self) {
        self.in_flight = None;
    }

    /// Makes all parked windows ready to be sent again; how many there were.
    ///
    /// # Errors
    /// A file could not be renamed.
    pub fn unpark(&mut self) -> Result<usize, SpoolError> {
        let parked: Vec<Stem> = self.index.in_place(Place::Parked).cloned().collect();
        for stem in &parked {
            self.rename(stem, Kind::Parked, Kind::Window)?;
            self.index.place(stem, Place::Waiting);
            self.state.parked.remove(&stem.upload_id());
        }
        Ok(parked.len())
    }

    fn rename(&self, stem: &Stem, from: Kind, to: Kind) -> Result<(), SpoolError> {
        let path = self.path(stem, from);
        self.around.disk.rename(&path, &self.path(stem, to)).map_err(|error| SpoolError::new("rename", &path, error))
    }
}
