//! Which rules a name concerns: worked out once per name, since readings bring the same names again and again.

use std::sync::Arc;

use super::{Subject, watch::Watch};
use crate::{aggregate::FastMap, names::Name};

/// Names that are remembered. Forgetting one costs looking at all rules again.
const REMEMBERED: usize = 4_096;
/// Applications call themselves what they like: so much of it is remembered.
const REMEMBERED_BYTES: usize = 512 << 10;

/// Under what a rule counts a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Under {
    /// The rule's own text.
    Rule,
    /// The name.
    Name,
    /// What somebody registered of it.
    Registrable,
}

/// Rules by their numbers.
type Concerned = Arc<[(usize, Under)]>;

/// Applications and domains apart: a domain may be called like an application.
#[derive(Debug, Default)]
pub(super) struct Matching {
    apps: Memory,
    domains: Memory,
}

impl Matching {
    pub fn app(&mut self, watches: &[Watch], app: &str) -> Concerned {
        self.apps.recall(app, || {
            concerned(watches, |subject| match subject {
                Subject::Application(pattern) if pattern.matches(app) => {
                    Some(if pattern.is_one() { Under::Rule } else { Under::Name })
                }
                _ => None,
            })
        })
    }

    pub fn domain(&mut self, watches: &[Watch], name: &Name) -> Concerned {
        self.domains.recall(name.domain(), || {
            concerned(watches, |subject| match subject {
                Subject::Domain(pattern) => {
                    let whole = name.display().is_some_and(|registrable| pattern.matches(registrable));
                    match (whole, pattern.is_one()) {
                        (true, false) => Some(Under::Registrable),
                        (true, true) => Some(Under::Rule),
                        (false, one) => {
                            pattern.matches(name.domain()).then_some(if one { Under::Rule } else { Under::Name })
                        }
                    }
                }
                Subject::Application(_) => None,
            })
        })
    }
}

fn concerned(watches: &[Watch], under: impl Fn(&Subject) -> Option<Under>) -> Concerned {
    let each = watches.iter().enumerate();
    each.filter_map(|(number, watch)| under(&watch.rule.subject).map(|under| (number, under))).collect()
}

#[derive(Debug, Default)]
struct Memory {
    names: FastMap<Box<str>, Concerned>,
    /// How much text the names are.
    bytes: usize,
}

impl Memory {
    fn recall(&mut self, name: &str, find: impl FnOnce() -> Concerned) -> Concerned {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let found = find();
        if self.names.len() >= REMEMBERED || self.bytes.saturating_add(name.len()) > REMEMBERED_BYTES {
            *self = Self::default();
        }
        self.bytes += name.len();
        self.names.insert(name.into(), Arc::clone(&found));
        found
    }
}
