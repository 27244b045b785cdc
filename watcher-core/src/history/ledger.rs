//! Adds up what an aggregator brings, by second and by minute.

use std::{mem, sync::Arc};

use jiff::Timestamp;

use super::{Amount, Calendar, Level, OTHERS, Program, Seconds, Series, Subject, series::Kind};
use crate::{
    Application, Delta, NamedBy, Observer, PerScope, ProcessEvent, ProcessId, ProcessInfo, Scope,
    aggregate::{FastMap, FastSet},
    names::Known,
};

/// What one minute added to one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the minute began.
    pub minute: Timestamp,
    /// Of what.
    pub series: Arc<Series>,
    /// How much.
    pub amount: Amount,
}

/// The book that bytes are entered into as they come.
///
/// What a reading brings belongs to the second that is going on. Its bounds: of one second and one line at most
/// [`Level::Open`]'s room of subjects goes by name, of what waits to be taken likewise; further ones go to the rest. Sums never change.
#[derive(Debug)]
pub struct Ledger {
    estimated: bool,
    /// Of the second that is going on, by where the interned series is: equal ones are one.
    second: FastMap<usize, Second>,
    /// How many of [`Ledger::second`] each kind has.
    named: FastMap<Kind, usize>,
    waiting: FastMap<(Timestamp, Arc<Series>), Amount>,
    seconds: Seconds,
    interned: FastSet<Arc<Series>>,
    /// One for each name and rule: rows are by these, whatever the rule read last.
    applications: FastMap<(Box<str>, NamedBy), Arc<Application>>,
    who: FastMap<ProcessId, Owner>,
    totals: PerScope<Option<Arc<Series>>>,
    ip: Option<Arc<Series>>,
    others: Arc<Application>,
    minutes: Calendar,
}

/// What a series moved in the second that is going on.
#[derive(Debug)]
struct Second {
    series: Arc<Series>,
    moved: Moved,
    /// So much of it waits to be written already.
    entered: Moved,
}

/// A process, and the series that its bytes belong to.
#[derive(Debug)]
struct Owner {
    program: Arc<Program>,
    lines: PerScope<Option<Lines>>,
}

#[derive(Debug, Clone)]
struct Lines {
    application: Arc<Series>,
    user: Arc<Series>,
    process: Arc<Series>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moved {
    pub rx: u64,
    pub tx: u64,
}

impl Ledger {
    /// An empty one. `estimated` when bytes come from packets.
    #[must_use]
    pub fn new(estimated: bool) -> Self {
        let others = Application { name: OTHERS.into(), rule: NamedBy::Executable, evidence: "".into() };
        Self {
            estimated,
            second: FastMap::default(),
            named: FastMap::default(),
            waiting: FastMap::default(),
            seconds: Seconds::default(),
            interned: FastSet::default(),
            applications: FastMap::default(),
            who: FastMap::default(),
            totals: PerScope::default(),
            ip: None,
            others: Arc::new(others),
            minutes: Calendar::new(jiff::tz::TimeZone::UTC),
        }
    }

    /// The last hour, second by second.
    #[must_use]
    pub fn seconds(&self) -> &Seconds {
        &self.seconds
    }

    /// What an interface's counters grew by. `apart`: it is not part of any total.
    pub fn interface(&mut self, name: &Arc<str>, apart: bool, rx_bytes: u64, tx_bytes: u64) {
        let subject = Subject::Interface { name: Arc::clone(name), apart };
        let series = self.intern(Series { scope: Scope::Network, estimated: false, subject });
        self.add(&series, Moved { rx: rx_bytes, tx: tx_bytes });
    }

    /// Payload that processes moved over an interface.
    pub fn explained(&mut self, name: &Arc<str>, rx_bytes: u64, tx_bytes: u64) {
        let series = self.series(Scope::Network, Subject::Explained { name: Arc::clone(name) });
        self.add(&series, Moved { rx: rx_bytes, tx: tx_bytes });
    }

    /// A second is over: what came since the last one did belongs to it, and to the minute of `at`. `span_ns` is the time between.
    ///
    /// For peaks, what a longer one brought is divided by the time that it took: the mean of two seconds is not more than
    /// the larger one.
    pub fn end_second(&mut self, at: Timestamp, span_ns: u64) {
        self.enter_all(at, Some(span_ns));
        let mut second = mem::take(&mut self.second);
        self.named.clear();
        let moved = second.drain().map(|(_, second)| (second.series, second.moved)).collect();
        // Its room is used again.
        self.second = second;
        self.seconds.push(at, moved);
        self.forget();
    }

    /// What came since the last second was over waits to be written from now on, though this one is not over: its bytes belong to
    /// the minute of `at`. Its peak comes when it is.
    pub fn enter_now(&mut self, at: Timestamp) {
        self.enter_all(at, None);
    }

    fn enter_all(&mut self, at: Timestamp, over_ns: Option<u64>) {
        let minute = self.minutes.around(at, Level::Minute).from;
        let mut second = mem::take(&mut self.second);
        for Second { series, moved, entered } in second.values_mut() {
            let mut amount =
                Amount { rx_bytes: moved.rx - entered.rx, tx_bytes: moved.tx - entered.tx, ..Amount::default() };
            *entered = *moved;
            if let Some(span_ns) = over_ns.filter(|_| series.subject.kind().has_peaks()) {
                (amount.rx_peak, amount.tx_peak) = (per_second(moved.rx, span_ns), per_second(moved.tx, span_ns));
            }
            if amount != Amount::default() {
                self.enter(minute, series, amount);
            }
        }
        self.second = second;
    }

    /// Everything that waits to be written, in no order.
    pub fn take(&mut self) -> Vec<Entry> {
        let waiting = mem::take(&mut self.waiting);
        waiting.into_iter().map(|((minute, series), amount)| Entry { minute, series, amount }).collect()
    }

    /// What could not be written waits again.
    pub fn give_back(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.enter(entry.minute, &entry.series, entry.amount);
        }
    }

    fn enter(&mut self, minute: Timestamp, series: &Arc<Series>, amount: Amount) {
        let key = (minute, Arc::clone(series));
        if let Some(sum) = self.waiting.get_mut(&key) {
            *sum += amount;
        } else if self.waiting.len() < MAX_WAITING {
            self.waiting.insert(key, amount);
        } else {
            // The disk has been full for long: times get coarse, then names. The sums stay.
            let rest = self.rest(series);
            let hour = self.minutes.around(minute, Level::Hour).from;
            let amount = if rest == *series { amount } else { amount.without_peaks() };
            *self.waiting.entry((hour, rest)).or_default() += amount;
        }
    }

    fn add(&mut self, series: &Arc<Series>, moved: Moved) {
        if moved.rx == 0 && moved.tx == 0 {
            return;
        }
        let place = |series: &Arc<Series>| Arc::as_ptr(series).addr();
        if let Some(second) = self.second.get_mut(&place(series)) {
            second.moved.add(moved);
            return;
        }
        let named = self.named.entry(series.subject.kind()).or_default();
        *named += 1;
        let series = if *named > Level::Open.room() { self.rest(series) } else { Arc::clone(series) };
        let new = || Second { series: Arc::clone(&series), moved: Moved::default(), entered: Moved::default() };
        self.second.entry(place(&series)).or_insert_with(new).moved.add(moved);
    }

    /// What takes the bytes of a series that has no room.
    fn rest(&mut self, series: &Arc<Series>) -> Arc<Series> {
        let subject = match &series.subject {
            Subject::Application(_) => Subject::Application(Arc::clone(&self.others)),
            Subject::Process(_) => Subject::Process(Arc::new(Program::others(&self.others))),
            Subject::Remote { .. } => Subject::Remote { application: Arc::clone(&self.others), remote: OTHERS.into() },
            // As many as the machine has.
            _ => return Arc::clone(series),
        };
        self.intern(Series { subject, ..**series })
    }

    fn series(&mut self, scope: Scope, subject: Subject) -> Arc<Series> {
        self.intern(Series { scope, estimated: self.estimated, subject })
    }

    fn intern(&mut self, series: Series) -> Arc<Series> {
        if let Some(known) = self.interned.get(&series) {
            return Arc::clone(known);
        }
        let series = Arc::new(series);
        self.interned.insert(Arc::clone(&series));
        series
    }

    /// What nobody else holds any more goes, now and then.
    fn forget(&mut self) {
        if self.interned.len() > 2 * self.seconds.series().max(KEEP_INTERNED) {
            self.interned.retain(|series| Arc::strong_count(series) > 1);
            self.interned.shrink_to_fit();
            self.applications.retain(|_, application| Arc::strong_count(application) > 1);
        }
    }

    /// The process, and its lines.
    fn owner(&mut self, id: ProcessId, info: &ProcessInfo, scope: Scope) -> (Arc<Program>, Lines) {
        let known = self.who.get(&id).filter(|owner| is_still(&owner.program, info));
        if let Some((program, Some(lines))) = known.map(|owner| (&owner.program, owner.lines.get(scope))) {
            return (Arc::clone(program), lines.clone());
        }
        let program = match known {
            Some(owner) => Arc::clone(&owner.program),
            None => Arc::new(self.program(id, info)),
        };
        let lines = Lines {
            application: self.series(scope, Subject::Application(Arc::clone(&program.application))),
            user: self.series(scope, Subject::User(program.uid)),
            process: self.series(scope, Subject::Process(Arc::clone(&program))),
        };
        let owner =
            self.who.entry(id).or_insert_with(|| Owner { program: Arc::clone(&program), lines: PerScope::default() });
        if !Arc::ptr_eq(&owner.program, &program) {
            *owner = Owner { program: Arc::clone(&program), lines: PerScope::default() };
        }
        *owner.lines.get_mut(scope) = Some(lines.clone());
        (program, lines)
    }

    fn program(&mut self, id: ProcessId, info: &ProcessInfo) -> Program {
        let (name, rule) =
            info.application.as_ref().map_or((&*info.name, NamedBy::Executable), |app| (&app.name, app.rule));
        let key = (Box::from(name), rule);
        let application = self.applications.entry(key).or_insert_with_key(|(name, rule)| {
            let unnamed = || Arc::new(Application { name: name.clone(), rule: *rule, evidence: Box::default() });
            info.application.clone().unwrap_or_else(unnamed)
        });
        Program { id, name: info.name.as_str().into(), uid: info.uid, application: Arc::clone(application) }
    }

    fn total(&mut self, scope: Scope) -> Arc<Series> {
        if let Some(total) = self.totals.get(scope) {
            return Arc::clone(total);
        }
        let total = self.series(scope, Subject::Total);
        *self.totals.get_mut(scope) = Some(Arc::clone(&total));
        total
    }

    fn ip(&mut self) -> Arc<Series> {
        if let Some(ip) = &self.ip {
            return Arc::clone(ip);
        }
        let ip = self.series(Scope::Network, Subject::Ip);
        self.ip = Some(Arc::clone(&ip));
        ip
    }
}

impl Moved {
    fn add(&mut self, other: Self) {
        self.rx = self.rx.saturating_add(other.rx);
        self.tx = self.tx.saturating_add(other.tx);
    }
}

/// The mean over a span of more than a second; the sum itself of a shorter one.
fn per_second(bytes: u64, span_ns: u64) -> u64 {
    const SECOND: u128 = 1_000_000_000;
    let mean = u128::from(bytes) * SECOND / u128::from(span_ns).max(SECOND);
    u64::try_from(mean).unwrap_or(u64::MAX)
}

/// Without a way to write, so many sums wait at most by minute and name.
const MAX_WAITING: usize = 65_536;
/// Fewer are not looked through.
const KEEP_INTERNED: usize = 4_096;

/// Whether a process is what it was when it was looked at.
fn is_still(known: &Program, info: &ProcessInfo) -> bool {
    let application = &known.application;
    let same = match &info.application {
        Some(app) => Arc::ptr_eq(app, application) || app.name == application.name && app.rule == application.rule,
        None => application.rule == NamedBy::Executable && *application.name == *info.name,
    };
    same && *known.name == *info.name && known.uid == info.uid
}

/// The registrable domain, else the address.
fn remote(known: &Known, delta: &Delta<'_>) -> Arc<str> {
    match (&known.name, delta.remote) {
        (Some(name), _) => name.display().unwrap_or_else(|| name.domain()).into(),
        (None, Some(address)) => address.to_string().into(),
        (None, None) => OTHERS.into(),
    }
}

impl Observer for Ledger {
    fn process(&mut self, event: &ProcessEvent) {
        if let ProcessEvent::Exited { id, .. } = event {
            self.who.remove(id);
        }
    }

    fn flow(&mut self, delta: &Delta<'_>) {
        let moved = Moved { rx: delta.rx_bytes, tx: delta.tx_bytes };
        if moved.rx == 0 && moved.tx == 0 {
            return;
        }
        let scope = delta.scope;
        let (program, lines) = self.owner(delta.sample.id.process, delta.info, scope);
        let remote =
            Subject::Remote { application: Arc::clone(&program.application), remote: remote(delta.known, delta) };
        let (total, remote) = (self.total(scope), self.series(scope, remote));
        for series in [&total, &lines.application, &lines.user, &lines.process, &remote] {
            self.add(series, moved);
        }
        if scope != Scope::Packet {
            let ip = self.ip();
            self.add(&ip, moved);
        }
    }
}
