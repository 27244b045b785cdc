//! Where state is kept.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Of root, and of the service.
const SYSTEM: &str = "/var/lib/watcher";

/// What the choice depends on beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Whether the effective user is root, or systemd's unit with a user of its own (which has `STATE_DIRECTORY`).
    pub is_root: bool,
    /// `HOME`
    pub home: Option<PathBuf>,
    /// `XDG_STATE_HOME`
    pub xdg_state_home: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        let path = |name| std::env::var_os(name).map(PathBuf::from);
        let is_root =
            nix::unistd::geteuid().is_root() || path("STATE_DIRECTORY").is_some_and(|dir| dir == Path::new(SYSTEM));
        Self { is_root, home: path("HOME"), xdg_state_home: path("XDG_STATE_HOME") }
    }
}

/// There is no place for state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no state directory: HOME is not set; set DIALTONE_WATCHER_HOME to an absolute path")]
pub struct StateError;

/// The state directory: the one that was named (`$DIALTONE_WATCHER_HOME`, else `paths.state`), else `/var/lib/watcher` for
/// root and for the service, else the user's: `$XDG_STATE_HOME/watcher`, by default `~/.local/state/watcher`; on macOS
/// `~/Library/Application Support/watcher`. It is not made here.
///
/// # Errors
/// A user without a home named none.
pub fn state_directory(named: Option<&Path>, around: &Surroundings) -> Result<PathBuf, StateError> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    if around.is_root {
        return Ok(SYSTEM.into());
    }
    let home = around.home.as_deref().filter(|home| home.is_absolute());
    if cfg!(target_os = "macos") {
        return home.map(|home| home.join("Library/Application Support/watcher")).ok_or(StateError);
    }
    // The base directory specification: a relative path is to be ignored.
    let xdg = around.xdg_state_home.clone().filter(|path| path.is_absolute());
    let state = xdg.or_else(|| home.map(|home| home.join(".local/state")));
    state.map(|state| state.join("watcher")).ok_or(StateError)
}
