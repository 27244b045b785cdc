//! Where a daemon may be found.

use std::path::{Path, PathBuf};

use super::{
    client::{AskError, Client},
    socket_path,
};
use crate::config::{Surroundings, state_directory};

/// The state directory of the system's own daemon.
const SYSTEM: &str = "/var/lib/watcher";

/// One of the places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The state directory.
    pub state: PathBuf,
    /// The control socket.
    pub socket: PathBuf,
}

impl Place {
    fn of(state: PathBuf) -> Self {
        Self { socket: socket_path(&state), state }
    }
}

/// The place that was named; else this user's own and the system's.
#[must_use]
pub fn places(named: Option<&Path>, around: &Surroundings) -> Vec<Place> {
    // Whoever has no home has no daemon there.
    let mut states: Vec<PathBuf> = state_directory(named, around).into_iter().collect();
    if named.is_none() && !states.iter().any(|state| state == Path::new(SYSTEM)) {
        states.push(SYSTEM.into());
    }
    states.into_iter().map(Place::of).collect()
}

/// Connects to the first daemon that listens. Which one it is comes with it.
///
/// # Errors
/// That one listens and may not be asked outweighs that none listens elsewhere.
pub fn reach(places: &[Place]) -> Result<(&Place, Client), AskError> {
    let mut failed = None;
    for place in places {
        match Client::connect(&place.socket) {
            Ok(client) => return Ok((place, client)),
            Err(e @ AskError::NotRunning(_)) => {
                failed.get_or_insert(e);
            }
            Err(e) => {
                if matches!(failed, None | Some(AskError::NotRunning(_))) {
                    failed = Some(e);
                }
            }
        }
    }
    Err(failed.unwrap_or_else(|| AskError::NotRunning(PathBuf::from(super::SYSTEM))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(named: Option<&str>, is_root: bool) -> Vec<String> {
        let around =
            Surroundings { is_root, home: Some("/home/anna".into()), xdg_state_home: Some("/home/anna/.s".into()) };
        places(named.map(Path::new), &around).iter().map(|place| place.socket.display().to_string()).collect()
    }

    #[test]
    fn who_is_not_root_finds_the_systems_daemon_too() {
        assert_eq!(states(Some("/tmp/s"), false), ["/tmp/s/control.sock"]);
        assert_eq!(states(None, true), ["/run/watcher/control.sock"]);
        #[cfg(target_os = "linux")]
        assert_eq!(states(None, false), ["/home/anna/.s/watcher/control.sock", "/run/watcher/control.sock"]);
    }

    #[test]
    fn that_nobody_listens_is_said_of_the_first_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| Place::of(folder.path().join(name));
        let error = reach(&[place("a"), place("b")]).expect_err("nobody listens");
        assert!(matches!(&error, AskError::NotRunning(path) if path.starts_with(folder.path().join("a"))), "{error}");
    }
}
