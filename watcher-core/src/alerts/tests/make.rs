//! Rules in few words, and a clock that tests move.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

use crate::{
    Application, Delta, Lifecycles, NamedBy, Observer as _, PerScope, ProcessInfo, Scope,
    aggregate::tests::make::flow,
    alerts::{Alerts, Condition, Fired, Pattern, Period, Rule, Subject, Way},
    names::{Known, Name, NameSource},
};

pub const SECOND: Duration = Duration::from_secs(1);

pub fn app(pattern: &str, condition: Condition) -> Rule {
    let subject = Subject::Application(Pattern::new(pattern).unwrap());
    Rule { name: pattern.into(), subject, direction: Way::Both, condition }
}

pub fn domain(pattern: &str, condition: Condition) -> Rule {
    Rule { subject: Subject::Domain(Pattern::new(pattern).unwrap()), ..app(pattern, condition) }
}

pub fn bytes(bytes: u64, per: Period) -> Condition {
    Condition::Bytes { bytes, per }
}

pub fn rate(bytes_per_second: u64, seconds: u32) -> Condition {
    Condition::Rate { bytes_per_second, seconds, once_per: Period::Hour }
}

/// Central Europe, by its rule.
pub fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

/// Alerts and a clock.
pub struct Rig {
    pub alerts: Alerts,
    pub at: Zoned,
}

impl Rig {
    /// Noon, in UTC.
    pub fn new(rules: &[Rule]) -> Self {
        Self::at(rules, "2026-01-02T12:00:00Z", TimeZone::UTC)
    }

    pub fn at(rules: &[Rule], at: &str, zone: TimeZone) -> Self {
        let at = at.parse::<Timestamp>().unwrap().to_zoned(zone);
        Self { alerts: Alerts::new(rules.to_vec()), at }
    }

    /// The clock is set; no second passes.
    pub fn set(&mut self, at: &str) {
        self.at = at.parse::<Timestamp>().unwrap().to_zoned(self.at.time_zone().clone());
    }

    pub fn moved(&mut self, app: &str, host: Option<&str>, rx: u64, tx: u64) {
        self.moved_in(Scope::Network, app, host, rx, tx);
    }

    pub fn moved_in(&mut self, scope: Scope, app: &str, host: Option<&str>, rx: u64, tx: u64) {
        let application = Application { name: app.into(), rule: NamedBy::Unit, evidence: "".into() };
        let info = ProcessInfo { name: "x".into(), application: Some(Arc::new(application)), ..ProcessInfo::default() };
        let name = host.and_then(|host| Name::new(host, NameSource::Sni)).map(Arc::new);
        self.alerts.flow(&Delta {
            sample: &flow(1, 1, rx, tx),
            info: &info,
            rx_bytes: rx,
            tx_bytes: tx,
            scope,
            remote: None,
            known: &Known { name, ..Known::default() },
            first: false,
            ended: false,
            lifecycles: Lifecycles::default(),
            open: PerScope::default(),
        });
    }

    /// The reading ends, so long after the one before.
    pub fn passes(&mut self, span: Duration) -> Vec<Fired> {
        self.at = self.at.checked_add(SignedDuration::try_from(span).unwrap()).unwrap();
        self.alerts.tick(&self.at, span)
    }

    /// `app` moves so many bytes in the next second; who fired.
    pub fn second(&mut self, app: &str, tx: u64) -> Vec<String> {
        self.moved(app, None, 0, tx);
        names(&self.passes(SECOND))
    }
}

pub fn names(fired: &[Fired]) -> Vec<String> {
    fired.iter().map(|one| one.name.as_deref().unwrap_or("(others)").to_owned()).collect()
}
