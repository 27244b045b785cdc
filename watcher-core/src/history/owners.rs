//! Whose bytes they are: processes, and the series that their bytes belong to.

use std::sync::Arc;

use super::{Program, Series, Subject, interned::Interned};
use crate::{NamedBy, PerScope, ProcessId, ProcessInfo, Scope, aggregate::FastMap};

/// More are not remembered at once: then all are looked at again.
const REMEMBERED: usize = 65_536;

/// Processes that moved something not long ago.
#[derive(Debug, Default)]
pub struct Owners {
    who: FastMap<ProcessId, Owner>,
    /// Their last bytes come in the batch that tells of their end.
    ended: Vec<ProcessId>,
}

#[derive(Debug)]
struct Owner {
    program: Arc<Program>,
    lines: PerScope<Option<Lines>>,
}

/// What a process's bytes of one scope belong to.
#[derive(Debug, Clone)]
pub struct Lines {
    pub application: Arc<Series>,
    pub user: Arc<Series>,
    pub process: Arc<Series>,
}

impl Owners {
    /// A process, and its lines.
    pub fn of(
        &mut self,
        interned: &mut Interned,
        (id, info): (ProcessId, &ProcessInfo),
        scope: Scope,
    ) -> (Arc<Program>, Lines) {
        let known = self.who.get(&id).filter(|owner| is_still(&owner.program, info));
        if let Some((program, Some(lines))) = known.map(|owner| (&owner.program, owner.lines.get(scope))) {
            return (Arc::clone(program), lines.clone());
        }
        let program = match known {
            Some(owner) => Arc::clone(&owner.program),
            None => Arc::new(interned.program(id, info)),
        };
        let lines = Lines {
            application: interned.series(scope, Subject::Application(Arc::clone(&program.application))),
            user: interned.series(scope, Subject::User(program.uid)),
            process: interned.series(scope, Subject::Process(Arc::clone(&program))),
        };
        let new = || Owner { program: Arc::clone(&program), lines: PerScope::default() };
        let owner = self.who.entry(id).or_insert_with(new);
        if !Arc::ptr_eq(&owner.program, &program) {
            *owner = new();
        }
        *owner.lines.get_mut(scope) = Some(lines.clone());
        (program, lines)
    }

    /// It has ended.
    pub fn end(&mut self, id: ProcessId) {
        self.ended.push(id);
    }

    /// What came of those that have ended is entered.
    pub fn forget(&mut self) {
        self.ended.drain(..).for_each(|id| drop(self.who.remove(&id)));
        if self.who.len() > REMEMBERED {
            self.who.clear();
        }
    }
}

/// Whether a process is what it was when it was looked at.
fn is_still(known: &Program, info: &ProcessInfo) -> bool {
    let application = &known.application;
    let same = match &info.application {
        Some(app) => Arc::ptr_eq(app, application) || app.name == application.name && app.rule == application.rule,
        None => application.rule == NamedBy::Executable && *application.name == *info.name,
    };
    same && *known.name == *info.name && known.uid == info.uid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BootTime;

    #[test]
    fn who_has_ended_is_forgotten_though_its_last_bytes_come_after_its_end() {
        let (mut owners, mut interned) = (Owners::default(), Interned::new(false));
        let id = ProcessId { tgid: 1, start: BootTime(1) };
        let info = ProcessInfo { name: "curl".into(), ..ProcessInfo::default() };
        owners.of(&mut interned, (id, &info), Scope::Network);
        owners.end(id);
        let (program, _) = owners.of(&mut interned, (id, &info), Scope::Loopback);
        assert_eq!(&*program.name, "curl");
        owners.forget();
        assert!(owners.who.is_empty());
    }
}
