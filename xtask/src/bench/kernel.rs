//! What the kernel says about a process and the eBPF programs and maps that it holds.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::run::capture;

const STATS: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// Makes the kernel time eBPF programs; what was set before is set again when this is dropped.
pub struct BpfStats {
    before: String,
}

impl BpfStats {
    /// Switches it on.
    pub fn enable() -> Result<Self> {
        let before = fs::read_to_string(STATS).with_context(|| format!("cannot read {STATS}"))?;
        fs::write(STATS, "1").with_context(|| format!("cannot write {STATS}"))?;
        Ok(Self { before })
    }
}

impl Drop for BpfStats {
    fn drop(&mut self) {
        if let Err(error) = fs::write(STATS, self.before.trim()) {
            eprintln!("note: {STATS} could not be set back to {}: {error}", self.before.trim());
        }
    }
}

/// How long a program ran in all, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runs {
    /// Nanoseconds, all runs together.
    pub nanoseconds: u64,
    /// Runs.
    pub count: u64,
}

/// The programs that `pid` holds (itself or through links), by name.
pub fn program_runs(pid: u32) -> Result<BTreeMap<String, Runs>> {
    let mut programs = BTreeMap::new();
    for id in fdinfo_values(pid, "prog_id")? {
        let mut bpftool = Command::new("/usr/sbin/bpftool");
        let shown = capture(bpftool.args(["--json", "prog", "show", "id", &id.to_string()]))?;
        let program: Value = serde_json::from_str(&shown).context("bpftool printed something that is not JSON")?;
        let name = program["name"].as_str().unwrap_or("?");
        let figure = |key: &str| program[key].as_u64().unwrap_or(0);
        let runs = Runs { nanoseconds: figure("run_time_ns"), count: figure("run_cnt") };
        programs.insert(format!("{name}#{id}"), runs);
    }
    Ok(programs)
}

/// What ran between two looks; programs that did not run are left out.
pub fn runs_between(before: &BTreeMap<String, Runs>, after: &BTreeMap<String, Runs>) -> BTreeMap<String, Runs> {
    let mut between = BTreeMap::new();
    for (name, after) in after {
        let before = before.get(name).copied().unwrap_or_default();
        let count = after.count.saturating_sub(before.count);
        if count > 0 {
            let nanoseconds = after.nanoseconds.saturating_sub(before.nanoseconds);
            between.insert(name.clone(), Runs { nanoseconds, count });
        }
    }
    between
}

/// Kernel memory of the maps that `pid` holds, in bytes.
pub fn map_bytes(pid: u32) -> Result<u64> {
    let mut maps = BTreeMap::new();
    for text in fdinfos(pid)? {
        if let (Some(id), Some(bytes)) = (value(&text, "map_id"), value(&text, "memlock")) {
            maps.insert(id, bytes);
        }
    }
    Ok(maps.values().sum())
}

/// A line of /proc/PID/status, in bytes: VmRSS, VmHWM.
pub fn memory(pid: u32, line: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    value(&status, line).map(|kibibytes| kibibytes * 1024).with_context(|| format!("no {line} in {path}"))
}

/// Memory that a process holds by itself, in bytes: what is resident, without the maps that it looks into. Those are counted by
/// [`map_bytes`], and a ring buffer's pages stand twice in a process's memory (kernel/bpf/ringbuf.c): VmRSS would count them
/// three times.
pub fn own_memory(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps");
    let smaps = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(resident(&smaps))
}

/// What of a process's resident memory is rings of packets, in bytes: mappings of AF_PACKET sockets (packet(7), PACKET_RX_RING).
pub fn packet_rings(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps");
    let smaps = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(resident_of(&smaps, |mapping| mapping.contains("socket:[")))
}

fn resident(smaps: &str) -> u64 {
    resident_of(smaps, |mapping| !mapping.ends_with("anon_inode:bpf-map"))
}

fn resident_of(smaps: &str, is_meant: impl Fn(&str) -> bool) -> u64 {
    let (mut sum, mut is_own) = (0, false);
    for line in smaps.lines() {
        // `7f..-7f.. rw-s 00000000 00:0d 1045 anon_inode:bpf-map` begins a mapping; `Rss:  8 kB` belongs to the last one.
        if line.split_once(' ').is_some_and(|(first, _)| first.contains('-')) {
            is_own = is_meant(line);
        } else if let Some(kibibytes) = value(line, "Rss").filter(|_| is_own) {
            sum += kibibytes * 1024;
        }
    }
    sum
}

/// Processor time of a process so far, its threads included, in seconds.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let ticks = cpu_ticks(&stat).with_context(|| format!("cannot make sense of {path}"))?;
    // USER_HZ: what /proc counts in is 100 on every architecture that this runs on.
    Ok(f64::from(u32::try_from(ticks)?) / 100.0)
}

/// Fields 14 and 15. The name in parentheses may hold anything, blanks and parentheses too.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn fdinfo_values(pid: u32, key: &str) -> Result<Vec<u64>> {
    let mut values: Vec<u64> = fdinfos(pid)?.iter().filter_map(|text| value(text, key)).collect();
    values.sort_unstable();
    values.dedup();
    Ok(values)
}

fn fdinfos(pid: u32) -> Result<Vec<String>> {
    let folder = format!("/proc/{pid}/fdinfo");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {folder}"))?;
    // A descriptor may be closed while they are read.
    Ok(entries.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect())
}

/// The number behind `key:`.
fn value(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_shift_its_fields() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 300 45 0 0";
        assert_eq!(cpu_ticks(stat), Some(345));
    }

    #[test]
    fn maps_are_not_a_process_s_own_memory() {
        let smaps = "55d0-55d4 r-xp 00000000 fe:00 12 /usr/bin/watcher\nSize: 16 kB\nRss:                  12 kB\nPss: 12 kB\n\
            7f00-7f08 rw-s 00000000 00:0d 1045 anon_inode:bpf-map\nRss:                  4096 kB\n\
            7fff-8000 rw-p 00000000 00:00 0\nRss:                   4 kB\n";
        assert_eq!(resident(smaps), 16 * 1024);
    }

    #[test]
    fn a_value_is_found_by_its_whole_key() {
        let text = "pos:\t0\nprog_id_x:\t9\nprog_id:\t7\nVmRSS:\t  120 kB\n";
        assert_eq!(value(text, "prog_id"), Some(7));
        assert_eq!(value(text, "VmRSS"), Some(120));
        assert_eq!(value(text, "memlock"), None);
    }

    #[test]
    fn only_programs_that_ran_are_between() {
        let runs = |nanoseconds, count| Runs { nanoseconds, count };
        let before = BTreeMap::from([("a".to_owned(), runs(10, 1)), ("b".to_owned(), runs(5, 5))]);
        let after = BTreeMap::from([("a".to_owned(), runs(40, 3)), ("b".to_owned(), runs(5, 5))]);
        assert_eq!(runs_between(&before, &after), BTreeMap::from([("a".to_owned(), runs(30, 2))]));
    }
}
