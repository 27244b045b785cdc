//! Tasks in which the kernel runs no tracepoint. ftrace sees every switch to a task from the one before it, and every switch away from
//! it in the task's own context: a task that is switched to, and never away from, is one in which nothing attached is run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::bench::table::Row;

const INSTANCES: &str = "/sys/kernel/tracing/instances";
/// Seconds that it is looked.
const SECONDS: u64 = 10;

/// Looks, by the kernel's own tracer alone.
pub fn row() -> Row {
    let what = format!("tasks that were switched to, and not seen switched away from, in {SECONDS} s");
    let said = seen().map(|trace| said(&unseen(&trace)));
    Row::told(what, said.unwrap_or_else(|error| format!("not looked: {error:#}")))
}

/// A tracer of one's own; removed when dropped.
struct Instance(PathBuf);

impl Instance {
    fn new() -> Result<Self> {
        let path = PathBuf::from(INSTANCES).join(format!("watcher-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            eprintln!("note: {} could not be removed: {error}", self.0.display());
        }
    }
}

/// The switches of some seconds, as ftrace prints them.
fn seen() -> Result<String> {
    let instance = Instance::new()?;
    let switch = instance.0.join("events/sched/sched_switch/enable");
    fs::write(&switch, "1").with_context(|| format!("cannot write {}", switch.display()))?;
    sleep(Duration::from_secs(SECONDS));
    fs::write(&switch, "0").with_context(|| format!("cannot write {}", switch.display()))?;
    let trace = fs::read(instance.0.join("trace")).context("cannot read the trace")?;
    Ok(String::from_utf8_lossy(&trace).into_owned())
}

/// One switch.
struct Switch<'t> {
    cpu: u32,
    from: u32,
    to: u32,
    name: &'t str,
}

impl<'t> Switch<'t> {
    /// `bash-7 [001] d..2. 5.5: sched_switch: prev_comm=bash prev_pid=7 .. ==> next_comm=rustc next_pid=8 next_prio=139`. A name may
    /// have anything in it, so numbers are looked for from the end.
    fn of(line: &'t str) -> Option<Self> {
        let (before, next) = line.rsplit_once(" ==> next_comm=")?;
        let (head, from) = before.rsplit_once(" prev_pid=")?;
        let (head, _) = head.split_once(": sched_switch: ")?;
        let (_, cpu) = head.rsplit_once('[')?;
        let (name, to) = next.rsplit_once(" next_pid=")?;
        let number = |text: &str| text.split([' ', ']']).next()?.parse().ok();
        Some(Self { cpu: number(cpu)?, from: number(from)?, to: number(to)?, name })
    }
}

/// How often a task was switched to, and how often not seen to be switched away from.
#[derive(Debug, Default, PartialEq, Eq)]
struct Task {
    name: String,
    entered: u64,
    unseen: u64,
}

/// Those that were not seen to be switched away from, by thread; the idle tasks, which are all 0, by processor too.
fn unseen(trace: &str) -> BTreeMap<(u32, u32), Task> {
    let mut tasks: BTreeMap<(u32, u32), Task> = BTreeMap::new();
    let mut running: BTreeMap<u32, u32> = BTreeMap::new();
    for switch in trace.lines().filter_map(Switch::of) {
        let key = |thread| (thread, if thread == 0 { switch.cpu } else { 0 });
        if let Some(before) = running.insert(switch.cpu, switch.to) {
            let task = tasks.entry(key(before)).or_default();
            task.entered += 1;
            task.unseen += u64::from(before != switch.from);
        }
        switch.name.clone_into(&mut tasks.entry(key(switch.to)).or_default().name);
    }
    tasks.retain(|_, task| task.unseen > 0);
    tasks
}

fn said(tasks: &BTreeMap<(u32, u32), Task>) -> String {
    let each = tasks.iter().map(|((thread, _), task)| {
        let process = process_of(*thread).map_or_else(String::new, |process| format!(" of process {process}"));
        format!("{}{process}: {} of {}", task.name, task.unseen, task.entered)
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { "none".to_owned() } else { each.join(", ") }
}

fn process_of(thread: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cpu: u32, from: u32, to: (u32, &str)) -> String {
        let (to, name) = to;
        format!(
            "  a b-{from} [{cpu:03}] d..2. 5.{cpu}: sched_switch: prev_comm=a prev_pid=9 prev_pid={from} prev_prio=120 \
             prev_state=S ==> next_comm={name} next_pid={to} next_prio=120\n"
        )
    }

    #[test]
    fn a_task_that_nobody_saw_switched_away_from_is_told() {
        let trace = "# tracer: nop\n".to_owned()
            + &line(0, 5, (6, "seen"))
            + &line(0, 6, (70_000_001, "blind next_pid=4"))
            // Who was running is somebody else.
            + &line(0, 5, (0, "swapper/0"))
            + &line(1, 8, (0, "swapper/1"))
            + &line(0, 0, (5, "back"))
            + &line(1, 8, (9, "on"));
        let unseen = unseen(&trace);
        let task = |name: &str| Task { name: name.to_owned(), entered: 1, unseen: 1 };
        let expected = [((0, 1), task("swapper/1")), ((70_000_001, 0), task("blind next_pid=4"))];
        assert_eq!(unseen, BTreeMap::from(expected));
        let told = "blind next_pid=4: 1 of 1";
        assert!(said(&unseen).ends_with(told), "{}", said(&unseen));
        assert_eq!(said(&BTreeMap::new()), "none");
    }
}
