//! How far each rule is from firing.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Condition, Rule,
    span::Span,
    table::{Table, Tally},
    watch::Watch,
};

/// Names in one report: those that moved most.
const NAMES: usize = 20;

/// A rule reached its limit. Comes once per period and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Which.
    pub rule: Rule,
    /// Who: the rule's own text, or what its pattern matched. `None`: all names together that were not followed by themselves.
    pub name: Option<Box<str>>,
    /// Moved in the period, in the rule's direction.
    pub bytes: u64,
    /// Bytes per second in the last whole second.
    pub bytes_per_second: u64,
    /// Of a sum, when counting began; of a rate, when it was first reached.
    pub since: Timestamp,
    /// When this was found.
    pub at: Timestamp,
    /// The period that it fired in: it does not fire again before that ends.
    pub period: Span,
}

/// How one rule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which.
    pub rule: Rule,
    /// The period that runs; `None` before the first reading.
    pub period: Option<Span>,
    /// When counting began in it.
    pub counted_from: Option<Timestamp>,
    /// How many names are followed in it.
    pub followed: usize,
    /// Those that come nearest to the limit, at most 20; those that fired first.
    pub names: Vec<Standing>,
}

/// How one name stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// As in [`Fired::name`].
    pub name: Option<Box<str>>,
    /// Moved in the period, in the rule's direction.
    pub bytes: u64,
    /// Bytes per second in the last whole second.
    pub bytes_per_second: u64,
    /// When it fired, if it did in this period.
    pub fired: Option<Timestamp>,
}

impl Report {
    pub(super) fn of(watch: &Watch) -> Self {
        let is_rate = matches!(watch.rule.condition, Condition::Rate { .. });
        let mut names: Vec<Standing> = watch.now.iter().flat_map(Table::all).map(standing).collect();
        names.sort_by(|a, b| {
            let weight = |one: &Standing| (one.fired.is_some(), if is_rate { one.bytes_per_second } else { one.bytes });
            Reverse(weight(a)).cmp(&Reverse(weight(b))).then_with(|| a.name.cmp(&b.name))
        });
        names.truncate(NAMES);
        Self {
            rule: watch.rule.clone(),
            period: watch.now.as_ref().map(|table| table.span),
            counted_from: watch.now.as_ref().map(|table| table.counted_from),
            followed: watch.now.as_ref().map_or(0, |table| table.tallies.len()),
            names,
        }
    }
}

fn standing((name, tally): (Option<&str>, &Tally)) -> Standing {
    Standing { name: name.map(Into::into), bytes: tally.sum, bytes_per_second: tally.rate, fired: tally.fired }
}
