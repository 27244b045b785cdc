//! Processes as /proc tells of them, and what happened to those that were named.
//!
//! A start is told in ticks of 1/100 s since boot, rounded down (`nsec_to_clock_t`, kernel/time/time.c): the same time as the
//! eBPF collector's, to 10 ms.

use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::RandomState;
use procfs::process::{Process, Stat, all_processes};
use watcher_core::{BootTime, ProcessEvent, ProcessId, ProcessInfo};

/// include/linux/sched.h: such a thread has no files.
const PF_KTHREAD: u32 = 0x0020_0000;
/// So many ancestors of a process are named with it.
const GENERATIONS: usize = 64;
/// A command line is kept up to this many bytes.
const COMMAND_LEN: usize = 4_096;
/// Who has ended is looked for at most this often.
const CHECK: Duration = Duration::from_secs(1);

/// A process at one moment.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub id: ProcessId,
    comm: String,
    parent: u32,
}

/// Processes that have been told of.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// With the kernel's name for each.
    lives: HashMap<ProcessId, String, RandomState>,
    events: Vec<ProcessEvent>,
    checked: BootTime,
}

impl Told {
    /// Tells of a process, its ancestors first, unless that was done.
    pub fn tell(&mut self, found: &Found) {
        let mut line = vec![found.clone()];
        while let Some(last) = line.last() {
            let Some(parent) = at(last.parent).filter(|_| line.len() < GENERATIONS) else { break };
            // A pid that was used again meanwhile: no child is older than its parent.
            if parent.id.start > last.id.start || self.lives.contains_key(&parent.id) {
                break;
            }
            line.push(parent);
        }
        for process in line.into_iter().rev() {
            if self.lives.get(&process.id).is_none_or(|comm| *comm != process.comm) {
                self.events.push(ProcessEvent::Seen { id: process.id, info: info(&process) });
                self.lives.insert(process.id, process.comm);
            }
        }
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
        let Self { lives, events, .. } = self;
        lives.retain(|id, comm| match at(id.tgid).filter(|found| found.id == *id) {
            Some(found) => {
                if found.comm != *comm {
                    events.push(ProcessEvent::Seen { id: *id, info: info(&found) });
                    *comm = found.comm;
                }
                true
            }
            None => {
                events.push(ProcessEvent::Exited { id: *id, at: now });
                false
            }
        });
    }
}

/// Every process that may hold sockets.
pub(super) fn running() -> Vec<Found> {
    let Ok(processes) = all_processes() else { return Vec::new() };
    processes
        .filter_map(|process| process.ok()?.stat().ok())
        .filter(|stat| stat.flags & PF_KTHREAD == 0)
        .map(found)
        .collect()
}

/// Whether it has not ended.
pub(super) fn lives(id: ProcessId) -> bool {
    at(id.tgid).is_some_and(|found| found.id == id)
}

fn at(pid: u32) -> Option<Found> {
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0)?;
    let stat = Process::new(pid).ok()?.stat().ok()?;
    // A zombie holds nothing.
    (stat.state != 'Z').then(|| found(stat))
}

fn found(stat: Stat) -> Found {
    let tick = 1_000_000_000 / procfs::ticks_per_second().max(1);
    let id = ProcessId { tgid: stat.pid.unsigned_abs(), start: BootTime(stat.starttime * tick) };
    Found { id, comm: stat.comm, parent: stat.ppid.unsigned_abs() }
}

/// What there is to show. Whoever shows it may know a better name: a comm has 15 bytes.
fn info(found: &Found) -> ProcessInfo {
    let process = Process::new(found.id.tgid.cast_signed()).ok();
    let parent = at(found.parent).map(|parent| parent.id).filter(|parent| parent.start <= found.id.start);
    let command = process.as_ref().and_then(|process| process.cmdline().ok()).unwrap_or_default().join(" ");
    let end = command.floor_char_boundary(COMMAND_LEN);
    ProcessInfo {
        name: found.comm.clone(),
        command: command[..end].to_owned(),
        uid: process.and_then(|process| process.uid().ok()).unwrap_or_default(),
        parent,
        application: None,
    }
}
