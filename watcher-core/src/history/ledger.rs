//! Adds up what an aggregator brings, by second and by minute.

use std::{mem, sync::Arc};

use jiff::Timestamp;

use super::{
    Amount, Calendar, Level, OTHERS, Seconds, Series, Subject, interned::Interned, owners::Owners, series::Kind,
};
use crate::{Delta, Observer, PerScope, ProcessEvent, Scope, aggregate::FastMap, names::Known};

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
    /// Of the second that is going on, by where the interned series is: equal ones are one.
    second: FastMap<usize, Second>,
    /// How many of [`Ledger::second`] each kind has.
    named: FastMap<Kind, usize>,
    waiting: FastMap<(Timestamp, Arc<Series>), Amount>,
    seconds: Seconds,
    interned: Interned,
    owners: Owners,
    totals: PerScope<Option<Arc<Series>>>,
    ip: Option<Arc<Series>>,
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

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moved {
    pub rx: u64,
    pub tx: u64,
}

impl Ledger {
    /// An empty one. `estimated` when bytes come from packets.
    #[must_use]
    pub fn new(estimated: bool) -> Self {
        Self {
            second: FastMap::default(),
            named: FastMap::default(),
            waiting: FastMap::default(),
            seconds: Seconds::default(),
            interned: Interned::new(estimated),
            owners: Owners::default(),
            totals: PerScope::default(),
            ip: None,
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
        let series = self.interned.intern(Series { scope: Scope::Network, estimated: false, subject });
        self.add(&series, Moved { rx: rx_bytes, tx: tx_bytes });
    }

    /// Payload that processes moved over an interface.
    pub fn explained(&mut self, name: &Arc<str>, rx_bytes: u64, tx_bytes: u64) {
        let series = self.interned.series(Scope::Network, Subject::Explained { name: Arc::clone(name) });
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
        self.owners.forget();
        self.interned.forget(self.seconds.series());
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
            let rest = self.interned.rest(series);
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
        let series = if *named > Level::Open.room() { self.interned.rest(series) } else { Arc::clone(series) };
        let new = || Second { series: Arc::clone(&series), moved: Moved::default(), entered: Moved::default() };
        self.second.entry(place(&series)).or_insert_with(new).moved.add(moved);
    }

    fn total(&mut self, scope: Scope) -> Arc<Series> {
        if let Some(total) = self.totals.get(scope) {
            return Arc::clone(total);
        }
        let total = self.interned.series(scope, Subject::Total);
        *self.totals.get_mut(scope) = Some(Arc::clone(&total));
        total
    }

    fn ip(&mut self) -> Arc<Series> {
        if let Some(ip) = &self.ip {
            return Arc::clone(ip);
        }
        let ip = self.interned.series(Scope::Network, Subject::Ip);
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
            self.owners.end(*id);
        }
    }

    fn flow(&mut self, delta: &Delta<'_>) {
        let moved = Moved { rx: delta.rx_bytes, tx: delta.tx_bytes };
        if moved.rx == 0 && moved.tx == 0 {
            return;
        }
        let scope = delta.scope;
        let (program, lines) = self.owners.of(&mut self.interned, (delta.sample.id.process, delta.info), scope);
        let remote =
            Subject::Remote { application: Arc::clone(&program.application), remote: remote(delta.known, delta) };
        let (total, remote) = (self.total(scope), self.interned.series(scope, remote));
        for series in [&total, &lines.application, &lines.user, &lines.process, &remote] {
            self.add(series, moved);
        }
        if scope != Scope::Packet {
            let ip = self.ip();
            self.add(&ip, moved);
        }
    }
}
