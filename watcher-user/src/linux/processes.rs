//! Who is who: names, command lines, users and parents, from the programs' records, else from /proc.

mod found;
mod naming;
mod ran;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use watcher_common::{ProcessExec, ProcessFork};
use watcher_core::{BootTime, ProcessEvent, ProcessId, ProcessInfo};

use self::{
    found::Found,
    naming::{Identity, Naming, Unnamed},
    ran::{Origin, Ran, text},
};
use super::{census::Census, ring::Birth, unheard::Missing};
use crate::program_name::{self, EXE};

/// So many ended processes are remembered.
const ENDED: usize = 16_384;
/// So many of those that are still asked for are passed over before one is forgotten all the same.
const SPARED: usize = 64;
/// So many ancestors of a process are named with it; those above go unnamed until they move a byte themselves.
const GENERATIONS: usize = 64;

/// Processes that live, as far as anybody asked.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<ProcessId, Known>,
    /// Ended ones, oldest first: their sockets may outlive them and ask for the name again. Those that do are asked for with every
    /// reading of all sockets, and stay.
    ended: VecDeque<ProcessId>,
    naming: Naming,
}

#[derive(Debug)]
struct Known {
    info: ProcessInfo,
    /// The command line has been looked for.
    complete: bool,
    /// Forked, and not seen to execute anything: the name is the parent's.
    inherited: bool,
    /// What the kernel calls a process whose program was started by another path than its own: `exe`.
    alias: Option<&'static str>,
    origin: Origin,
    /// Whose it is; looked for when it, or a descendant, is about to be shown.
    identity: Option<Identity>,
    /// It was seen to run; else only its bytes tell of it.
    witnessed: bool,
    /// It was asked for since it ended, or since it was passed over for that.
    asked: bool,
}

impl Known {
    /// Of which all is known but whose it is.
    fn running(info: ProcessInfo) -> Self {
        Self {
            info,
            complete: true,
            inherited: false,
            alias: None,
            origin: Origin::default(),
            identity: None,
            witnessed: true,
            asked: false,
        }
    }

    /// Whether what the kernel calls it may be this one's name: the kernel keeps 15 bytes.
    fn goes_by(&self, comm: &str) -> bool {
        self.info.name.starts_with(comm) || self.alias == Some(comm)
    }

    /// A socket's record has the name of its maker, which an exec that went unseen did not tell.
    fn has_executed_unseen(&self, comm: &[u8]) -> bool {
        self.inherited && !comm.is_empty() && !self.goes_by(&text(comm))
    }

    /// Nothing is left to be looked for.
    fn is_settled(&self, comm: &[u8]) -> bool {
        self.complete && !self.has_executed_unseen(comm)
    }
}

impl Processes {
    /// Takes in a record; what is new goes to `events`.
    pub fn born(&mut self, birth: &Birth, events: &mut Vec<ProcessEvent>) {
        let (id, known) = match birth {
            Birth::Fork(fork) => self.forked(fork),
            Birth::Exec(exec) => self.executed(exec),
        };
        let complete = known.complete.then(|| known.info.clone());
        let before = self.known.insert(id, known);
        if before.is_some_and(|before| before.identity.is_some()) {
            // It is shown already, so it is told of with its application or not at all.
            self.identify(id, events);
        } else if let Some(info) = complete {
            events.push(ProcessEvent::Seen { id, info });
        }
    }

    /// Repairs what lost events have left wrong, from a list of all processes that run: takes in those that are not known,
    /// and forgets what it believed of those that go by another name.
    pub fn repair(&mut self, running: &[ProcessFork]) {
        for task in running {
            match self.known.get_mut(&id_of(task)) {
                Some(known) if known.goes_by(&text(&task.comm)) => {}
                Some(known) => (known.complete, known.origin.ran) = (false, None),
                None => self.born(&Birth::Fork(*task), &mut Vec::new()),
            }
        }
    }

    /// Those that are not among the processes that run, and whose end nobody told of.
    pub fn missing(&self, census: &Census) -> Vec<Missing> {
        let told: HashSet<ProcessId> = self.ended.iter().copied().collect();
        let running: HashSet<ProcessId> = census.running.iter().map(id_of).collect();
        let is_missing = |id: &ProcessId| {
            *id != ProcessId::KERNEL && id.start < census.at && !running.contains(id) && !told.contains(id)
        };
        let missing = self.known.iter().filter(|(id, _)| is_missing(id));
        missing.map(|(id, known)| Missing { id: *id, witnessed: known.witnessed }).collect()
    }

    /// A fork runs its parent's program until it executes another.
    fn forked(&self, fork: &ProcessFork) -> (ProcessId, Known) {
        let id = ProcessId { tgid: fork.tgid, start: BootTime(fork.start) };
        let parent = ProcessId { tgid: fork.parent_tgid, start: BootTime(fork.parent_start) };
        let comm = text(&fork.comm);
        let (name, command, complete, alias, ran) = match self.known.get(&parent).filter(|known| known.goes_by(&comm)) {
            Some(Known { info, complete, alias, origin, .. }) => {
                (info.name.clone(), info.command.clone(), *complete, *alias, origin.ran.clone())
            }
            None => (comm, String::new(), false, None, None),
        };
        let info = ProcessInfo { name, command, uid: fork.uid, parent: Some(parent), application: None };
        let origin = Origin { ran, cgroup: fork.cgroup };
        (id, Known { complete, inherited: true, alias, origin, ..Known::running(info) })
    }

    fn executed(&self, exec: &ProcessExec) -> (ProcessId, Known) {
        let id = ProcessId { tgid: exec.tgid, start: BootTime(exec.start) };
        let parent = ProcessId { tgid: exec.parent_tgid, start: BootTime(exec.parent_start) };
        let ran = Ran::of(exec).after(self.known.get(&id).and_then(|known| known.origin.ran.as_deref()));
        let (comm, path) = (text(&exec.comm), text(&exec.filename));
        // The program that it ran before, which a fork has from its parent.
        let same = self.known.get(&id).filter(|_| program_name::is_itself(&comm, &path));
        let name = || program_name::completed(&comm, &path).unwrap_or(&comm).to_owned();
        let info = ProcessInfo {
            name: same.map_or_else(name, |known| known.info.name.clone()),
            command: ran.command(),
            uid: exec.uid,
            parent: Some(parent),
            application: None,
        };
        let alias = same.map(|_| EXE);
        let origin = Origin { ran: Some(Arc::new(ran)), cgroup: exec.cgroup };
        (id, Known { alias, origin, ..Known::running(info) })
    }

    /// Makes sure that a process which is about to be shown has been told of with its application, and its ancestors with it.
    pub fn introduce(&mut self, id: ProcessId, comm: &[u8], uid: u32, events: &mut Vec<ProcessEvent>) {
        if let Some(known) = self.known.get_mut(&id) {
            known.asked = true;
            if known.identity.is_some() && known.is_settled(comm) {
                return;
            }
        }
        self.complete(id, comm, uid, events);
        self.identify(id, events);
    }

    /// Makes sure that a process has been told of, and its ancestors with it.
    fn complete(&mut self, id: ProcessId, comm: &[u8], uid: u32, events: &mut Vec<ProcessEvent>) {
        if self.known.get(&id).is_some_and(|known| known.is_settled(comm)) {
            return;
        }
        if let Some(known) = self.known.get_mut(&id).filter(|known| known.has_executed_unseen(comm)) {
            known.info.name = text(comm);
            known.origin.ran = None;
        }
        if id == ProcessId::KERNEL {
            let info = ProcessInfo { name: "kernel".to_owned(), ..ProcessInfo::default() };
            self.tell(id, info, events);
            return;
        }
        let before = self.known.get(&id).map(|known| &known.info);
        let fallback = ProcessInfo {
            name: before.map_or_else(|| text(comm), |info| info.name.clone()),
            command: String::new(),
            uid: before.map_or(uid, |info| info.uid),
            parent: before.and_then(|info| info.parent),
            application: None,
        };
        let inherited = self.known.get(&id).is_some_and(|known| known.inherited);
        let found = Found::open(id).map(|found| found.info(&fallback));
        let inherited = inherited && found.is_none();
        let witnessed = found.is_some() || self.known.get(&id).is_some_and(|known| known.witnessed);
        let (info, alias) = found.unwrap_or((fallback, None));
        let parent = info.parent;
        self.tell(id, info, events);
        if let Some(known) = self.known.get_mut(&id) {
            (known.inherited, known.alias, known.witnessed) = (inherited, alias, witnessed);
        }
        // Ends at a process that is complete or unknown; the table has no cycles that are incomplete.
        if let Some(parent) = parent.filter(|p| self.known.get(p).is_some_and(|known| !known.complete)) {
            self.complete(parent, &[], 0, events);
        }
    }

    fn tell(&mut self, id: ProcessId, info: ProcessInfo, events: &mut Vec<ProcessEvent>) {
        events.push(ProcessEvent::Seen { id, info: info.clone() });
        let (origin, asked) = self.known.remove(&id).map(|known| (known.origin, known.asked)).unwrap_or_default();
        self.known.insert(id, Known { origin, asked, ..Known::running(info) });
    }

    /// Finds whose a process is, ancestors first: a helper is of its parent's application.
    fn identify(&mut self, id: ProcessId, events: &mut Vec<ProcessEvent>) {
        let mut line = vec![id];
        while let Some(parent) = line.last().and_then(|id| self.known.get(id)?.info.parent) {
            let is_unnamed = self.known.get(&parent).is_some_and(|known| known.identity.is_none());
            // Nonsense from outside could make a circle.
            if !is_unnamed || line.len() > GENERATIONS || line.contains(&parent) {
                break;
            }
            line.push(parent);
        }
        for id in line.into_iter().rev() {
            self.identify_one(id, events);
        }
    }

    fn identify_one(&mut self, id: ProcessId, events: &mut Vec<ProcessEvent>) {
        self.complete(id, &[], 0, events);
        let Self { known, naming, .. } = self;
        let Some(process) = known.get(&id) else { return };
        let Known { info, origin, inherited, .. } = process;
        let parent = info.parent.and_then(|parent| known.get(&parent)?.identity.as_ref());
        let unnamed = Unnamed { id, info, origin, inherited: *inherited, parent };
        let identity = if id == ProcessId::KERNEL { Identity::kernel() } else { naming.identify(&unnamed) };
        if let Some(known) = known.get_mut(&id) {
            known.info.application.clone_from(&identity.application);
            known.identity = Some(identity);
            events.push(ProcessEvent::Seen { id, info: known.info.clone() });
        }
    }

    /// What another collector tells of processes, with what is known of them here: whole names, applications.
    pub fn refine(&mut self, told: Vec<ProcessEvent>) -> Vec<ProcessEvent> {
        let mut events = Vec::new();
        for event in told {
            match event {
                ProcessEvent::Seen { id, info } => {
                    let fallback = || (info.clone(), None);
                    let (info, alias) = Found::open(id).map_or_else(fallback, |found| found.info(&info));
                    let known = Known { alias, ..Known::running(info) };
                    self.known.insert(id, known);
                    self.identify(id, &mut events);
                }
                ProcessEvent::Exited { id, .. } => {
                    self.exited(id);
                    events.push(event);
                }
            }
        }
        events
    }

    /// Forgets a process that has ended, after a while.
    pub fn exited(&mut self, id: ProcessId) {
        let Some(known) = self.known.get_mut(&id) else { return };
        known.asked = false;
        self.ended.push_back(id);
        if self.ended.len() > ENDED {
            self.forget_one();
        }
    }

    fn forget_one(&mut self) {
        for passed in 0..=SPARED {
            let Some(oldest) = self.ended.pop_front() else { return };
            let asked = self.known.get_mut(&oldest).is_some_and(|known| std::mem::take(&mut known.asked));
            if !asked || passed == SPARED {
                self.known.remove(&oldest);
                return;
            }
            self.ended.push_back(oldest);
        }
    }
}

fn id_of(task: &ProcessFork) -> ProcessId {
    ProcessId { tgid: task.tgid, start: BootTime(task.start) }
}
