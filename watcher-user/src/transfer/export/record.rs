//! One row, as every format writes it.

use std::{rc::Rc, sync::Arc};

use jiff::tz::TimeZone;
use serde::Serialize;
use watcher_core::{
    Scope,
    history::{By, Level},
};

use crate::{
    history::{Named, Scanned},
    users::Users,
};

/// The columns. What a row cannot have, or was not kept, is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "docs/export.md has them")]
pub struct Record {
    pub start: String,
    pub start_unix: i64,
    pub seconds: i64,
    pub level: &'static str,
    pub kind: &'static str,
    pub application: Option<Arc<str>>,
    pub rule: Option<Arc<str>>,
    pub process: Option<Arc<str>>,
    pub pid: Option<u32>,
    pub uid: Option<u32>,
    pub user: Option<Rc<str>>,
    pub domain: Option<Arc<str>>,
    pub interface: Option<Arc<str>>,
    pub apart: Option<bool>,
    pub scope: &'static str,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_peak: Option<u64>,
    pub tx_peak: Option<u64>,
    pub estimated: bool,
}

impl Record {
    /// Of a row, for clocks of `zone`.
    #[must_use]
    pub fn new(by: By, row: &Scanned, zone: &TimeZone, users: &Users) -> Self {
        let Scanned { span, level, of, amount } = row;
        let Named { scope, estimated, application, rule, process, pid, uid, domain, interface, apart } = &**of;
        // Peaks are kept of subjects that are one row each; of bytes that moved, none was 0.
        let has_peaks = matches!(by, By::Application | By::Interface);
        let peak = |peak: u64, bytes: u64| (has_peaks && (peak > 0 || bytes == 0)).then_some(peak);
        Self {
            start: span.from.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            start_unix: span.from.as_second(),
            seconds: span.until.as_second() - span.from.as_second(),
            level: match level {
                Level::Open | Level::Minute => "minute",
                Level::Hour => "hour",
                Level::Day => "day",
            },
            kind: match by {
                By::Application => "application",
                By::Process => "process",
                By::Domain => "domain",
                By::User => "user",
                By::Interface => "interface",
            },
            application: application.clone(),
            rule: rule.clone(),
            process: process.clone(),
            pid: *pid,
            uid: *uid,
            user: uid.map(|uid| users.name(uid)),
            domain: domain.clone(),
            interface: interface.clone(),
            apart: *apart,
            scope: match scope {
                Scope::Network => "network",
                Scope::Loopback => "loopback",
                Scope::Packet => "packet",
            },
            rx_bytes: amount.rx_bytes,
            tx_bytes: amount.tx_bytes,
            rx_peak: peak(amount.rx_peak, amount.rx_bytes),
            tx_peak: peak(amount.tx_peak, amount.tx_bytes),
            estimated: *estimated,
        }
    }
}
