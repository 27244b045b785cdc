//! Percentages from readings, and readings from this machine.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use watcher_core::{BootTime, ProcessId};

use super::{Reading, Sampler};

fn reading(tgid: u32, start: u64, comm: &str, cpu_ms: u64) -> Reading {
    Reading {
        id: ProcessId { tgid, start: BootTime(start) },
        comm: comm.into(),
        cpu: Duration::from_millis(cpu_ms),
        rss_bytes: 4_096,
        kernel: false,
    }
}

/// CPU percent by pid.
fn take(sampler: &mut Sampler, readings: Vec<Reading>, at: Instant) -> HashMap<u32, Option<f64>> {
    sampler.take(readings, at).map(|sample| (sample.id.tgid, sample.cpu_percent)).collect()
}

#[test]
fn percent_is_of_one_core_over_the_interval() {
    let (mut sampler, start) = (Sampler::new(false), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    let first = take(&mut sampler, vec![reading(1, 1, "a", 90_000), reading(2, 1, "b", 0)], at(0));
    assert_eq!((first[&1], first[&2]), (None, None), "what was before the first poll is not of any interval");
    let second = take(&mut sampler, vec![reading(1, 1, "a", 100_000), reading(2, 1, "b", 0)], at(5));
    assert_eq!((second[&1], second[&2]), (Some(200.0), Some(0.0)));
    let third = take(&mut sampler, vec![reading(1, 1, "a", 100_500), reading(3, 9, "c", 1_000)], at(15));
    assert_eq!(third, HashMap::from([(1, Some(5.0)), (3, Some(10.0))]));
}

#[test]
fn a_reused_pid_begins_anew() {
    let (mut sampler, start) = (Sampler::new(false), Instant::now());
    take(&mut sampler, vec![reading(1, 1, "a", 90_000)], start);
    let next = take(&mut sampler, vec![reading(1, 2, "a", 1_000)], start + Duration::from_secs(10));
    assert_eq!(next[&1], Some(10.0));
    assert_eq!(sampler.known.len(), 1);
}

#[test]
fn time_that_goes_backwards_is_no_time() {
    let (mut sampler, start) = (Sampler::new(false), Instant::now());
    take(&mut sampler, vec![reading(1, 1, "a", 1_000)], start);
    assert_eq!(take(&mut sampler, vec![reading(1, 1, "a", 2_000)], start)[&1], None);
    // CPU time is rounded by the kernel, and can be told a tick less than before.
    assert_eq!(take(&mut sampler, vec![reading(1, 1, "a", 1_990)], start + Duration::from_secs(1))[&1], Some(0.0));
}

#[test]
fn threads_of_the_kernel_are_one_process() {
    let (mut sampler, start) = (Sampler::new(false), Instant::now());
    let threads = |ms| {
        let kernel = |tgid| Reading { kernel: true, ..reading(tgid, 1, "kworker", ms) };
        vec![kernel(2), kernel(3), reading(9, 1, "a", 0)]
    };
    take(&mut sampler, threads(0), start);
    let next = take(&mut sampler, threads(1_000), start + Duration::from_secs(10));
    assert_eq!(next, HashMap::from([(0, Some(20.0)), (9, Some(0.0))]));
}

#[test]
fn this_process_is_found_with_its_memory() {
    let mut sampler = Sampler::new(true);
    let own: Vec<_> = sampler.poll().unwrap().filter(|sample| sample.id.tgid == std::process::id()).collect();
    assert_eq!(own.len(), 1);
    assert!(own[0].rss_bytes > 1 << 20 && !own[0].command.is_empty() && own[0].cpu_percent.is_none());
}

#[test]
fn a_busy_process_is_busy_and_a_waiting_one_is_not() {
    let start = |program: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", program]).stdin(Stdio::piped()).spawn().unwrap()
    };
    let mut children = [start("while :; do :; done"), start("read line")];
    let mut sampler = Sampler::new(false);
    drop(sampler.poll().unwrap());
    // CPU time is told in ticks of 10 ms: what is awaited is the first interval with one.
    let deadline = Instant::now() + Duration::from_secs(30);
    let (mut busy, mut waiting) = (0.0, 0.0);
    while busy <= 0.0 && Instant::now() < deadline {
        for sample in sampler.poll().unwrap() {
            let percent = sample.cpu_percent.unwrap_or(0.0);
            busy += if sample.id.tgid == children[0].id() { percent } else { 0.0 };
            waiting += if sample.id.tgid == children[1].id() { percent } else { 0.0 };
        }
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(busy > 0.0, "a process that does nothing but run has no CPU time");
    assert!(waiting < busy);
}
