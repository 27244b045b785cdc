//! The few things that the spool does to files. Before each of them an injected hook may fail it or end the process: that
//! is how the tests kill watcher between any two steps.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One thing that is about to happen to a file or a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Make the directory.
    MakeDirectory,
    /// Open a temporary file.
    Create,
    /// Write the first half of its bytes.
    WriteFirstHalf,
    /// Write the rest.
    WriteRest,
    /// `fsync` the file.
    SyncFile,
    /// Give a file its name.
    Rename,
    /// `fsync` the directory.
    SyncDirectory,
    /// Remove a file.
    Remove,
    /// Read a file.
    Read,
    /// Read the directory.
    List,
}

/// Called before each step; an error takes the place of the step.
pub type BeforeStep = dyn Fn(Step, &Path) -> io::Result<()> + Send + Sync;

/// How much a write is to survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, also by `kill -9`: the kernel has the bytes.
    Process,
    /// The end of power: `fsync` of file and directory.
    Power,
}

/// The file system, with a hook for tests.
#[derive(Clone, Default)]
pub struct Disk {
    before: Option<Arc<BeforeStep>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("hooked", &self.before.is_some()).finish()
    }
}

impl Disk {
    /// With a hook, for tests.
    #[must_use]
    pub fn hooked(before: impl Fn(Step, &Path) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { before: Some(Arc::new(before)) }
    }

    fn step(&self, step: Step, path: &Path) -> io::Result<()> {
        self.before.as_ref().map_or(Ok(()), |before| before(step, path))
    }

    /// Makes `dir` and its parents, 0700; one that exists keeps its mode.
    pub(super) fn make_directory(&self, dir: &Path) -> io::Result<()> {
        self.step(Step::MakeDirectory, dir)?;
        DirBuilder::new().recursive(true).mode(0o700).create(dir)
    }

    /// `path` has the old content or the new, whatever happens in between. The temporary file is removed on failure.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
        let temporary = temporary(path);
        let written = self.write(&temporary, bytes, durability).and_then(|()| {
            self.step(Step::Rename, path)?;
            fs::rename(&temporary, path)
        });
        if written.is_err() {
            // Best effort: what stays behind is removed when the spool is opened.
            let _ = self.step(Step::Remove, &temporary).and_then(|()| fs::remove_file(&temporary));
        }
        written?;
        if durability == Durability::Power { self.sync_parent(path) } else { Ok(()) }
    }

    fn write(&self, path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
        self.step(Step::Create, path)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        self.step(Step::WriteFirstHalf, path)?;
        file.write_all(first)?;
        self.step(Step::WriteRest, path)?;
        file.write_all(rest)?;
        if durability == Durability::Power {
            self.step(Step::SyncFile, path)?;
            file.sync_all()?;
        }
        Ok(())
    }

    /// Renames within one directory and syncs both the file and the directory.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Step::SyncFile, from)?;
        File::open(from)?.sync_all()?;
        self.step(Step::Rename, to)?;
        fs::rename(from, to)?;
        self.sync_parent(to)
    }

    /// Removes a file and syncs the directory; one that is gone already is no error.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(Step::Remove, path)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.and_then(|()| self.sync_parent(path)),
        }
    }

    /// The file's bytes, at most `limit` + 1 of them.
    pub(super) fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.step(Step::Read, path)?;
        let mut bytes = Vec::new();
        File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Names and lengths of the regular files in `dir`. Names that are no UTF-8 are none of ours.
    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        self.step(Step::List, dir)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => found.push((name, metadata.len())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        found.sort();
        Ok(found)
    }

    fn sync_parent(&self, path: &Path) -> io::Result<()> {
        let dir = path.parent().unwrap_or(Path::new("."));
        self.step(Step::SyncDirectory, dir)?;
        File::open(dir)?.sync_all()
    }
}

/// The suffix of files that are being written.
pub(super) const TEMPORARY: &str = "tmp";

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(TEMPORARY);
    PathBuf::from(name)
}
