//! Who is who: names, command lines, users and parents, from the programs' records, else from /proc.

use std::collections::{HashMap, HashSet, VecDeque};

use watcher_common::{ProcessExec, ProcessFork};
use watcher_core::{BootTime, ProcessEvent, ProcessId, ProcessInfo};

use super::ring::Birth;
use crate::program_name::{self, EXE};

/// So many ended processes are remembered.
const ENDED: usize = 16_384;
/// A command line is kept up to this many bytes.
const COMMAND_LEN: usize = 4096;

/// Processes that live, as far as anybody asked.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<ProcessId, Known>,
    /// Ended ones, oldest first: their sockets may outlive them and ask for the name again.
    ended: VecDeque<ProcessId>,
}

/// Every process that ran at one moment.
pub struct Census {
    /// Before this, all of them.
    pub at: BootTime,
    /// What the kernel said of each.
    pub running: Vec<ProcessFork>,
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
}

impl Known {
    /// Whether what the kernel calls it may be this one's name: the kernel keeps 15 bytes.
    fn goes_by(&self, comm: &str) -> bool {
        self.info.name.starts_with(comm) || self.alias == Some(comm)
    }
}

impl Processes {
    /// Takes in a record; what is new goes to `events`.
    pub fn born(&mut self, birth: &Birth, events: &mut Vec<ProcessEvent>) {
        let (id, info, complete, alias) = match birth {
            Birth::Fork(fork) => self.forked(fork),
            Birth::Exec(exec) => self.executed(exec),
        };
        if complete {
            events.push(ProcessEvent::Seen { id, info: info.clone() });
        }
        let inherited = matches!(birth, Birth::Fork(_));
        self.known.insert(id, Known { info, complete, inherited, alias });
    }

    /// Repairs what lost events have left wrong, from a list of all processes that run: names the known ones that do not,
    /// and forgets what it believed of those that go by another name.
    pub fn reconcile(&mut self, census: &Census) -> Vec<ProcessId> {
        let running = &census.running;
        let alive: HashMap<ProcessId, String> = running
            .iter()
            .map(|task| (ProcessId { tgid: task.tgid, start: BootTime(task.start) }, text(&task.comm)))
            .collect();
        for (id, known) in &mut self.known {
            if alive.get(id).is_some_and(|comm| !known.goes_by(comm)) {
                known.complete = false;
            }
        }
        for task in running {
            let id = ProcessId { tgid: task.tgid, start: BootTime(task.start) };
            if !self.known.contains_key(&id) {
                self.born(&Birth::Fork(*task), &mut Vec::new());
            }
        }
        let ended: HashSet<ProcessId> = self.ended.iter().copied().collect();
        let gone = |id: &&ProcessId| {
            **id != ProcessId::KERNEL && id.start < census.at && !alive.contains_key(id) && !ended.contains(id)
        };
        self.known.keys().filter(gone).copied().collect()
    }

    /// A fork runs its parent's program until it executes another.
    fn forked(&self, fork: &ProcessFork) -> Born {
        let id = ProcessId { tgid: fork.tgid, start: BootTime(fork.start) };
        let parent = ProcessId { tgid: fork.parent_tgid, start: BootTime(fork.parent_start) };
        let comm = text(&fork.comm);
        let (name, command, complete, alias) = match self.known.get(&parent) {
            Some(known) if known.goes_by(&comm) => {
                (known.info.name.clone(), known.info.command.clone(), known.complete, known.alias)
            }
            _ => (comm, String::new(), false, None),
        };
        (id, ProcessInfo { name, command, uid: fork.uid, parent: Some(parent), application: None }, complete, alias)
    }

    fn executed(&self, exec: &ProcessExec) -> Born {
        let id = ProcessId { tgid: exec.tgid, start: BootTime(exec.start) };
        let parent = ProcessId { tgid: exec.parent_tgid, start: BootTime(exec.parent_start) };
        let args = &exec.args[..(exec.args_len as usize).min(exec.args.len())];
        let (comm, path) = (text(&exec.comm), text(&exec.filename));
        // The program that it ran before, which a fork has from its parent.
        let same = self.known.get(&id).filter(|_| program_name::is_itself(&comm, &path));
        let name = || program_name::completed(&comm, &path).unwrap_or(&comm).to_owned();
        let info = ProcessInfo {
            name: same.map_or_else(name, |known| known.info.name.clone()),
            command: joined(args),
            uid: exec.uid,
            parent: Some(parent),
            application: None,
        };
        (id, info, true, same.map(|_| EXE))
    }

    /// Makes sure that a process which is about to be shown has been told of, and its ancestors with it.
    pub fn introduce(&mut self, id: ProcessId, comm: &[u8], uid: u32, events: &mut Vec<ProcessEvent>) {
        // A socket's record has the name of its maker, which an exec that went unseen did not tell.
        let unseen_exec = |known: &Known| known.inherited && !known.goes_by(&text(comm));
        if self.known.get(&id).is_some_and(|known| known.complete && (comm.is_empty() || !unseen_exec(known))) {
            return;
        }
        if let Some(known) = self.known.get_mut(&id).filter(|known| !comm.is_empty() && unseen_exec(known)) {
            known.info.name = text(comm);
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
        let found = look_up(id, &fallback);
        let inherited = inherited && found.is_none();
        let (info, alias) = found.unwrap_or((fallback, None));
        let parent = info.parent;
        self.tell(id, info, events);
        if let Some(known) = self.known.get_mut(&id) {
            (known.inherited, known.alias) = (inherited, alias);
        }
        // Ends at a process that is complete or unknown; the table has no cycles that are incomplete.
        if let Some(parent) = parent.filter(|p| self.known.get(p).is_some_and(|known| !known.complete)) {
            self.introduce(parent, &[], 0, events);
        }
    }

    fn tell(&mut self, id: ProcessId, info: ProcessInfo, events: &mut Vec<ProcessEvent>) {
        events.push(ProcessEvent::Seen { id, info: info.clone() });
        self.known.insert(id, Known { info, complete: true, inherited: false, alias: None });
    }

    /// Forgets a process that has ended, after a while.
    pub fn exited(&mut self, id: ProcessId) {
        if !self.known.contains_key(&id) {
            return;
        }
        self.ended.push_back(id);
        if self.ended.len() > ENDED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Which process, what is known of it, whether that is all, and its alias.
type Born = (ProcessId, ProcessInfo, bool, Option<&'static str>);

/// Bytes up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let len = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..len]).into_owned()
}

/// Arguments that are each ended by NUL, joined by spaces.
fn joined(args: &[u8]) -> String {
    let args = args.strip_suffix(&[0]).unwrap_or(args);
    let parts: Vec<_> = args.split(|&b| b == 0).map(String::from_utf8_lossy).collect();
    parts.join(" ")
}

/// From /proc, provided that the pid still is this process.
fn look_up(id: ProcessId, fallback: &ProcessInfo) -> Option<(ProcessInfo, Option<&'static str>)> {
    let process = procfs::process::Process::new(i32::try_from(id.tgid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    if !same_start(stat.starttime, id.start) {
        return None;
    }
    let args = process.cmdline().unwrap_or_default();
    let mut command = args.join(" ");
    if command.len() > COMMAND_LEN {
        let end = (0..=COMMAND_LEN).rev().find(|&at| command.is_char_boundary(at)).unwrap_or(0);
        command.truncate(end);
    }
    let first = args.first().map_or("", String::as_str);
    let executable = || Some(process.exe().ok()?.to_string_lossy().into_owned());
    let name = program_name::whole(&stat.comm, first, executable).into_owned();
    let alias = (program_name::is_itself(&stat.comm, first) && name != EXE).then_some(EXE);
    let uid = process.uid().unwrap_or(fallback.uid);
    Some((ProcessInfo { name, command, uid, parent: fallback.parent, application: None }, alias))
}

/// /proc tells the start in ticks of 1/100 s, rounded down (`nsec_to_clock_t`, kernel/time/time.c).
fn same_start(ticks: u64, start: BootTime) -> bool {
    start.0 / (1_000_000_000 / procfs::ticks_per_second()) == ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_joined_and_may_be_cut_anywhere() {
        assert_eq!(joined(b"curl\0-s\0http://x\0"), "curl -s http://x");
        assert_eq!(joined(b"curl\0-s\0htt"), "curl -s htt");
        assert_eq!(joined(b""), "");
    }

    #[test]
    fn a_program_that_starts_itself_keeps_its_name() {
        let mut processes = Processes::default();
        let browser = ProcessId { tgid: 10, start: BootTime(5) };
        let info = ProcessInfo {
            name: "chromium".into(),
            command: "chromium".into(),
            uid: 0,
            parent: None,
            ..ProcessInfo::default()
        };
        processes.tell(browser, info, &mut Vec::new());
        let padded = |text: &[u8], comm: &mut [u8; 16]| comm[..text.len()].copy_from_slice(text);
        let (mut named, mut exe) = ([0; 16], [0; 16]);
        padded(b"chromium", &mut named);
        padded(b"exe", &mut exe);
        let fork = |tgid, parent_tgid, comm| {
            Birth::Fork(ProcessFork {
                kind: 2,
                tgid,
                start: 6,
                parent_start: if parent_tgid == 10 { 5 } else { 6 },
                parent_tgid,
                uid: 7,
                comm,
                cgroup: 0,
            })
        };
        processes.born(&fork(11, 10, named), &mut Vec::new());
        // SAFETY: every bit pattern is a valid record.
        let mut exec: ProcessExec = unsafe { std::mem::zeroed() };
        (exec.tgid, exec.start, exec.parent_tgid, exec.parent_start, exec.comm) = (11, 6, 10, 5, exe);
        exec.filename[..program_name::ITSELF.len()].copy_from_slice(program_name::ITSELF.as_bytes());
        processes.born(&Birth::Exec(Box::new(exec)), &mut Vec::new());
        processes.born(&fork(12, 11, exe), &mut Vec::new());
        let name = |tgid| processes.known[&ProcessId { tgid, start: BootTime(6) }].info.name.clone();
        assert_eq!((name(11), name(12)), ("chromium".to_owned(), "chromium".to_owned()));
    }

    #[test]
    fn a_fork_carries_its_parents_command_until_it_executes() {
        let mut processes = Processes::default();
        let mut events = Vec::new();
        let shell = ProcessId { tgid: 10, start: BootTime(5) };
        let info = ProcessInfo {
            name: "sh".into(),
            command: "sh -c x".into(),
            uid: 0,
            parent: None,
            ..ProcessInfo::default()
        };
        processes.tell(shell, info, &mut events);
        let mut comm = [0; 16];
        comm[..2].copy_from_slice(b"sh");
        let fork =
            ProcessFork { kind: 2, tgid: 11, start: 6, parent_start: 5, parent_tgid: 10, uid: 7, comm, cgroup: 0 };
        processes.born(&Birth::Fork(fork), &mut events);
        let Some(ProcessEvent::Seen { id, info }) = events.last() else { panic!("no event") };
        assert_eq!((id.tgid, info.command.as_str(), info.uid, info.parent), (11, "sh -c x", 7, Some(shell)));
    }
}
