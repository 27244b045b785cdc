//! Looking at a spool without opening it: for commands that run beside a daemon. Nothing is locked, changed or repaired.

use serde::Serialize;

use super::state::{MAX_STATE_BYTES, STATE};
use super::*;

/// How many parked windows a status names.
const NAMED: usize = 20;

/// What lies in a spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpoolStatus {
    /// Finished windows to be sent.
    pub waiting: u64,
    /// Start of the oldest of them, UTC.
    pub oldest_waiting: Option<Timestamp>,
    /// Finished windows that the disk does not take; they are in memory only.
    pub in_memory: u64,
    /// Length of all finished windows on the disk, in bytes.
    pub bytes: u64,
    /// Windows that the endpoint refused.
    pub parked: u64,
    /// The oldest of them, at most twenty.
    pub parked_windows: Vec<ParkedWindow>,
    /// Windows that the endpoint took since the spool was made.
    pub taken: u64,
    /// Windows given up since the spool was made, because of its bounds.
    pub dropped: u64,
    /// Files set aside since the spool was made, because they could not be read.
    pub damaged: u64,
    /// The last window that was taken.
    pub last_success: Option<Success>,
    /// The last attempt that failed.
    pub last_error: Option<Failure>,
}

/// A window that the endpoint refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParkedWindow {
    /// The window.
    pub upload_id: Uuid,
    /// Its start, UTC.
    pub started_at: Timestamp,
    /// What the endpoint said, where that is known.
    pub why: Option<String>,
}

impl SpoolStatus {
    fn of(index: &Index, state: &State, in_memory: usize) -> Self {
        let count = |place| index.in_place(place).count() as u64;
        Self {
            waiting: count(Place::Waiting),
            oldest_waiting: index.in_place(Place::Waiting).next().map(Stem::started_at),
            in_memory: in_memory as u64,
            bytes: index.bytes(),
            parked: count(Place::Parked),
            parked_windows: index
                .in_place(Place::Parked)
                .take(NAMED)
                .map(|stem| ParkedWindow {
                    upload_id: stem.upload_id(),
                    started_at: stem.started_at(),
                    why: state.parked.get(&stem.upload_id()).map(|failure| failure.message.clone()),
                })
                .collect(),
            taken: state.taken,
            dropped: state.dropped,
            damaged: state.damaged,
            last_success: state.last_success.clone(),
            last_error: state.last_error.clone(),
        }
    }
}

impl Spool {
    /// What lies in the spool.
    #[must_use]
    pub fn status(&self) -> SpoolStatus {
        SpoolStatus::of(&self.index, &self.state, self.unwritten.len())
    }
}

/// A spool as it lies on the disk at one moment.
#[derive(Debug)]
pub struct SpoolView {
    dir: PathBuf,
    disk: Disk,
    index: Index,
    open: Vec<Stem>,
    state: State,
}

impl SpoolView {
    /// Looks at `dir`. A directory that is not there is an empty spool.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(dir: &Path) -> Result<Self, SpoolError> {
        let disk = Disk::default();
        let listing = match disk.list(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listing => listing.map_err(|error| SpoolError::new("read the spool", dir, error))?,
        };
        let (index, _) = Index::of(&listing);
        let open = listing.iter().filter(|(name, _)| Kind::of(name) == Some(Kind::Open));
        let open = open.filter_map(|(name, _)| Stem::parse(name)).collect();
        let state = disk.read(&dir.join(STATE), MAX_STATE_BYTES).ok();
        let state = state.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Self { dir: dir.to_owned(), disk, index, open, state })
    }

    /// What lies in the spool.
    #[must_use]
    pub fn status(&self) -> SpoolStatus {
        SpoolStatus::of(&self.index, &self.state, 0)
    }

    /// The window that will be sent next: the oldest that waits; when none does, the open one as it would be now.
    #[must_use]
    pub fn next(&self) -> Option<Window> {
        let waiting = self.index.in_place(Place::Waiting).map(|stem| stem.file(Kind::Window));
        let open = self.open.iter().map(|stem| stem.file(Kind::Open));
        waiting.chain(open).find_map(|file| {
            let bytes = self.disk.read(&self.dir.join(file), MAX_RECORD_BYTES).ok()?;
            read_record(&bytes).ok()
        })
    }
}
