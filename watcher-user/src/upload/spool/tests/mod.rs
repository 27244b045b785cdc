mod bounds;
mod crash;
mod damage;
mod full_disk;
mod keeping;

use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;

/// A directory, a clock and an ear.
struct Bench {
    dir: TempDir,
    now: Arc<Mutex<Timestamp>>,
    heard: Arc<Mutex<Vec<Notice>>>,
}

impl Bench {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), now: Arc::new(Mutex::new(time(0))), heard: Arc::default() }
    }

    fn dir(&self) -> PathBuf {
        self.dir.path().join("spool")
    }

    fn surroundings(&self, disk: Disk) -> Surroundings {
        let (now, heard) = (Arc::clone(&self.now), Arc::clone(&self.heard));
        Surroundings {
            disk,
            clock: UtcClock::of(move || *now.lock().unwrap()),
            say: Say::to(move |notice| heard.lock().unwrap().push(notice)),
        }
    }

    fn open(&self) -> Spool {
        self.open_with(Limits::default(), Disk::default()).unwrap()
    }

    fn open_with(&self, limits: Limits, disk: Disk) -> Result<Spool, SpoolError> {
        Spool::open(&self.dir(), limits, self.surroundings(disk))
    }

    /// What was said since the last call.
    fn heard(&self) -> Vec<Notice> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }

    /// Names of the files that hold windows, in order.
    fn files(&self) -> Vec<String> {
        let listing = Disk::default().list(&self.dir()).unwrap();
        listing.into_iter().map(|(name, _)| name).filter(|name| Kind::of(name).is_some()).collect()
    }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_355_200 + seconds).unwrap()
}

fn id(number: u32) -> Uuid {
    Uuid::from_u128(number.into())
}

/// Window `number` begins in second `number`.
fn window(number: u32, note: &str) -> Window {
    let start = i64::from(number);
    Window::new(id(number), time(start), time(start + 1), &serde_json::json!({ "note": note })).unwrap()
}

fn ids(spool: &mut Spool) -> Vec<u32> {
    let mut ids = Vec::new();
    while let Some(window) = spool.oldest().unwrap() {
        ids.push(u32::try_from(window.upload_id().as_u128()).unwrap());
        spool.taken(window.upload_id()).unwrap();
    }
    ids
}
