//! Who this machine is to a fleet: a random UUID in `machine-id.json`, made on first use and kept.
//!
//! It is never replaced by itself: a machine that suddenly has another identity would be counted twice. What cannot be
//! read as an identity is an error that names the file.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// The name of the file, within the state directory.
pub const FILE: &str = "machine-id.json";

/// No identity could be had.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// Reading or writing failed.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was tried: "reading", "writing".
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{} does not hold a machine identity ({why}); it is never replaced by itself: restore it from a backup, or remove \
         it, and this machine will appear as a new one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    machine_id: Uuid,
}

/// The identity of this machine, from the state directory; made when there is none. Of several processes that are the
/// first at once, one makes it and all get it.
///
/// # Errors
/// The file or the directory cannot be read or made, or the file is damaged.
pub fn machine_id(state: &Path) -> Result<Uuid, IdentityError> {
    let path = state.join(FILE);
    if let Some(id) = read(&path)? {
        return Ok(id);
    }
    let id = Uuid::new_v4();
    match write(state, &path, id) {
        Ok(()) => Ok(id),
        // Another process was faster: its identity is the one.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read(&path)?.ok_or(IdentityError::Io { doing: "reading", path, source: error })
        }
        Err(source) => Err(IdentityError::Io { doing: "writing", path, source }),
    }
}

fn read(path: &Path) -> Result<Option<Uuid>, IdentityError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(IdentityError::Io { doing: "reading", path: path.to_owned(), source }),
    };
    let damaged = |why: String| IdentityError::Damaged { path: path.to_owned(), why };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(damaged("it is empty".to_owned()));
    }
    let content: Content = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if content.machine_id.get_version_num() != 4 {
        return Err(damaged("its UUID is not a random one (version 4)".to_owned()));
    }
    Ok(Some(content.machine_id))
}

/// Whole or not at all, and only where there is no such file yet.
fn write(state: &Path, path: &Path, id: Uuid) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    // The temporary file is 0600 from the start.
    let file = tempfile::Builder::new().prefix(".machine-id.").tempfile_in(state)?;
    serde_json::to_writer(file.as_file(), &Content { machine_id: id })?;
    io::Write::write_all(&mut file.as_file(), b"\n")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    fs::File::open(state)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt as _, thread};

    use super::{FILE, IdentityError, machine_id};

    #[test]
    fn an_identity_is_made_once_and_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("a/b");
        let id = machine_id(&state).unwrap();
        assert_eq!((id.get_version_num(), machine_id(&state).unwrap()), (4, id));
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(state.join(FILE)), mode(state.clone())), (0o600, 0o700));
        let text = fs::read_to_string(state.join(FILE)).unwrap();
        assert_eq!(text, format!("{{\"machine_id\":\"{id}\"}}\n"));
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "nothing temporary is left");
    }

    #[test]
    fn of_many_first_users_one_wins() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let ids: HashSet<_> = thread::scope(|scope| {
                let users: Vec<_> = (0..16).map(|_| scope.spawn(|| machine_id(dir.path()).unwrap())).collect();
                users.into_iter().map(|user| user.join().unwrap()).collect()
            });
            assert_eq!(ids.len(), 1);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn what_an_older_agent_wrote_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let text = "{\n  \"machine_id\": \"0F1E2D3C-4B5A-4978-8695-A4B3C2D1E0F0\",\n  \"more\": 1\n}\n";
        fs::write(dir.path().join(FILE), text).unwrap();
        assert_eq!(machine_id(dir.path()).unwrap().to_string(), "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0");
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays_as_it_is() {
        let nil = "{\"machine_id\":\"00000000-0000-0000-0000-000000000000\"}";
        for damaged in ["", "\n", "{", "{}", "{\"machine_id\":\"x\"}", "{\"machine_id\":null}", "[]", nil] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(FILE);
            fs::write(&path, damaged).unwrap();
            let error = machine_id(dir.path()).unwrap_err();
            assert!(matches!(error, IdentityError::Damaged { .. }));
            let text = error.to_string();
            assert!(text.contains(&*path.to_string_lossy()) && text.contains("remove it"), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = machine_id(&file.join("state")).unwrap_err();
        assert!(error.to_string().contains("file/state/machine-id.json"), "{error}");
    }
}
