//! Writes and removes files: whole or not at all, and only where something differs.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::plan::{Content, Item};

/// Where everything goes: `/`, or the directory of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Written,
    /// It was there with something else in it.
    Replaced,
    /// It was there as it has to be.
    Unchanged,
}

impl Root {
    /// Below `dir`, which must exist.
    ///
    /// # Errors
    /// It is no directory.
    pub fn new(dir: Option<&Path>) -> anyhow::Result<Self> {
        let Some(dir) = dir else { return Ok(Self("/".into())) };
        let real = fs::canonicalize(dir).with_context(|| format!("--root {}: make it first", dir.display()))?;
        anyhow::ensure!(real.is_dir(), "--root {}: not a directory", dir.display());
        Ok(Self(real))
    }

    /// Whether it is the running system.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// Where an absolute path is in it.
    #[must_use]
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Brings one file about.
    ///
    /// # Errors
    /// It cannot be read or written; the error names it.
    pub fn bring(&self, item: &Item) -> anyhow::Result<Outcome> {
        let path = self.at(&item.path);
        let outcome = match &item.content {
            Content::Link(to) => link(to, &path),
            Content::Text(text) => write(text.as_bytes(), item.mode, &path),
            Content::Copy(from) if is_same_file(from, &path) => set_mode(&path, item.mode),
            Content::Copy(from) => {
                let bytes = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
                write(&bytes, item.mode, &path)
            }
        };
        outcome.with_context(|| format!("installing {}", path.display()))
    }

    /// Removes a file, a link or, with all it holds, a directory. Says whether there was one.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn remove(&self, path: impl AsRef<Path>) -> anyhow::Result<bool> {
        let path = self.at(path);
        let removed = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        was_there(removed).with_context(|| format!("removing {}", path.display()))
    }

    /// Removes the folders above `path` that hold nothing any more; in an image only, where setup may have made them.
    pub fn prune_above(&self, path: impl AsRef<Path>) {
        if self.is_live() {
            return;
        }
        let path = self.at(path);
        let folders = path.ancestors().skip(1).take_while(|folder| *folder != self.0);
        for folder in folders {
            if fs::remove_dir(folder).is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
                return;
            }
        }
    }
}

fn was_there(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| path.metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok();
    id(one).is_some() && id(one) == id(other)
}

fn set_mode(path: &Path, mode: u32) -> io::Result<Outcome> {
    if path.metadata()?.permissions().mode() & 0o7777 == mode {
        return Ok(Outcome::Unchanged);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(Outcome::Replaced)
}

fn write(bytes: &[u8], mode: u32, path: &Path) -> io::Result<Outcome> {
    let before = fs::symlink_metadata(path).ok();
    if path.is_file() && fs::read(path)? == bytes {
        // A link to such a file was somebody's wish.
        let is_link = before.is_some_and(|before| before.is_symlink());
        return if is_link { Ok(Outcome::Unchanged) } else { set_mode(path, mode) };
    }
    let folder = parent(path)?;
    let mut file = tempfile::Builder::new().prefix(".watcher-setup.").tempfile_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    // The umask has no say in what others may read.
    file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(if before.is_some() { Outcome::Replaced } else { Outcome::Written })
}

fn link(to: &Path, path: &Path) -> io::Result<Outcome> {
    let before = fs::symlink_metadata(path).is_ok();
    if fs::read_link(path).is_ok_and(|there| there == to) {
        return Ok(Outcome::Unchanged);
    }
    let folder = parent(path)?;
    if before {
        fs::remove_file(path)?;
    }
    symlink(to, folder.join(path.file_name().unwrap_or_default()))?;
    Ok(if before { Outcome::Replaced } else { Outcome::Written })
}

/// The folder of `path`, made where it is missing, open to all like the system's own.
fn parent(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let missing: Vec<_> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> Item {
        Item { path: "/etc/x/y".into(), mode: 0o640, content: Content::Text(text.into()) }
    }

    #[test]
    fn a_file_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(Some(dir.path())).unwrap();
        let outcomes = ["a", "a", "b"].map(|text| root.bring(&item(text)).unwrap());
        assert_eq!(outcomes, [Outcome::Written, Outcome::Unchanged, Outcome::Replaced]);
        let path = root.at("/etc/x/y");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o640);
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o7777, 0o755);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing temporary is left");
        assert_eq!([root.remove("/etc/x/y").unwrap(), root.remove("/etc/x/y").unwrap()], [true, false]);
    }

    #[test]
    fn a_running_program_is_not_copied_over_itself() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(Some(dir.path())).unwrap();
        let program = dir.path().join("etc/x/y");
        root.bring(&item("program")).unwrap();
        let copy = Item { mode: 0o755, content: Content::Copy(program.clone()), ..item("") };
        assert_eq!(root.bring(&copy).unwrap(), Outcome::Replaced, "its mode");
        assert_eq!(root.bring(&copy).unwrap(), Outcome::Unchanged);
        assert_eq!(fs::read_to_string(program).unwrap(), "program");
    }

    #[test]
    fn a_link_in_the_way_is_replaced_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(Some(dir.path())).unwrap();
        let victim = dir.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        fs::create_dir_all(root.at("/etc/x")).unwrap();
        symlink(&victim, root.at("/etc/x/y")).unwrap();
        assert_eq!(root.bring(&item("new")).unwrap(), Outcome::Replaced);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert_eq!(fs::read_to_string(root.at("/etc/x/y")).unwrap(), "new");
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(Some(dir.path())).unwrap();
        fs::write(dir.path().join("etc"), "").unwrap();
        let error = root.bring(&item("x")).unwrap_err().to_string();
        assert!(error.starts_with("installing ") && error.ends_with("/etc/x/y"), "{error}");
        assert!(Root::new(Some(&dir.path().join("none"))).unwrap_err().to_string().contains("make it first"));
    }
}
