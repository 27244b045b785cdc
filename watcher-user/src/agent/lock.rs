//! One daemon per state directory.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};
use thiserror::Error;

/// The file in the state directory.
const FILE: &str = "lock";
/// A look at who holds the lock takes microseconds.
const LOOKERS_ARE_GONE_BY: Duration = Duration::from_millis(200);

/// Held as long as the daemon lives. The kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    file: Flock<File>,
}

/// Why the lock could not be had.
#[derive(Debug, Error)]
pub enum LockError {
    /// Somebody else runs.
    #[error("watcher runs already (process {pid}, state in {state}); try: watcher status")]
    Taken {
        /// As it wrote it.
        pid: String,
        /// The state directory.
        state: PathBuf,
    },
    /// The file cannot be used.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

impl Lock {
    /// Takes it. Also tells the process that held it before and did not end in good order, if there was one.
    ///
    /// # Errors
    /// Another daemon holds it, or the file cannot be written.
    pub fn take(state: &Path) -> Result<(Self, Option<u32>), LockError> {
        let path = state.join(FILE);
        let io = |source| LockError::Io { path: path.clone(), source };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = open.map_err(io)?;
        let mut said = String::new();
        (&mut file).take(32).read_to_string(&mut said).map_err(io)?;
        let said = said.trim().to_owned();
        let mut file = lock(file).map_err(|errno| match errno {
            Errno::EWOULDBLOCK => LockError::Taken { pid: said.clone(), state: state.to_owned() },
            errno => io(errno.into()),
        })?;
        write(&mut file, &format!("{}\n", std::process::id())).map_err(io)?;
        Ok((Self { file }, said.parse().ok()))
    }

    /// Who holds it; `None` when nobody does.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn holder(state: &Path) -> Result<Option<u32>, LockError> {
        let path = state.join(FILE);
        let io = |source| LockError::Io { path: path.clone(), source };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io(e)),
        };
        let mut said = String::new();
        (&mut file).take(32).read_to_string(&mut said).map_err(io)?;
        match Flock::lock(file, FlockArg::LockSharedNonblock) {
            Ok(_free) => Ok(None),
            Err((_, Errno::EWOULDBLOCK)) => Ok(said.trim().parse().ok()),
            Err((_, errno)) => Err(io(errno.into())),
        }
    }

    /// Lets go in good order: who takes it next need not be told of anybody.
    pub fn release(mut self) {
        write(&mut self.file, "").ok();
    }
}

/// Whoever only looks who holds it has it for a moment: so not at the first refusal.
fn lock(mut file: File) -> Result<Flock<File>, Errno> {
    let begun = Instant::now();
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => return Ok(held),
            Err((back, Errno::EWOULDBLOCK)) if begun.elapsed() < LOOKERS_ARE_GONE_BY => file = back,
            Err((_, errno)) => return Err(errno),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn write(file: &mut File, text: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_looks_keeps_nobody_from_taking_it() {
        let state = tempfile::tempdir().expect("a folder");
        Lock::take(state.path()).expect("free").0.release();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        Lock::holder(state.path()).expect("readable");
                    }
                });
            }
            for _ in 0..200 {
                let taken = Lock::take(state.path());
                let Ok((lock, _)) = taken else {
                    stop.store(true, std::sync::atomic::Ordering::Relaxed);
                    panic!("{taken:?}")
                };
                lock.release();
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }

    #[test]
    fn one_holds_it_and_the_next_hears_who() {
        let state = tempfile::tempdir().expect("a folder");
        let me = std::process::id();
        assert_eq!(Lock::holder(state.path()).expect("readable"), None);
        let (lock, before) = Lock::take(state.path()).expect("free");
        assert_eq!(before, None);
        assert_eq!(Lock::holder(state.path()).expect("readable"), Some(me));
        let again = Lock::take(state.path()).expect_err("taken");
        assert!(matches!(&again, LockError::Taken { pid, .. } if *pid == me.to_string()), "{again}");
        drop(lock);
        let (lock, before) = Lock::take(state.path()).expect("free again");
        assert_eq!(before, Some(me), "it was not released in good order");
        lock.release();
        assert_eq!(Lock::take(state.path()).expect("free again").1, None);
    }
}
