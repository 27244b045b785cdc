//! Process samples: how much CPU and memory each process used, poll by poll.
//!
//! CPU percent is of one core, over the interval between two polls: a process that kept two cores busy has 200. It is
//! never an average since the process began. RSS is in bytes. A process is its pid and its start, so that a reused pid
//! begins anew. Where a collector knows the start to the nanosecond, `watcher_core::rollup` takes both for the same.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

use std::{
    collections::HashMap,
    io,
    time::{Duration, Instant},
};

use watcher_core::{ProcessId, rollup::ProcessSample};

#[cfg(target_os = "linux")]
use self::linux::System;
#[cfg(target_os = "macos")]
use self::macos::System;

/// One process, as the system tells it now.
#[derive(Debug, Clone, PartialEq)]
struct Reading {
    id: ProcessId,
    /// The kernel's short name: when it changes, the process runs another program.
    comm: Box<str>,
    /// User and system time of all its threads since it began.
    cpu: Duration,
    rss_bytes: u64,
    /// A thread of the kernel.
    kernel: bool,
}

#[derive(Debug)]
struct Known {
    reading: Reading,
    name: Box<str>,
    command: Box<str>,
    cpu_percent: Option<f64>,
    poll: u64,
}

/// Takes samples. Each poll reads one small file per process, and more only of processes that are new.
#[derive(Debug)]
pub struct Sampler {
    system: System,
    known: HashMap<ProcessId, Known>,
    /// The poll before: its number and its time.
    poll: u64,
    at: Option<Instant>,
    kernel: Option<f64>,
}

impl Sampler {
    /// `read_commands`: whether command lines are needed. Without, they are empty.
    #[must_use]
    pub fn new(read_commands: bool) -> Self {
        Self { system: System::new(read_commands), known: HashMap::new(), poll: 0, at: None, kernel: None }
    }

    /// One poll: every process that runs, once; the kernel's threads are one, [`ProcessId::KERNEL`]. The first poll has
    /// no interval and so no CPU percent; a process that began since the poll before has its share of the whole interval.
    ///
    /// # Errors
    /// The processes cannot be listed. One that ends meanwhile is left out.
    pub fn poll(&mut self) -> io::Result<impl Iterator<Item = ProcessSample<'_>>> {
        let readings = self.system.readings()?;
        Ok(self.take(readings, Instant::now()))
    }

    fn take(&mut self, readings: Vec<Reading>, now: Instant) -> impl Iterator<Item = ProcessSample<'_>> {
        let interval = self.at.map(|before| now.saturating_duration_since(before)).filter(|time| !time.is_zero());
        (self.at, self.poll) = (Some(now), self.poll + 1);
        self.kernel = None;
        for reading in readings {
            let used = |before: Duration| reading.cpu.saturating_sub(before);
            let before = self.known.get(&reading.id);
            let percent = interval.map(|time| {
                let used = used(before.map_or(Duration::ZERO, |known| known.reading.cpu));
                100.0 * used.as_secs_f64() / time.as_secs_f64()
            });
            if reading.kernel {
                self.kernel = Some(self.kernel.unwrap_or(0.0) + percent.unwrap_or(0.0));
            }
            let same_program = before.filter(|known| known.reading.comm == reading.comm);
            if same_program.is_none() {
                let (name, command) =
                    if reading.kernel { (reading.comm.clone(), "".into()) } else { self.system.names(&reading) };
                let known = Known { reading, name, command, cpu_percent: percent, poll: self.poll };
                self.known.insert(known.reading.id, known);
            } else if let Some(known) = self.known.get_mut(&reading.id) {
                (known.reading, known.cpu_percent, known.poll) = (reading, percent, self.poll);
            }
        }
        let poll = self.poll;
        self.known.retain(|_, known| known.poll == poll);
        let kernel = self.kernel.map(|percent| ProcessSample {
            id: ProcessId::KERNEL,
            name: "kernel",
            command: "",
            cpu_percent: interval.map(|_| percent),
            rss_bytes: 0,
        });
        let processes = self.known.values().filter(|known| !known.reading.kernel).map(Known::sample);
        kernel.into_iter().chain(processes)
    }
}

impl Known {
    fn sample(&self) -> ProcessSample<'_> {
        ProcessSample {
            id: self.reading.id,
            name: &self.name,
            command: &self.command,
            cpu_percent: self.cpu_percent,
            rss_bytes: self.reading.rss_bytes,
        }
    }
}

#[cfg(test)]
mod tests;
