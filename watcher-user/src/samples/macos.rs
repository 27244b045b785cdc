//! macOS, through `sysinfo`. The start of a process is told in seconds there: to the second, a pid is the same process.

use std::{io, time::Duration};

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, UpdateKind};
use watcher_core::{BootTime, ProcessId};

use super::Reading;

#[derive(Debug)]
pub(super) struct System {
    system: Option<sysinfo::System>,
    kind: ProcessRefreshKind,
}

impl System {
    pub fn new(read_commands: bool) -> Self {
        let commands = if read_commands { UpdateKind::OnlyIfNotSet } else { UpdateKind::Never };
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory().with_cmd(commands);
        Self { system: None, kind }
    }

    pub fn readings(&mut self) -> io::Result<Vec<Reading>> {
        let system = match &mut self.system {
            Some(system) => system,
            None => self.system.insert(sysinfo::System::new().map_err(io::Error::other)?),
        };
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, self.kind);
        let booted = sysinfo::System::boot_time().unwrap_or_default();
        let readings = system.processes().values().map(|process| Reading {
            id: ProcessId {
                tgid: process.pid().as_u32(),
                start: BootTime(process.start_time().saturating_sub(booted) * 1_000_000_000),
            },
            comm: process.name().to_string_lossy().into(),
            cpu: Duration::from_millis(process.accumulated_cpu_time()),
            rss_bytes: process.memory(),
            kernel: process.pid().as_u32() == 0,
        });
        Ok(readings.collect())
    }

    /// The name to show and the command line.
    pub fn names(&self, reading: &Reading) -> (Box<str>, Box<str>) {
        let process = self.system.as_ref().and_then(|system| system.process(sysinfo::Pid::from_u32(reading.id.tgid)));
        let words = process.map(|process| process.cmd().iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>());
        (reading.comm.clone(), words.unwrap_or_default().join(" ").into())
    }
}
