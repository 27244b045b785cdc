//! The table of processes: who moved what, who descends from whom, and who may be forgotten.

use std::{cmp::Reverse, time::Duration};

use super::{
    FastMap, FastSet, Retention,
    apps::Apps,
    flows::Change,
    shrink,
    sum::{Bytes, Sum},
};
use crate::{BootTime, PerScope, ProcessEvent, ProcessId, ProcessInfo, ProcessRow, Scope, Traffic};

/// A process that moved nothing is remembered this long after its end: its flows may be read after its exit was.
const GRACE: Duration = Duration::from_secs(5);
/// A process that no event told of is taken as ended when none of its flows is open and nothing moved for so long.
const UNKNOWN_IDLE: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
struct Process {
    info: ProcessInfo,
    /// Whether an event told of it.
    known: bool,
    sums: PerScope<Sum>,
    /// Bytes of descendants that were folded.
    descendants: PerScope<Bytes>,
    open: PerScope<u32>,
    /// It moved a byte or had a flow.
    listed: bool,
    exited: Option<BootTime>,
    /// The batch that last brought something.
    active: BootTime,
}

#[derive(Debug, Default)]
pub(super) struct Processes {
    entries: FastMap<ProcessId, Process>,
    /// Bytes of folded processes none of whose ancestors is known.
    orphaned: PerScope<Bytes>,
}

impl Processes {
    pub fn observe(&mut self, event: &ProcessEvent) {
        match event {
            ProcessEvent::Seen { id, info } => {
                let parent = self.known_parent(*id, info.parent);
                let process = self.entries.entry(*id).or_default();
                process.info.clone_from(info);
                process.info.parent = parent;
                process.known = true;
            }
            ProcessEvent::Exited { id, at } => {
                let process = self.entries.entry(*id).or_default();
                process.exited = process.exited.or(Some(*at));
            }
        }
    }

    /// Charges a process, and tells what is known of it and how many flows it has open.
    pub fn charge(&mut self, id: ProcessId, change: &Change, now: BootTime) -> (&ProcessInfo, PerScope<u32>) {
        let process = self.entries.entry(id).or_insert_with(|| Process::unknown(id));
        let open = process.open.get_mut(change.scope);
        *open += u32::from(change.first);
        *open -= u32::from(change.ended);
        process.sums.get_mut(change.scope).add(change.delta);
        process.listed |= change.first || !change.delta.is_zero();
        process.active = now;
        (&process.info, process.open)
    }

    /// What is known of a process.
    pub fn info(&self, id: ProcessId) -> Option<&ProcessInfo> {
        Some(&self.entries.get(&id)?.info)
    }

    /// An open flow went from one scope to another.
    pub fn rescope(&mut self, id: ProcessId, from: Scope, to: Scope) {
        if let Some(process) = self.entries.get_mut(&id) {
            *process.open.get_mut(from) -= 1;
            *process.open.get_mut(to) += 1;
        }
    }

    /// Every process that moved a byte or had a flow.
    pub fn rows(&mut self, interval: Duration) -> Vec<ProcessRow> {
        let listed = self.entries.iter_mut().filter(|(_, process)| process.listed);
        let mut rows: Vec<ProcessRow> = listed.map(|(id, process)| process.row(*id, interval)).collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows
    }

    /// Processes that moved nothing themselves and are needed to draw the tree of the others.
    pub fn ancestors(&mut self) -> Vec<ProcessRow> {
        let mut needed = FastSet::default();
        for (id, process) in &self.entries {
            if !process.listed && !process.descendants.is_zero() {
                needed.insert(*id);
            }
            let mut next = process.info.parent.filter(|_| process.listed || !process.descendants.is_zero());
            while let Some(id) = next {
                let Some(parent) = self.entries.get(&id) else { break };
                if parent.listed || !needed.insert(id) {
                    break;
                }
                next = parent.info.parent;
            }
        }
        let rows = needed.iter().filter_map(|id| Some(self.entries.get_mut(id)?.row(*id, Duration::ZERO)));
        let mut rows: Vec<ProcessRow> = rows.collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows
    }

    pub fn unlisted(&self) -> PerScope<Traffic> {
        self.orphaned.map(Bytes::at_rest)
    }

    /// Forgets ended processes: those that are too old or too many. Their bytes go to the nearest ancestor that stays,
    /// and to their application. Returns those that had been listed.
    pub fn fold(&mut self, now: BootTime, keep: &Retention, apps: &mut Apps) -> FastSet<ProcessId> {
        let mut ended: Vec<(Reverse<BootTime>, ProcessId)> = Vec::new();
        let mut gone: Vec<ProcessId> = Vec::new();
        for (id, process) in &self.entries {
            match process.ended_at(now) {
                Some(at) if process.listed => ended.push((Reverse(at), *id)),
                Some(at) if now.since(at) > GRACE => gone.push(*id),
                _ => {}
            }
        }
        ended.sort_unstable();
        let aged = ended.iter().enumerate().filter(|(rank, (Reverse(at), _))| {
            *rank >= keep.max_ended_processes || now.since(*at) > keep.ended_process
        });
        let folded: FastSet<ProcessId> = aged.map(|(_, (_, id))| *id).collect();
        gone.extend(&folded);
        self.remove(&gone, apps);
        shrink::map(&mut self.entries);
        folded
    }

    fn remove(&mut self, gone: &[ProcessId], apps: &mut Apps) {
        if gone.is_empty() {
            return;
        }
        let mut removed: FastMap<ProcessId, Process> = FastMap::default();
        for id in gone {
            if let Some(process) = self.entries.remove(id) {
                removed.insert(*id, process);
            }
        }
        for process in removed.values() {
            let own = process.sums.bytes();
            if process.listed {
                apps.fold(&process.info, own);
            }
            let heir = surviving(process.info.parent, &removed).and_then(|id| self.entries.get_mut(&id));
            let heir = heir.map_or(&mut self.orphaned, |parent| &mut parent.descendants);
            heir.absorb(own);
            heir.absorb(process.descendants);
        }
        for process in self.entries.values_mut() {
            process.info.parent = surviving(process.info.parent, &removed);
        }
    }

    /// A later event may name a parent that is forgotten by now; the ancestor that took its place is better.
    fn known_parent(&self, id: ProcessId, parent: Option<ProcessId>) -> Option<ProcessId> {
        if parent.is_some_and(|parent| self.entries.contains_key(&parent)) {
            return parent;
        }
        let before = self.entries.get(&id).and_then(|process| process.info.parent);
        before.or(parent)
    }
}

impl Process {
    fn unknown(id: ProcessId) -> Self {
        let is_kernel = id == ProcessId::KERNEL;
        let name = if is_kernel { "kernel".to_owned() } else { String::new() };
        Self { info: ProcessInfo { name, ..ProcessInfo::default() }, known: is_kernel, ..Self::default() }
    }

    fn row(&mut self, id: ProcessId, interval: Duration) -> ProcessRow {
        ProcessRow {
            id,
            info: self.info.clone(),
            traffic: self.sums.report(interval),
            connections: self.open,
            exited: self.exited,
            ended_descendants: self.descendants.map(Bytes::at_rest),
        }
    }

    /// When it ended for good: a process with open flows has not.
    fn ended_at(&self, now: BootTime) -> Option<BootTime> {
        if self.open != PerScope::default() {
            return None;
        }
        let is_lost = !self.known && now.since(self.active) > UNKNOWN_IDLE;
        self.exited.or(is_lost.then_some(self.active))
    }
}

/// The nearest ancestor, `parent` included, that is not `removed`.
fn surviving(mut parent: Option<ProcessId>, removed: &FastMap<ProcessId, Process>) -> Option<ProcessId> {
    // Nonsense from outside could make a circle: no chain is longer than all that is removed.
    for _ in 0..=removed.len() {
        match parent.and_then(|id| removed.get(&id)) {
            Some(process) => parent = process.info.parent,
            None => return parent,
        }
    }
    None
}
