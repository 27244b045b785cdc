//! Configuration: the file, then the environment, then flags; each may change what the one before said.
//!
//! `keys.rs` is the one table of what may be said. The file's parser, the environment, the flags, the commented default file
//! and the hints in errors all read it. What is said wrongly is an error that names the place and what was expected;
//! nothing is ever replaced by a default in silence.

mod alerts;
#[cfg(test)]
mod alerts_tests;
mod duration;
mod environment;
mod error;
mod file;
mod keys;
mod size;
mod state;
mod template;
#[cfg(test)]
mod tests;
mod value;

use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use watcher_core::rollup::{Limits, Policy, WindowOptions};

pub use alerts::Alert;
pub use duration::parse as parse_duration;
pub use error::{ConfigError, Place};
pub use size::written as written_size;
pub use state::{StateError, Surroundings, state_directory};
pub use template::template;

/// Where the file is.
pub const FILE: &str = "/etc/watcher/config.toml";
/// Where rollups go when the user opted in and named no other place.
pub const DEFAULT_URL: &str = "https://dialtoneapp.com/api/v1/watcher";

/// How the program was started: some defaults depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// As a service.
    #[default]
    Normal,
    /// To see soon whether it works: windows are short.
    Test,
}

/// All that can be configured, valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[upload]`
    pub upload: Upload,
    /// `[privacy]`: what of a rollup may name somebody.
    pub privacy: Policy,
    /// `[collect]`
    pub collect: Collect,
    /// `[names]`
    pub names: Names,
    /// `[history]`
    pub history: History,
    /// `[paths]`
    pub paths: Paths,
    /// `[[alert]]`, at most 64, each with a name of its own.
    pub alerts: Vec<Alert>,
}

/// `[upload]`: off unless the user opts in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Naming a place opts in.
    url: Option<String>,
    /// What was said of it directly.
    enabled: Option<bool>,
    /// `DIALTONE_WATCHER_DISABLE_UPLOAD`: off, whatever else says on.
    vetoed: bool,
    /// The length of a window.
    pub interval: Duration,
    /// For one attempt, all in all.
    pub timeout: Duration,
    /// A file with the bearer token.
    pub token_file: Option<PathBuf>,
    /// The bearer token itself, from the environment.
    pub token: Option<Secret>,
    /// Whether the body is compressed: the receiver must be known to take it.
    pub gzip: bool,
    /// PEM certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl Upload {
    /// Where rollups go; `None` while upload is off.
    #[must_use]
    pub fn destination(&self) -> Option<&str> {
        let on = !self.vetoed && self.enabled.unwrap_or(self.url.is_some());
        on.then(|| self.configured_url())
    }

    /// Where rollups would go if upload were on.
    #[must_use]
    pub fn configured_url(&self) -> &str {
        self.url.as_deref().unwrap_or(DEFAULT_URL)
    }
}

/// `[collect]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collect {
    /// Between two process samples.
    pub sample_interval: Duration,
    /// Whether rollups list traffic within the host; their totals always hold it.
    pub list_loopback: bool,
}

/// `[names]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Whether names are learnt from what passes by: DNS answers, TLS and QUIC greetings.
    pub passive: bool,
    /// Whether the system's resolver is asked for the names of public addresses that nothing else named.
    pub ptr: bool,
    /// Databases of countries and networks.
    pub geo: Vec<PathBuf>,
}

/// `[history]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Whether one is written.
    pub enabled: bool,
    /// Between two writes.
    pub interval: Duration,
}

/// `[paths]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// The state directory, when it was named: see [`state_directory`].
    pub state: Option<PathBuf>,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Config {
    /// What holds when nothing is said.
    #[must_use]
    pub fn defaults(mode: Mode) -> Self {
        let interval = match mode {
            Mode::Normal => Duration::from_secs(15 * 60),
            Mode::Test => Duration::from_secs(15),
        };
        Self {
            upload: Upload {
                url: None,
                enabled: None,
                vetoed: false,
                interval,
                timeout: Duration::from_secs(10),
                token_file: None,
                token: None,
                gzip: false,
                ca_file: None,
            },
            privacy: Policy::default(),
            collect: Collect { sample_interval: Duration::from_secs(5), list_loopback: false },
            names: Names { passive: true, ptr: true, geo: Vec::new() },
            history: History { enabled: true, interval: Duration::from_secs(10) },
            paths: Paths::default(),
            alerts: Vec::new(),
        }
    }

    /// How windows are to be kept.
    #[must_use]
    pub fn window_options(&self) -> WindowOptions {
        WindowOptions {
            policy: self.privacy.clone(),
            list_loopback: self.collect.list_loopback,
            limits: Limits::default(),
        }
    }

    /// Adds what a file says. One that does not exist says nothing, unless it was asked for by name.
    ///
    /// # Errors
    /// It cannot be read, or says something wrong.
    pub fn file(mut self, path: &Path, must_exist: bool) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => file::apply(&mut self, path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {}
            Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
        }
        Ok(self)
    }

    /// Adds what the text of a file says; `path` is for errors.
    ///
    /// # Errors
    /// It says something wrong.
    pub fn text(mut self, path: &Path, text: &str) -> Result<Self, ConfigError> {
        file::apply(&mut self, path, text)?;
        Ok(self)
    }

    /// Adds what the environment says: `std::env::var_os`.
    ///
    /// # Errors
    /// A variable that is set does not parse, be it empty.
    pub fn environment(mut self, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        environment::apply(&mut self, variable)?;
        Ok(self)
    }

    /// Adds what a flag says of a key, by the key's name in the file: `("--interval", "upload.interval", "1m")`.
    ///
    /// # Errors
    /// There is no such key, or the value does not parse.
    pub fn flag(mut self, flag: &str, key: &str, value: &str) -> Result<Self, ConfigError> {
        let place = Place::Flag(flag.to_owned());
        let Some(key) = keys::find(key) else { return Err(ConfigError::unknown(place, key)) };
        key.set(&mut self, value::Value::Plain(value)).map_err(|problem| ConfigError::Wrong {
            place,
            key: None,
            problem,
        })?;
        Ok(self)
    }
}
