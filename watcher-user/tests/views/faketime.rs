//! A clock that a test sets.

use std::{fs, path::PathBuf};

use jiff::Timestamp;

use crate::daemon::{Daemon, Home};

/// Where Debian and others put it.
fn faketime() -> PathBuf {
    let found = fs::read_dir("/usr/lib").expect("a folder").filter_map(|entry| {
        let path = entry.ok()?.path().join("faketime/libfaketime.so.1");
        path.exists().then_some(path)
    });
    found.into_iter().next().expect("libfaketime: `cargo xtask setup` installs it")
}

/// The clock of a daemon, which can be set. That of the boot never is.
pub struct Clock(PathBuf);

impl Clock {
    pub fn of(home: &Home) -> Self {
        let clock = Self(home.folder());
        clock.set(0);
        clock
    }

    /// So many seconds ahead of this machine's.
    pub fn set(&self, ahead: i64) {
        fs::write(self.0.join("clock.new"), format!("{ahead:+}")).expect("a file");
        fs::rename(self.0.join("clock.new"), self.0.join("clock")).expect("a file");
    }

    /// Sets it to a time.
    pub fn set_to(&self, at: Timestamp) {
        self.set(at.as_second() - Timestamp::now().as_second());
    }

    pub fn run(&self, home: &Home, zone: &str) -> Daemon {
        let mut command = home.command(&["run"]);
        command.env("LD_PRELOAD", faketime()).env("FAKETIME_TIMESTAMP_FILE", self.0.join("clock"));
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("TZ", zone);
        home.run_by(command)
    }
}
