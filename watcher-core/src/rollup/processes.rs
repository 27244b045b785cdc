//! The processes of a window: what they moved, what they used, and which of them may be folded.

use super::{
    privacy::{MAX_COMMAND_CHARS, MAX_NAME_CHARS, first_chars},
    tally::Tally,
};
use crate::{BootTime, Delta, ProcessEvent, ProcessId, ProcessInfo};

/// The tick in which the kernel tells a start time outside of eBPF: USER_HZ is 100 on every architecture that Linux and
/// watcher share.
const TICK: u64 = 10_000_000;

/// One process at one poll.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessSample<'a> {
    /// Who. The start may be rounded down to 1/100 s, as /proc tells it.
    pub id: ProcessId,
    /// Base name of the executable.
    pub name: &'a str,
    /// The command line, arguments joined by single spaces; empty when unknown.
    pub command: &'a str,
    /// CPU time since the poll before over the time since then; 100 is one core. `None` when there was no poll before.
    pub cpu_percent: Option<f64>,
    /// Resident memory, bytes.
    pub rss_bytes: u64,
}

/// A process, whoever speaks of it: the kernel's programs know its start to the nanosecond, /proc to the tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ProcessKey {
    pub tgid: u32,
    tick: u64,
}

impl From<ProcessId> for ProcessKey {
    fn from(id: ProcessId) -> Self {
        Self { tgid: id.tgid, tick: id.start.0 / TICK }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Process {
    pub start: BootTime,
    pub name: Box<str>,
    pub command: Box<str>,
    pub rx: u64,
    pub tx: u64,
    /// Flows open at the first delta, and those begun since.
    pub connections: u64,
    pub polls_seen: u32,
    cpu: Cpu,
    rss_sum: u128,
    pub rss_peak: u64,
    /// A collector told its name: a sample's is no better.
    told: bool,
    /// `connections` has begun.
    counted: bool,
    exited: bool,
    /// It ran at this poll or after it.
    seen: u32,
}

#[derive(Debug, Clone, Default)]
struct Cpu {
    sum: f64,
    times: u32,
    peak: f64,
}

impl Process {
    pub fn bytes(&self) -> u64 {
        self.rx.saturating_add(self.tx)
    }

    /// Percent of a core, over the polls that could tell.
    pub fn average_cpu(&self) -> f64 {
        if self.cpu.times == 0 { 0.0 } else { self.cpu.sum / f64::from(self.cpu.times) }
    }

    pub fn peak_cpu(&self) -> f64 {
        self.cpu.peak
    }

    /// Bytes, over the polls that saw it.
    pub fn average_rss(&self) -> f64 {
        if self.polls_seen == 0 { 0.0 } else { self.rss_sum as f64 / f64::from(self.polls_seen) }
    }

    /// What a collector knows; it may know nothing.
    fn tell(&mut self, info: &ProcessInfo, keep_command: bool) {
        if !info.name.is_empty() {
            self.told = true;
            self.name(&info.name, if keep_command { &info.command } else { "" });
        }
    }

    fn name(&mut self, name: &str, command: &str) {
        let (name, command) = (first_chars(name, MAX_NAME_CHARS), first_chars(command, MAX_COMMAND_CHARS));
        if *self.name != *name {
            self.name = name.into();
        }
        if *self.command != *command {
            self.command = command.into();
        }
    }
}

/// Which processes stay beside the heaviest when there is no room: those that ran at the last two polls, since they come
/// again, then those whose average says most. What has ended has its final average, and more than twelve of them stay: so
/// the twelve with the highest averages are always the right ones, as long as not more processes run than are privileged
/// (three eighths of the limit).
type Rank = (bool, u64, u64);

fn rank(now: u32) -> impl Fn(&Process) -> Rank {
    move |process| {
        // In the midst of a poll, some that run were last seen at the one before.
        let runs = !process.exited && process.seen + 1 >= now;
        (runs, (process.average_cpu() * 1e6) as u64, process.average_rss() as u64)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Processes {
    tally: Tally<ProcessKey, Process>,
    polls: u32,
    /// Command lines are most of the memory; they are kept only when they may leave.
    keep_commands: bool,
}

impl Processes {
    pub fn new(limit: usize, keep_commands: bool) -> Self {
        Self { tally: Tally::new(limit), polls: 0, keep_commands }
    }

    pub fn observe(&mut self, event: &ProcessEvent) {
        match event {
            ProcessEvent::Seen { id, info } => {
                let keep = self.keep_commands;
                self.entry(*id, 0).tell(info, keep);
            }
            // The end of a process that this window does not know is no news of it.
            ProcessEvent::Exited { id, .. } => {
                if let Some(process) = self.tally.get_mut(&(*id).into()) {
                    process.exited = true;
                }
            }
        }
    }

    /// Takes in bytes, and flows that began, of the scopes that are `listed`.
    pub fn charge(&mut self, delta: &Delta<'_>, listed: bool, open: u32) {
        let (rx, tx) = if listed { (delta.rx_bytes, delta.tx_bytes) } else { (0, 0) };
        let keep = self.keep_commands;
        let process = self.entry(delta.sample.id.process, rx.saturating_add(tx));
        if !process.told {
            process.tell(delta.info, keep);
        }
        if !listed {
            return;
        }
        process.rx = process.rx.saturating_add(rx);
        process.tx = process.tx.saturating_add(tx);
        let begun = u64::from(delta.first);
        process.connections += if process.counted { begun } else { u64::from(open) + u64::from(delta.ended) };
        process.counted = true;
    }

    /// One poll: each process once.
    pub fn poll<'a>(&mut self, samples: impl IntoIterator<Item = ProcessSample<'a>>) {
        self.polls = self.polls.saturating_add(1);
        let (now, keep) = (self.polls, self.keep_commands);
        for sample in samples {
            let process = self.entry(sample.id, 0);
            // A process that is named twice in one poll was seen once.
            if process.polls_seen > 0 && process.seen == now {
                continue;
            }
            process.seen = now;
            process.polls_seen += 1;
            if !process.told {
                process.name(sample.name, if keep { sample.command } else { "" });
            }
            process.rss_sum += u128::from(sample.rss_bytes);
            process.rss_peak = process.rss_peak.max(sample.rss_bytes);
            if let Some(percent) = sample.cpu_percent.filter(|percent| percent.is_finite()) {
                process.cpu.sum += percent;
                process.cpu.times += 1;
                process.cpu.peak = process.cpu.peak.max(percent);
            }
        }
    }

    pub fn polls(&self) -> u32 {
        self.polls
    }

    /// Processes that ran; see [`Tally::keys_seen`].
    pub fn count(&self) -> u64 {
        self.tally.keys_seen()
    }

    /// See [`Tally::missing_at_most`].
    pub fn missing_at_most(&self) -> u64 {
        self.tally.missing_at_most()
    }

    pub fn get(&self, key: &ProcessKey) -> Option<&Process> {
        self.tally.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&ProcessKey, &Process)> {
        self.tally.iter()
    }

    fn entry(&mut self, id: ProcessId, bytes: u64) -> &mut Process {
        let now = self.polls;
        let process = self.tally.add_keeping(id.into(), bytes, rank(now));
        // The finer of two starts.
        process.start = process.start.max(id.start);
        if process.polls_seen == 0 {
            process.seen = now;
        }
        process
    }
}
