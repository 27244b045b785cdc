//! One of each: series that are equal are one, so that the place of one is enough to know it by.

use std::sync::Arc;

use super::{OTHERS, Program, Series, Subject};
use crate::{
    Application, NamedBy, ProcessId, ProcessInfo, Scope,
    aggregate::{FastMap, FastSet},
};

/// Fewer are not looked through.
const KEEP: usize = 4_096;

/// Series and applications that somebody holds.
#[derive(Debug)]
pub struct Interned {
    estimated: bool,
    series: FastSet<Arc<Series>>,
    /// One for each name and rule: rows are by these, whatever the rule read last.
    applications: FastMap<(Box<str>, NamedBy), Arc<Application>>,
    others: Arc<Application>,
}

impl Interned {
    /// Nothing. `estimated` when bytes come from packets.
    pub fn new(estimated: bool) -> Self {
        let others = Application { name: OTHERS.into(), rule: NamedBy::Executable, evidence: "".into() };
        Self { estimated, series: FastSet::default(), applications: FastMap::default(), others: Arc::new(others) }
    }

    /// A series of what processes move.
    pub fn series(&mut self, scope: Scope, subject: Subject) -> Arc<Series> {
        self.intern(Series { scope, estimated: self.estimated, subject })
    }

    /// The one that is equal.
    pub fn intern(&mut self, series: Series) -> Arc<Series> {
        if let Some(known) = self.series.get(&series) {
            return Arc::clone(known);
        }
        let series = Arc::new(series);
        self.series.insert(Arc::clone(&series));
        series
    }

    /// What takes the bytes of a series that has no room.
    pub fn rest(&mut self, series: &Arc<Series>) -> Arc<Series> {
        let subject = match &series.subject {
            Subject::Application(_) => Subject::Application(Arc::clone(&self.others)),
            Subject::Process(_) => Subject::Process(Arc::new(Program::others(&self.others))),
            Subject::Remote { .. } => Subject::Remote { application: Arc::clone(&self.others), remote: OTHERS.into() },
            // As many as the machine has.
            _ => return Arc::clone(series),
        };
        self.intern(Series { subject, ..**series })
    }

    /// A process as it is now.
    pub fn program(&mut self, id: ProcessId, info: &ProcessInfo) -> Program {
        let (name, rule) =
            info.application.as_ref().map_or((&*info.name, NamedBy::Executable), |app| (&app.name, app.rule));
        let key = (Box::from(name), rule);
        let application = self.applications.entry(key).or_insert_with_key(|(name, rule)| {
            let unnamed = || Arc::new(Application { name: name.clone(), rule: *rule, evidence: Box::default() });
            info.application.clone().unwrap_or_else(unnamed)
        });
        Program { id, name: info.name.as_str().into(), uid: info.uid, application: Arc::clone(application) }
    }

    /// What nobody else holds any more goes, when there are more than twice as many as are `held`.
    pub fn forget(&mut self, held: usize) {
        if self.series.len() > 2 * held.max(KEEP) {
            self.series.retain(|series| Arc::strong_count(series) > 1);
            self.series.shrink_to_fit();
            self.applications.retain(|_, application| Arc::strong_count(application) > 1);
        }
    }
}
