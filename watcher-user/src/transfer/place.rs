//! Which files are meant where none is named.

use std::path::{Path, PathBuf};

use nix::unistd::User;

use crate::{control::Place, history::FILE};

/// The history that is there, else where the first would be.
#[must_use]
pub fn history(named: Option<&Path>, places: &[Place]) -> PathBuf {
    let files = || places.iter().map(|place| place.state.join(FILE));
    match named {
        Some(path) => path.to_owned(),
        None => files().find(|file| file.exists()).or_else(|| files().next()).unwrap_or_else(|| FILE.into()),
    }
}

/// netmon's database: of the user's home, whoever sudo makes them; else of this folder, as netmon looks for it.
#[must_use]
pub fn netmon(named: Option<&Path>) -> PathBuf {
    if let Some(path) = named {
        return path.to_owned();
    }
    let of_sudo = std::env::var("SUDO_USER").ok().and_then(|name| User::from_name(&name).ok().flatten());
    let home = of_sudo.map(|user| user.dir).or_else(|| std::env::var_os("HOME").map(PathBuf::from));
    let at_home = home.map(|home| home.join(".netmon/netmon.db"));
    let here = PathBuf::from("netmon.db");
    match at_home {
        Some(path) if path.exists() || !here.exists() => path,
        _ => here,
    }
}
