//! Processes, and what happened to those that were named.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use foldhash::fast::RandomState;
use watcher_core::{Application, BootTime, ProcessEvent, ProcessId, ProcessInfo};

use super::{calls, parse};

/// So many ancestors of a process are named with it.
const GENERATIONS: usize = 64;
/// Who has ended is looked for at most this often.
const CHECK: Duration = Duration::from_secs(1);

/// Processes that have been told of.
#[derive(Debug)]
pub(super) struct Told {
    lives: HashMap<ProcessId, String, RandomState>,
    events: Vec<ProcessEvent>,
    checked: BootTime,
    /// Microseconds since 1970, of the boot. Read once: the wall clock may be set, and a process stays the same.
    booted: u64,
}

impl Told {
    pub fn new() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let booted = u64::try_from(wall.saturating_sub(calls::since_boot()).as_micros()).unwrap_or_default();
        Self { lives: HashMap::default(), events: Vec::new(), checked: BootTime(0), booted }
    }

    /// Who has this pid now.
    pub fn at(&self, pid: u32) -> Option<(ProcessId, parse::Process)> {
        let process = parse::process(&calls::process(pid).ok()?)?;
        let start = BootTime(process.started.saturating_sub(self.booted).saturating_mul(1_000));
        Some((ProcessId { tgid: process.pid, start }, process))
    }

    /// Tells of a process, its ancestors first, unless that was done.
    pub fn tell(&mut self, id: ProcessId, process: parse::Process) {
        let mut line = vec![(id, process)];
        while let Some((id, process)) = line.last() {
            let Some((parent, found)) = self.at(process.parent).filter(|_| line.len() < GENERATIONS) else { break };
            if parent.tgid == id.tgid || parent.start > id.start || self.lives.contains_key(&parent) {
                break;
            }
            line.push((parent, found));
        }
        for (id, process) in line.into_iter().rev() {
            if self.lives.get(&id).is_none_or(|name| *name != process.name) {
                self.see(id, process);
            }
        }
    }

    fn see(&mut self, id: ProcessId, process: parse::Process) {
        let parent = self.at(process.parent).map(|(parent, _)| parent).filter(|parent| parent.start <= id.start);
        let path = calls::path(id.tgid);
        let command = calls::arguments(id.tgid).and_then(|arguments| parse::command(&arguments)).unwrap_or_default();
        let base = path.as_deref().and_then(|path| path.rsplit('/').next());
        // The kernel's name is the executable's, cut.
        let name = base.filter(|base| base.starts_with(&process.name)).unwrap_or(&process.name).to_owned();
        let application = path.as_deref().and_then(Application::of_bundle).map(Arc::new);
        let info = ProcessInfo { name, command, uid: process.uid, parent, application };
        self.events.push(ProcessEvent::Seen { id, info });
        self.lives.insert(id, process.name);
    }

    /// What happened since the last call.
    pub fn events(&mut self, now: BootTime) -> Vec<ProcessEvent> {
        if now.since(self.checked) >= CHECK {
            self.checked = now;
            self.check(now);
        }
        std::mem::take(&mut self.events)
    }

    /// Finds who has ended, and who runs another program.
    fn check(&mut self, now: BootTime) {
        let told: Vec<ProcessId> = self.lives.keys().copied().collect();
        for id in told {
            match self.at(id.tgid).filter(|(found, _)| *found == id) {
                Some((_, process)) => {
                    if self.lives.get(&id).is_some_and(|name| *name != process.name) {
                        self.see(id, process);
                    }
                }
                None => {
                    self.lives.remove(&id);
                    self.events.push(ProcessEvent::Exited { id, at: now });
                }
            }
        }
    }
}
