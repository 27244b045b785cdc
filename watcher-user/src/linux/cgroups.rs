//! Paths of cgroups of version 2, by the ids that the programs' records carry.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::fs::MetadataExt as _,
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{load::cgroup2_mount, raw};

/// Paths that are remembered. A path of version 2 never changes and an id never comes again.
const MOST: usize = 8_192;
/// Where no cgroup may be opened by its id, the tree is walked: so many of it, at most so often.
const WALKED: usize = 16_384;
const WALK_EVERY: Duration = Duration::from_secs(5);

/// What became of a cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Its path below the root of the tree, `/` for that root.
    At(Arc<str>),
    /// It has been removed since, or cannot be found.
    Gone,
}

/// The tree.
#[derive(Debug, Default)]
pub struct Cgroups {
    mount: Option<Option<(PathBuf, File)>>,
    known: HashMap<u64, Arc<str>>,
    walked: Option<Instant>,
    /// Opening by id is not permitted here, or the kernel does not know how.
    walks: bool,
}

impl Cgroups {
    /// Where the cgroup with this id is.
    pub fn place(&mut self, id: u64) -> Place {
        if let Some(path) = self.known.get(&id) {
            return Place::At(Arc::clone(path));
        }
        if !self.walks {
            match self.open(id) {
                Ok(path) => return Place::At(self.remember(id, &path)),
                Err(error) => self.walks = !matches!(error.raw_os_error(), Some(libc::ESTALE | libc::ENOENT)),
            }
        }
        if self.walks && self.walked.is_none_or(|at| at.elapsed() >= WALK_EVERY) {
            self.walk();
        }
        self.known.get(&id).map_or(Place::Gone, |path| Place::At(Arc::clone(path)))
    }

    fn remember(&mut self, id: u64, path: &str) -> Arc<str> {
        if self.known.len() >= MOST {
            self.known.clear();
        }
        Arc::clone(self.known.entry(id).or_insert_with(|| path.into()))
    }

    /// The kernel tells the path of a descriptor.
    fn open(&mut self, id: u64) -> io::Result<String> {
        let (mount, root) = self.mount().ok_or(io::ErrorKind::Unsupported)?;
        let found = raw::open_by_id(root.as_fd(), id)?;
        let path = fs::read_link(format!("/proc/self/fd/{}", found.as_raw_fd()))?;
        below(mount, &path).ok_or_else(|| io::Error::from_raw_os_error(libc::ESTALE))
    }

    /// An inode's number is the id, on machines of 64 bits.
    fn walk(&mut self) {
        self.walked = Some(Instant::now());
        let Some(mount) = self.mount().map(|(mount, _)| mount.clone()) else { return };
        let mut folders = vec![mount.clone()];
        let mut seen = 0;
        while let Some(folder) = folders.pop().filter(|_| seen < WALKED) {
            seen += 1;
            if let (Ok(data), Some(path)) = (fs::metadata(&folder), below(&mount, &folder)) {
                self.remember(data.ino(), &path);
            }
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let inner = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            folders.extend(inner.map(|entry| entry.path()));
        }
    }

    fn mount(&mut self) -> Option<&(PathBuf, File)> {
        let find = || {
            let path = cgroup2_mount(&fs::read_to_string("/proc/mounts").ok()?)?;
            let file = File::open(&path).ok()?;
            Some((path, file))
        };
        self.mount.get_or_insert_with(find).as_ref()
    }
}

/// A path from the root of the tree on; `None` for what is not below the mount, as a removed one, whose path has a mark.
fn below(mount: &Path, path: &Path) -> Option<String> {
    let rest = path.strip_prefix(mount).ok()?.to_str().filter(|path| !path.ends_with(" (deleted)"))?;
    Some(format!("/{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (tempfile::TempDir, u64) {
        let mount = cgroup2_mount(&fs::read_to_string("/proc/mounts").unwrap()).unwrap();
        let folder = tempfile::Builder::new().prefix("watcher-test-").suffix(".service").tempdir_in(mount).unwrap();
        let id = fs::metadata(folder.path()).unwrap().ino();
        (folder, id)
    }

    fn expected(folder: &Path) -> Place {
        Place::At(format!("/{}", folder.file_name().unwrap().to_str().unwrap()).into())
    }

    #[test]
    fn a_cgroup_is_found_by_its_id_and_remembered_after_its_end() {
        let mut cgroups = Cgroups::default();
        let (folder, id) = made();
        let path = expected(folder.path());
        assert_eq!((cgroups.place(id), cgroups.walks), (path.clone(), false));
        fs::remove_dir(folder.keep()).unwrap();
        assert_eq!((cgroups.place(id), Cgroups::default().place(id)), (path, Place::Gone));
        assert_eq!(cgroups.place(1), Place::At("/".into()));
    }

    #[test]
    fn where_no_id_may_be_opened_the_tree_is_walked() {
        let mut cgroups = Cgroups { walks: true, ..Cgroups::default() };
        let (folder, id) = made();
        let path = expected(folder.path());
        assert_eq!(cgroups.place(id), path);
        fs::remove_dir(folder.keep()).unwrap();
    }
}
