//! The application of a process: facts from /proc while it runs, from the records after that.

use std::sync::Arc;

use watcher_core::{Application, ProcessId, ProcessInfo};

use super::{found::Found, ran::Origin};
use crate::{
    applications::{Books, Facts, Interned, Parent, name},
    linux::cgroups::{Cgroups, Place},
};

/// What a process was found to be, as its children need it.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// None of the kernel itself.
    pub application: Option<Arc<Application>>,
    executable: Option<String>,
    cgroups: Arc<[String]>,
    /// The id of the cgroup that it began in.
    began: u64,
}

/// One that is to be named.
pub(super) struct Unnamed<'a> {
    pub id: ProcessId,
    pub info: &'a ProcessInfo,
    pub origin: &'a Origin,
    /// It has executed nothing since it was forked.
    pub inherited: bool,
    pub parent: Option<&'a Identity>,
}

/// Names processes.
#[derive(Debug, Default)]
pub(super) struct Naming {
    books: Books,
    interned: Interned,
    cgroups: Cgroups,
}

impl Identity {
    /// The kernel's own traffic belongs to no application.
    pub fn kernel() -> Self {
        Self { application: None, executable: None, cgroups: Arc::default(), began: 0 }
    }
}

impl Naming {
    pub fn identify(&mut self, process: &Unnamed<'_>) -> Identity {
        let Unnamed { id, info, origin, inherited, parent } = *process;
        let found = Found::open(id);
        let cgroups = found.as_ref().map_or_else(|| self.recorded(origin, parent), Found::cgroups);
        let cgroups = match parent {
            Some(parent) if *parent.cgroups == *cgroups => Arc::clone(&parent.cgroups),
            _ => cgroups.into(),
        };
        let began = origin.cgroup;
        if let Some(parent) = parent.filter(|parent| inherited && found.is_none() && parent.cgroups == cgroups) {
            // It ran its parent's program to its end.
            return Identity { cgroups, began, ..parent.clone() };
        }
        let executable = found.as_ref().and_then(Found::executable);
        let executable = executable.or_else(|| origin.ran.as_ref()?.executable());
        let is_itself = origin.ran.as_ref().is_some_and(|ran| ran.is_itself());
        let executable = executable.or_else(|| parent.filter(|_| is_itself)?.executable.clone());
        let facts = Facts {
            name: info.name.clone(),
            executable,
            arguments: arguments(found.as_ref(), origin),
            cgroups: cgroups.to_vec(),
            parent: parent.map(|parent| Parent {
                executable: parent.executable.clone(),
                application: parent.application.clone(),
            }),
        };
        let application = Some(self.interned.share(name(&facts, &mut self.books)));
        Identity { application, executable: facts.executable, cgroups, began }
    }

    /// Those of a process that has ended.
    fn recorded(&mut self, origin: &Origin, parent: Option<&Identity>) -> Vec<String> {
        let place = if origin.cgroup == 0 { Place::At("/".into()) } else { self.cgroups.place(origin.cgroup) };
        let of_parent = || parent.map_or_else(Vec::new, |parent| parent.cgroups.to_vec());
        match place {
            Place::At(path) if *path != *"/" => vec![path.as_ref().to_owned()],
            // At the root of version 2 it may be elsewhere in version 1, and was most likely where its parent is.
            Place::At(_) => of_parent(),
            Place::Gone if parent.is_some_and(|parent| parent.began == origin.cgroup) => of_parent(),
            Place::Gone => Vec::new(),
        }
    }
}

/// What execve was given, before the process could write over it; where that is not known or did not fit, what it has now.
fn arguments(found: Option<&Found>, origin: &Origin) -> Vec<String> {
    let now = || found.map(Found::arguments).unwrap_or_default();
    let Some(ran) = &origin.ran else { return now() };
    let whole = if ran.is_cut() { now() } else { Vec::new() };
    if whole.is_empty() { ran.arguments() } else { whole }
}
