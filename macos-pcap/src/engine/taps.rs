//! The processes that PKTAP names: by pid and command, without the time they started at.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use watcher_core::{BootTime, ProcessEvent, ProcessId, ProcessInfo};

use crate::link::pktap::Tap;

/// Pids that are remembered: macOS has 99,999 of them, and files hold any.
const MOST: usize = 1 << 17;

#[derive(Debug)]
struct Known {
    id: ProcessId,
    command: Box<[u8]>,
}

/// Who has which pid.
#[derive(Debug, Default)]
pub(super) struct Taps {
    known: HashMap<u32, Known, RandomState>,
    /// Started as listed; not yet named by a packet.
    events: Vec<ProcessEvent>,
}

impl Taps {
    /// The process whose calls a packet comes from. On whose behalf it made them is another question: that of the name of
    /// its application. One that nobody listed is taken to have started when it was first seen.
    pub(super) fn owner(&mut self, tap: &Tap<'_>, at: BootTime) -> Option<ProcessId> {
        let process = tap.process?;
        if let Some(known) = self.known.get_mut(&process.pid) {
            if *known.command != *process.command && !process.command.is_empty() {
                known.command = process.command.into();
                self.events.push(seen(known));
            }
            return Some(known.id);
        }
        if self.known.len() >= MOST {
            return None;
        }
        let known = Known { id: ProcessId { tgid: process.pid, start: at }, command: process.command.into() };
        self.events.push(seen(&known));
        let id = known.id;
        self.known.insert(process.pid, known);
        Some(id)
    }

    /// Whoever lists processes knows when they started, and when they ended.
    pub(super) fn learn(&mut self, events: &[ProcessEvent]) {
        for event in events {
            match event {
                ProcessEvent::Seen { id, .. } if *id == ProcessId::KERNEL => {}
                ProcessEvent::Seen { id, info } => {
                    let command = info.name.as_bytes().into();
                    if self.known.len() < MOST || self.known.contains_key(&id.tgid) {
                        self.known.entry(id.tgid).or_insert(Known { id: *id, command });
                    }
                }
                ProcessEvent::Exited { id, .. } => {
                    self.known.remove(&id.tgid);
                }
            }
        }
    }

    /// Since the last call. As many as packets came between, at most.
    pub(super) fn events(&mut self) -> Vec<ProcessEvent> {
        std::mem::take(&mut self.events)
    }
}

fn seen(known: &Known) -> ProcessEvent {
    let name = String::from_utf8_lossy(&known.command).into_owned();
    ProcessEvent::Seen { id: known.id, info: ProcessInfo { name, ..ProcessInfo::default() } }
}
