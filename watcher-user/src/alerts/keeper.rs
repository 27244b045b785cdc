//! The daemon's side: tells the rules the time, has done what they cause, and keeps their sums over restarts.

use std::{
    io,
    path::{Path, PathBuf},
    sync::PoisonError,
};

use jiff::tz::TimeZone;
use watcher_core::alerts::{State, Subject};

use super::{Actor, Deed, Helper, Limits};
use crate::{
    agent::{Complaints, Log},
    config::{Alert, Config},
    control::Told,
    text::printable,
    upload::Reading,
    whole,
};

/// The file of a state directory.
pub const FILE: &str = "alerts.json";

/// What the daemon's loop calls.
#[derive(Debug)]
pub struct Keeper {
    path: PathBuf,
    actor: Actor,
    log: Log,
    complaints: Complaints,
    /// There is a file: it must not go on saying what is over.
    is_kept: bool,
}

impl Keeper {
    /// Begins where the last daemon of this state directory was.
    pub fn begin(config: &Config, state: &Path, told: &Told, log: Log, helper: Option<Helper>) -> Self {
        let path = state.join(FILE);
        let mut watching = told.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        warn(config, log);
        watching.replace(config.alerts.clone());
        let kept = match read(&path) {
            Ok(kept) => kept,
            Err(why) => {
                log.warning(format_args!("{}: {why}: the sums of alerts begin anew", path.display()));
                None
            }
        };
        let is_kept = kept.is_some();
        watching.restore(kept.unwrap_or_default());
        Self {
            path,
            actor: Actor::new(log, Limits::default(), helper),
            log,
            complaints: Complaints::default(),
            is_kept,
        }
    }

    /// Other rules from now on.
    pub fn replace(&mut self, config: &Config, told: &Told) {
        warn(config, self.log);
        self.actor.reload();
        told.alerts.lock().unwrap_or_else(PoisonError::into_inner).replace(config.alerts.clone());
    }

    /// A reading was taken in. That an alert fired is on the disk before anything is done about it: it fires once.
    pub fn tick(&mut self, now: Reading, told: &Told) {
        let fired = told.alerts.lock().unwrap_or_else(PoisonError::into_inner).tick(now, &TimeZone::system());
        if fired.is_empty() {
            return;
        }
        self.save(told);
        for (alert, fired) in fired {
            let acted = self.actor.act(Deed { alert, fired }).map_err(|error| error.to_string());
            self.complaints.note(self.log, "doing what alerts ask for", acted);
        }
    }

    /// Writes what outlives the daemon.
    pub fn save(&mut self, told: &Told) {
        let state = {
            let watching = told.alerts.lock().unwrap_or_else(PoisonError::into_inner);
            if watching.is_empty() && !self.is_kept {
                return;
            }
            watching.state()
        };
        let written = write(&self.path, &state).map_err(|error| error.to_string());
        self.is_kept |= written.is_ok();
        self.complaints.note(self.log, "writing alerts.json", written);
    }

    /// The last time.
    pub fn end(&mut self, told: &Told) {
        self.save(told);
        self.actor.end();
    }
}

/// What cannot happen is said before somebody waits for it.
fn warn(config: &Config, log: Log) {
    let is_of_domain = |alert: &&Alert| matches!(alert.rule.subject, Subject::Domain(_));
    if let (false, Some(alert)) = (config.names.passive, config.alerts.iter().find(is_of_domain)) {
        let name = printable(&alert.rule.name);
        log.warning(format_args!("alert {name}: names.passive is false: no domain is known, and it cannot fire"));
    }
}

fn read(path: &Path) -> io::Result<Option<State>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, state: &State) -> io::Result<()> {
    whole::write(path, watcher_core::json::to_string(state)?.as_bytes())
}
