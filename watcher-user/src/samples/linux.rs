//! The stat file of each process: CPU time, memory, start and name in one read. `sysinfo` tells the start in seconds of the
//! wall clock, which neither tells a reused pid nor finds the collector's process.

use std::{fs, io, time::Duration};

use procfs::{FromRead as _, process::Stat};
use watcher_core::{BootTime, ProcessId};

use super::Reading;
use crate::program_name;

/// include/linux/sched.h
const PF_KTHREAD: u32 = 0x0020_0000;
/// A command line is kept up to this many bytes.
const COMMAND_LEN: usize = 4_096;

#[derive(Debug)]
pub(super) struct System {
    read_commands: bool,
    page_size: u64,
    tick: u64,
}

impl System {
    pub fn new(read_commands: bool) -> Self {
        let tick = 1_000_000_000 / procfs::ticks_per_second().max(1);
        Self { read_commands, page_size: procfs::page_size(), tick }
    }

    pub fn readings(&self) -> io::Result<Vec<Reading>> {
        let mut readings = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // One that has just ended has no file any more.
            readings.extend(self.reading(pid));
        }
        Ok(readings)
    }

    fn reading(&self, pid: u32) -> Option<Reading> {
        let stat = Stat::from_read(fs::File::open(format!("/proc/{pid}/stat")).ok()?).ok()?;
        // A zombie has no memory, and its time was told before.
        Some(Reading {
            id: ProcessId { tgid: pid, start: BootTime(stat.starttime * self.tick) },
            cpu: Duration::from_nanos((stat.utime + stat.stime) * self.tick),
            rss_bytes: stat.rss * self.page_size,
            kernel: stat.flags & PF_KTHREAD != 0,
            comm: stat.comm.into(),
        })
    }

    /// The name to show and the command line.
    pub fn names(&self, reading: &Reading) -> (Box<str>, Box<str>) {
        if program_name::is_whole(&reading.comm) && !self.read_commands {
            return (reading.comm.clone(), "".into());
        }
        let pid = reading.id.tgid;
        let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let args = raw.strip_suffix(&[0]).unwrap_or(&raw);
        let first = String::from_utf8_lossy(args.split(|&b| b == 0).next().unwrap_or_default());
        let executable = || Some(fs::read_link(format!("/proc/{pid}/exe")).ok()?.to_string_lossy().into_owned());
        let name = program_name::whole(&reading.comm, &first, executable);
        let command = if self.read_commands { joined(args) } else { "".into() };
        (name.into(), command)
    }
}

fn joined(args: &[u8]) -> Box<str> {
    let args = &args[..args.len().min(COMMAND_LEN)];
    let words: Vec<_> = args.split(|&b| b == 0).map(String::from_utf8_lossy).collect();
    words.join(" ").into()
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn arguments_are_joined_by_spaces() {
        assert_eq!(&*joined(b"curl\0-s\0http://x"), "curl -s http://x");
        assert_eq!(joined(&[b'a'; 10_000]).len(), 4_096);
    }
}
