//! A year of a busy desktop, written into a history as a daemon writes it: for `cargo xtask bench history`.
//!
//! ```text
//! history_year FILE DAYS
//! ```
//! 200 applications and 2,000 domains, 16 hours a day; in each minute about 30 applications move something, to about 80 remotes,
//! through about 45 processes. Minutes are written one by one, those of the last day in six parts each, as by a daemon that
//! writes every ten seconds. Prints one JSON object: bytes of the file, what one write and one step of upkeep took.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Instant};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use watcher_core::{
    Application, BootTime, NamedBy, ProcessId, Scope,
    history::{Amount, Entry, Program, Series, Subject},
};
use watcher_user::history::{Store, Upkeep, open_or_set_aside};

const APPLICATIONS: usize = 200;
const DOMAINS: usize = 2_000;

/// Numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }

    /// Small numbers more often: about as popularity is.
    fn skewed(&mut self, limit: usize) -> usize {
        let unit = self.below(1 << 20) as f64 / f64::from(1 << 20);
        ((limit as f64).powf(unit) - 1.0) as usize
    }
}

struct Desktop {
    random: Random,
    applications: Vec<Arc<Application>>,
    domains: Vec<Arc<str>>,
}

impl Desktop {
    fn new() -> Self {
        let application = |at| Application {
            name: format!("application-{at}").into(),
            rule: NamedBy::DesktopEntry,
            evidence: format!("app-application-{at}.scope").into(),
        };
        Self {
            random: Random(7),
            applications: (0..APPLICATIONS).map(|at| Arc::new(application(at))).collect(),
            domains: (0..DOMAINS).map(|at| format!("domain-{at}.example.com").into()).collect(),
        }
    }

    /// What one minute adds to each line.
    fn minute(&mut self, minute: Timestamp, day: i64) -> Vec<Entry> {
        let mut pairs = BTreeSet::new();
        for _ in 0..30 {
            let app = self.random.skewed(APPLICATIONS);
            for _ in 0..1 + self.random.below(5) {
                // An application has domains of its own, and some of everybody's.
                let domain = if self.random.below(3) == 0 {
                    self.random.skewed(DOMAINS)
                } else {
                    app * 10 + self.random.skewed(10)
                };
                pairs.insert((app, domain % DOMAINS));
            }
        }
        let mut entries = Vec::new();
        let mut total = Amount::default();
        let (mut apps, mut processes) = (vec![Amount::default(); APPLICATIONS], std::collections::BTreeMap::new());
        for (app, domain) in pairs {
            let (rx, tx) = (200 + self.random.skewed(3_000_000) as u64, 200 + self.random.skewed(300_000) as u64);
            let amount = Amount { rx_bytes: rx, tx_bytes: tx, rx_peak: rx / 7, tx_peak: tx / 7 };
            let (application, remote) = (Arc::clone(&self.applications[app]), Arc::clone(&self.domains[domain]));
            entries.push(entry(minute, Subject::Remote { application, remote }, amount.without_peaks()));
            apps[app] += amount;
            total += amount;
            *processes.entry((app, domain % 2)).or_insert_with(Amount::default) += amount.without_peaks();
        }
        for (app, amount) in apps.iter().enumerate().filter(|(_, amount)| amount.bytes() > 0) {
            entries.push(entry(minute, Subject::Application(Arc::clone(&self.applications[app])), *amount));
        }
        for ((app, number), amount) in processes {
            // Started anew each day.
            let pid = 1_000 + (app * 2 + number) as u32;
            let id = ProcessId { tgid: pid, start: BootTime(day.unsigned_abs() * 86_400_000_000_000 + u64::from(pid)) };
            let application = Arc::clone(&self.applications[app]);
            let program = Program { id, name: format!("process-{app}").into(), uid: 1000, application };
            entries.push(entry(minute, Subject::Process(Arc::new(program)), amount));
        }
        for subject in [Subject::Total, Subject::Ip, Subject::User(1000)] {
            entries.push(entry(minute, subject, total));
        }
        for (name, apart) in [("wlan0", false), ("lo", true)] {
            entries.push(entry(minute, Subject::Interface { name: name.into(), apart }, total));
            entries.push(entry(minute, Subject::Explained { name: name.into() }, total.without_peaks()));
        }
        entries
    }
}

fn entry(minute: Timestamp, subject: Subject, amount: Amount) -> Entry {
    Entry { minute, series: Arc::new(Series { scope: Scope::Network, estimated: false, subject }), amount }
}

#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    fn of<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.0.push(began.elapsed().as_secs_f64() * 1e3);
        done
    }

    /// Milliseconds: the median, the one that 99 of 100 are below, the longest.
    fn quantiles(&mut self) -> [f64; 3] {
        self.0.sort_by(f64::total_cmp);
        let at = |part: f64| self.0.get(((self.0.len() as f64 - 1.0) * part) as usize).copied().unwrap_or(0.0);
        [at(0.5), at(0.99), at(1.0)]
    }
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let path = PathBuf::from(args.next().context("which file?")?);
    let days: i64 = args.next().context("how many days?")?.parse()?;
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let mut store = open_or_set_aside(&path, "0d5e1e2f-6c1b-4f0e-9c58-2f3f0a4f7a11", zone)?.store;
    let mut desktop = Desktop::new();
    let (mut writes, mut upkeep) = (Times::default(), Times::default());
    let end = Timestamp::now();
    let begin = end.checked_sub(SignedDuration::from_hours(24 * days))?;
    let (mut minute, mut bytes) = (Timestamp::from_second(begin.as_second() / 60 * 60)?, [0_u64; 2]);
    while minute < end {
        let day = minute.as_second() / 86_400;
        let hour = minute.as_second() / 3_600 % 24;
        if (6..22).contains(&hour) {
            let entries = desktop.minute(minute, day);
            for entry in entries.iter().filter(|entry| matches!(entry.series.subject, Subject::Total)) {
                bytes = [bytes[0] + entry.amount.rx_bytes, bytes[1] + entry.amount.tx_bytes];
            }
            let is_last_day = end.duration_since(minute) < SignedDuration::from_hours(24);
            write(&mut store, &entries, minute, is_last_day, &mut writes)?;
        }
        if minute.as_second() % (30 * 86_400) == 0 {
            eprintln!("  {} of {days} days", minute.duration_since(begin).as_hours() / 24);
        }
        while upkeep.of(|| store.maintain(minute, true))? == Upkeep::Stepped {}
        minute = minute.checked_add(SignedDuration::from_mins(1))?;
    }
    let mib = std::fs::metadata(&path)?.len() as f64 / f64::from(1 << 20);
    let ([write, write_99, write_most], [step, step_99, step_most]) = (writes.quantiles(), upkeep.quantiles());
    println!(
        "{{\"mib\":{mib:.1},\"rx\":{},\"tx\":{},\"write_ms\":{write:.2},\"write_99_ms\":{write_99:.2},\"write_most_ms\":{write_most:.2},\
         \"step_ms\":{step:.3},\"step_99_ms\":{step_99:.2},\"step_most_ms\":{step_most:.2}}}",
        bytes[0], bytes[1]
    );
    Ok(())
}

/// One minute; of the last day in six parts, which are timed.
fn write(
    store: &mut Store,
    entries: &[Entry],
    minute: Timestamp,
    timed: bool,
    times: &mut Times,
) -> anyhow::Result<()> {
    if !timed {
        return Ok(store.add(entries, minute)?);
    }
    for part in 0..6 {
        let now = minute.checked_add(SignedDuration::from_secs(10 * part))?;
        let part: Vec<Entry> =
            entries.iter().map(|entry| Entry { amount: sixth(entry.amount, part), ..entry.clone() }).collect();
        times.of(|| store.add(&part, now))?;
    }
    Ok(())
}

/// The last part has what is left.
fn sixth(amount: Amount, part: i64) -> Amount {
    let of = |bytes: u64| if part == 5 { bytes - bytes / 6 * 5 } else { bytes / 6 };
    Amount { rx_bytes: of(amount.rx_bytes), tx_bytes: of(amount.tx_bytes), ..amount }
}
