//! One rule at work.

use std::time::Duration;

use jiff::{Timestamp, Zoned};

use super::{
    Fired, Rule,
    rule::NAME_BYTES,
    span::Span,
    table::{FOLLOWED, Table},
};
use crate::aggregate::FastMap;

#[derive(Debug)]
pub(super) struct Watch {
    pub rule: Rule,
    /// Moved since the last reading. To which period it belongs is known when the reading has a time.
    news: FastMap<Box<str>, u64>,
    /// Of names that there was no room for.
    news_of_rest: u64,
    /// The period that the clock is in; `None` before the first reading.
    pub now: Option<Table>,
    /// The one before it. A clock that is set back over the boundary finds there what was counted and told.
    pub before: Option<Table>,
}

impl Watch {
    pub fn new(rule: Rule) -> Self {
        Self { rule, news: FastMap::default(), news_of_rest: 0, now: None, before: None }
    }

    pub fn add(&mut self, name: &str, bytes: u64) {
        if let Some(sum) = self.news.get_mut(name) {
            *sum = sum.saturating_add(bytes);
        } else if self.news.len() < FOLLOWED && name.len() <= NAME_BYTES {
            self.news.insert(name.into(), bytes);
        } else {
            self.news_of_rest = self.news_of_rest.saturating_add(bytes);
        }
    }

    /// Takes the news into the period of `at`. `second` is how long the second was that ends now, if one does.
    pub fn tick(&mut self, at: &Zoned, second: Option<Duration>) -> Vec<Fired> {
        let (news, rest) = (std::mem::take(&mut self.news), std::mem::take(&mut self.news_of_rest));
        let (rule, condition, now) = (&self.rule, self.rule.condition, at.timestamp());
        let table = enter(&mut self.now, &mut self.before, now, || Span::around(condition.period(), at));
        // Who comes first has no order; who finds room must not depend on it more than it has to.
        let mut news: Vec<_> = news.into_iter().collect();
        news.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for (name, bytes) in news {
            table.tally(&name).add(bytes);
        }
        if rest > 0 {
            table.rest().add(rest);
        }
        let (span, from) = (table.span, table.counted_from);
        let mut fired: Vec<Fired> = Vec::new();
        for (name, tally) in table.all_mut() {
            if let Some(took) = second {
                tally.end_second(took, now, condition);
            }
            if let Some(since) = tally.fire(now, from, condition) {
                let (bytes, bytes_per_second) = (tally.sum, tally.rate);
                let name = name.map(Into::into);
                fired.push(Fired { rule: rule.clone(), name, bytes, bytes_per_second, since, at: now, period: span });
            }
        }
        fired.sort_by(|a, b| a.name.cmp(&b.name));
        fired
    }

    /// Goes on with what another one has counted.
    pub fn take_over(&mut self, other: &Self) {
        let disarmed = self.rule.fires_like(&other.rule);
        let kept = |table: &Option<Table>| {
            let mut table = table.clone()?;
            if !disarmed {
                table.all_mut().for_each(|(_, tally)| tally.fired = None);
            }
            Some(table)
        };
        (self.now, self.before) = (kept(&other.now), kept(&other.before));
    }
}

/// The table of the period that `at` is in.
fn enter<'a>(
    now: &'a mut Option<Table>,
    before: &mut Option<Table>,
    at: Timestamp,
    span: impl FnOnce() -> Span,
) -> &'a mut Table {
    let is_in = |table: &Option<Table>| table.as_ref().is_some_and(|table| table.span.contains(at));
    if !is_in(now) {
        if is_in(before) {
            std::mem::swap(now, before);
        } else {
            let left = now.take();
            *before = left.or_else(|| before.take());
        }
    }
    now.get_or_insert_with(|| Table::new(span(), at))
}
