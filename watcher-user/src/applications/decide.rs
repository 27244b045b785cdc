//! The order of the rules.

use watcher_core::{Application, NamedBy};

use super::{Books, Facts, rules};

/// The application of a process. The order is that of [`NamedBy`]: the first rule that is sure decides.
#[must_use]
pub fn name(facts: &Facts, books: &mut Books) -> Application {
    let found = rules::container::name(facts, books)
        .or_else(|| rules::bundle::name(facts))
        .or_else(|| rules::desktop::name(facts, books))
        .or_else(|| rules::unit::name(facts))
        .or_else(|| rules::script::name(facts))
        .or_else(|| rules::helper::name(facts));
    found.unwrap_or_else(|| executable(facts))
}

/// What is left: its own name.
fn executable(facts: &Facts) -> Application {
    let evidence = facts.executable.as_ref().unwrap_or(&facts.name);
    found(NamedBy::Executable, &*facts.name, &**evidence)
}

/// In few words.
pub(super) fn found(rule: NamedBy, name: impl Into<Box<str>>, evidence: impl Into<Box<str>>) -> Application {
    Application { name: name.into(), rule, evidence: evidence.into() }
}
