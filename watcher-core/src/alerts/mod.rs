//! Limits that somebody set, and the moments at which they were reached.
//!
//! [`Alerts`] listens to an aggregator. [`Alerts::tick`] is told the time once per reading, after the reading: the bytes of a
//! reading belong to the period that it ends in. A sum fires when it is at the limit or above; a rate when it was in each of so
//! many seconds. Each name fires once per period of each rule, also over a restart ([`Alerts::state`]) and over changes of other
//! rules ([`Alerts::replace`]). Traffic with other hosts only.
//!
//! Periods are the calendar's, in the zone of the time that is told. A period lasts until the clock leaves it. The one before
//! it is remembered, so that a clock that is set back over the boundary neither counts nor tells anything twice.

mod matching;
mod report;
mod rule;
mod span;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

use jiff::Zoned;

pub use report::{Fired, Report, Standing};
pub use rule::{Condition, Pattern, Period, Rule, Subject, Way};
pub use span::Span;
pub use state::{Kept, KeptName, KeptPeriod, State};
pub use table::FOLLOWED;

use self::{
    matching::{Matching, Under},
    watch::Watch,
};
use crate::{Delta, Observer, Scope};

/// Readings come each second, some a little early, and more often when somebody asks: then several make one second.
const SHORTEST_SECOND: Duration = Duration::from_millis(900);

/// Rules, and what they have counted.
#[derive(Debug, Default)]
pub struct Alerts {
    watches: Vec<Watch>,
    matching: Matching,
    /// How long the second is that has not ended.
    second: Duration,
}

impl Observer for Alerts {
    fn flow(&mut self, delta: &Delta<'_>) {
        if self.watches.is_empty() || delta.scope != Scope::Network || (delta.rx_bytes, delta.tx_bytes) == (0, 0) {
            return;
        }
        let app = delta.info.application_name();
        for &(number, under) in &*self.matching.app(&self.watches, app) {
            self.add(number, if under == Under::Rule { None } else { Some(app) }, delta);
        }
        let Some(name) = &delta.known.name else { return };
        for &(number, under) in &*self.matching.domain(&self.watches, name) {
            let counted = match under {
                Under::Rule => None,
                Under::Name => Some(name.domain()),
                Under::Registrable => name.display(),
            };
            self.add(number, counted, delta);
        }
    }
}

impl Alerts {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { watches: rules.into_iter().map(Watch::new).collect(), ..Self::default() }
    }

    /// Other rules. Those that count what an old one counted go on with its sums; those that fire when it fired do not fire again.
    pub fn replace(&mut self, rules: Vec<Rule>) {
        let old = std::mem::replace(self, Self::new(rules));
        self.take_over(&old.watches);
        self.second = old.second;
    }

    /// What outlives the program.
    #[must_use]
    pub fn state(&self) -> State {
        State { alerts: self.watches.iter().map(Kept::of).collect() }
    }

    /// Goes on where another one was. For a beginning: what was counted since is forgotten.
    pub fn restore(&mut self, state: State) {
        let old: Vec<Watch> = state.alerts.into_iter().map(Kept::watch).collect();
        self.take_over(&old);
    }

    /// The reading that was just taken in ended at `at` and took `span`. What has now reached its limit, in the order of the
    /// rules.
    ///
    /// A rate is looked at when a second has passed (at least 900 ms); of a reading that took longer, the mean counts for all
    /// of it.
    pub fn tick(&mut self, at: &Zoned, span: Duration) -> Vec<Fired> {
        self.second = self.second.saturating_add(span);
        let ended = (self.second >= SHORTEST_SECOND).then(|| std::mem::take(&mut self.second));
        self.watches.iter_mut().flat_map(|watch| watch.tick(at, ended)).collect()
    }

    /// How each rule stands, as of the last reading.
    #[must_use]
    pub fn report(&self) -> Vec<Report> {
        self.watches.iter().map(Report::of).collect()
    }

    fn add(&mut self, number: usize, name: Option<&str>, delta: &Delta<'_>) {
        let Some(watch) = self.watches.get_mut(number) else { return };
        let bytes = watch.rule.direction.of(delta.rx_bytes, delta.tx_bytes);
        if bytes == 0 {
            return;
        }
        match name {
            Some(name) => watch.add(name, bytes),
            None => {
                let own: Box<str> = watch.rule.subject.pattern().text().into();
                watch.add(&own, bytes);
            }
        }
    }

    fn take_over(&mut self, old: &[Watch]) {
        let mut left: Vec<&Watch> = old.iter().collect();
        for watch in &mut self.watches {
            let same = |one: &&Watch| one.rule.fires_like(&watch.rule);
            // Two rules may differ in nothing but their names: each has one that went before it.
            let found = left.iter().position(same).map(|at| left.remove(at));
            if let Some(one) = found.or_else(|| old.iter().find(|one| one.rule.counts_like(&watch.rule))) {
                watch.take_over(one);
            }
        }
    }
}
