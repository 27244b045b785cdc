//! The engine together with what each rule causes.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use watcher_core::{
    BootTime, Delta, Observer,
    alerts::{Alerts, Fired, Report, State},
};

use crate::{config::Alert, upload::Reading};

/// What the configuration asked for, and how far each is.
#[derive(Debug, Default)]
pub struct Watching {
    engine: Alerts,
    /// In the order of the engine's rules.
    alerts: Vec<Alert>,
    last: Option<BootTime>,
}

/// One alert as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// How it stands.
    #[serde(flatten)]
    pub report: Report,
    /// Whether it appears on the desktop.
    pub desktop: bool,
    /// What it runs; empty for nothing.
    pub command: Vec<String>,
}

impl Observer for Watching {
    fn flow(&mut self, delta: &Delta<'_>) {
        self.engine.flow(delta);
    }
}

impl Watching {
    /// These from now on; what goes on is core's to say.
    pub fn replace(&mut self, alerts: Vec<Alert>) {
        self.engine.replace(alerts.iter().map(|alert| alert.rule.clone()).collect());
        self.alerts = alerts;
    }

    /// Goes on where the program before this one was.
    pub fn restore(&mut self, state: State) {
        self.engine.restore(state);
    }

    /// For the program after this one.
    #[must_use]
    pub fn state(&self) -> State {
        self.engine.state()
    }

    /// A reading has ended: who reached a limit.
    pub fn tick(&mut self, now: Reading, zone: &TimeZone) -> Vec<(Alert, Fired)> {
        let span = self.last.map_or(Duration::ZERO, |last| now.boot.since(last));
        self.last = Some(now.boot);
        if self.alerts.is_empty() {
            return Vec::new();
        }
        let fired = self.engine.tick(&now.wall.to_zoned(zone.clone()), span);
        let alert = |fired: &Fired| self.alerts.iter().find(|alert| alert.rule.name == fired.rule.name).cloned();
        fired.into_iter().filter_map(|fired| Some((alert(&fired)?, fired))).collect()
    }

    /// How each stands.
    #[must_use]
    pub fn report(&self) -> Vec<Listed> {
        let with = |(report, alert): (Report, &Alert)| Listed {
            report,
            desktop: alert.desktop,
            command: alert.command.clone(),
        };
        self.engine.report().into_iter().zip(&self.alerts).map(with).collect()
    }

    /// Whether there is nothing to watch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }
}
