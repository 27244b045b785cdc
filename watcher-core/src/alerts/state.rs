//! What outlives the program: what was counted and told in the periods that are not over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Rule,
    rule::NAME_BYTES,
    span::Span,
    table::{Table, Tally},
    watch::Watch,
};

/// All of it. Fields may be added, never renamed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// In the order of the rules.
    pub alerts: Vec<Kept>,
}

/// One rule's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The rule as it was.
    pub rule: Rule,
    /// Its newest period, then the one before it.
    pub periods: Vec<KeptPeriod>,
}

/// One period's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPeriod {
    /// When it is.
    #[serde(flatten)]
    pub span: Span,
    /// When counting began in it.
    pub counted_from: Timestamp,
    /// What each name moved.
    pub names: Vec<KeptName>,
}

/// What one name moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptName {
    /// `None`: all that were not followed by themselves.
    pub name: Option<Box<str>>,
    /// How much.
    pub bytes: u64,
    /// When it was told.
    pub fired: Option<Timestamp>,
}

impl Kept {
    pub(super) fn of(watch: &Watch) -> Self {
        let periods = watch.now.iter().chain(&watch.before);
        Self { rule: watch.rule.clone(), periods: periods.map(KeptPeriod::of).collect() }
    }

    /// Whatever is in it, no more than one rule may take.
    pub(super) fn watch(self) -> Watch {
        let mut periods = self.periods.into_iter().filter_map(KeptPeriod::table);
        let (now, before) = (periods.next(), periods.next());
        let mut watch = Watch::new(self.rule);
        (watch.now, watch.before) = (now, before);
        watch
    }
}

impl KeptPeriod {
    fn of(table: &Table) -> Self {
        let kept = |(name, tally): (Option<&str>, &Tally)| KeptName {
            name: name.map(Into::into),
            bytes: tally.sum,
            fired: tally.fired,
        };
        let mut names: Vec<KeptName> = table.all().map(kept).collect();
        names.sort_by(|a, b| a.name.cmp(&b.name));
        Self { span: table.span, counted_from: table.counted_from, names }
    }

    fn table(self) -> Option<Table> {
        if self.span.start >= self.span.end {
            return None;
        }
        let mut table = Table::new(self.span, self.counted_from);
        for KeptName { name, bytes, fired } in self.names {
            let tally = match &name {
                Some(name) if name.len() <= NAME_BYTES => table.tally(name),
                _ => table.rest(),
            };
            *tally = Tally::known(tally.sum.saturating_add(bytes), tally.fired.or(fired));
        }
        Some(table)
    }
}
