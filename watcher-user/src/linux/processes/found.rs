//! What /proc tells of a process that still runs.

use std::io::Read as _;

use procfs::{ProcessCGroup, process::Process};
use watcher_core::{BootTime, ProcessId, ProcessInfo};

use crate::program_name::{self, EXE};

/// A command line is kept up to this many bytes.
const COMMAND_LEN: usize = 4_096;
/// Arguments are read up to this many bytes: a process may have megabytes of them.
const ARGUMENTS_LEN: u64 = 64 << 10;

/// A process, provided that the pid still is this one. What is read of it later is of it, or fails.
pub(super) struct Found {
    process: Process,
    stat: procfs::process::Stat,
}

impl Found {
    pub fn open(id: ProcessId) -> Option<Self> {
        let process = Process::new(i32::try_from(id.tgid).ok().filter(|&tgid| tgid > 0)?).ok()?;
        let stat = process.stat().ok()?;
        same_start(stat.starttime, id.start).then_some(Self { process, stat })
    }

    /// Name, command line and user; and the alias of a program that started itself.
    pub fn info(&self, fallback: &ProcessInfo) -> (ProcessInfo, Option<&'static str>) {
        let comm = &self.stat.comm;
        let args = self.arguments();
        let mut command = args.join(" ");
        if command.len() > COMMAND_LEN {
            let end = (0..=COMMAND_LEN).rev().find(|&at| command.is_char_boundary(at)).unwrap_or(0);
            command.truncate(end);
        }
        let first = args.first().map_or("", String::as_str);
        let name = program_name::whole(comm, first, || self.executable()).into_owned();
        let alias = (program_name::is_itself(comm, first) && name != EXE).then_some(EXE);
        let uid = self.process.uid().unwrap_or(fallback.uid);
        (ProcessInfo { name, command, uid, parent: fallback.parent, application: None }, alias)
    }

    /// The path of its executable.
    pub fn executable(&self) -> Option<String> {
        Some(self.process.exe().ok()?.to_string_lossy().into_owned())
    }

    /// What it was started with, or has written over that. One that is cut is left out.
    pub fn arguments(&self) -> Vec<String> {
        let mut bytes = Vec::new();
        let mut read = |file: std::fs::File| file.take(ARGUMENTS_LEN).read_to_end(&mut bytes);
        if self.process.open_relative("cmdline").ok().and_then(|file| read(file).ok()).is_none() {
            return Vec::new();
        }
        let is_cut = bytes.len() as u64 == ARGUMENTS_LEN;
        super::ran::split(&bytes, is_cut)
    }

    /// The paths of its cgroups, without roots: that of version 2 first, then that of systemd.
    pub fn cgroups(&self) -> Vec<String> {
        let Ok(mut groups) = self.process.cgroups() else { return Vec::new() };
        let rank = |group: &ProcessCGroup| match group.hierarchy {
            0 => 0,
            _ if group.controllers.iter().any(|name| name == "name=systemd") => 1,
            _ => 2,
        };
        groups.0.sort_by_key(rank);
        let mut paths: Vec<String> = Vec::new();
        for group in groups.0 {
            // Of a process that is not reaped yet the cgroup may have been removed already.
            let path = group.pathname.strip_suffix(" (deleted)").unwrap_or(&group.pathname);
            if path != "/" && !paths.iter().any(|known| known == path) {
                paths.push(path.to_owned());
            }
        }
        paths
    }
}

/// /proc tells the start in ticks of 1/100 s, rounded down (`nsec_to_clock_t`, kernel/time/time.c).
fn same_start(ticks: u64, start: BootTime) -> bool {
    start.0 / (1_000_000_000 / procfs::ticks_per_second()) == ticks
}
