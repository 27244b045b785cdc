//! What of a summary people read first.

use std::cmp::Reverse;

use watcher_core::rollup::schema::{Process, ProcessCounters};

/// Rows of each list.
pub const ROWS: usize = 6;

/// The processes that moved most and those that used the processor most, in turns; shown by bytes, then by processor.
pub fn processes(all: &[Process]) -> Vec<&Process> {
    let bytes = |process: &Process| moved(&process.counters);
    let cpu = |process: &Process| (process.counters.average_cpu_percent * 1e3) as u64;
    let mut by_bytes: Vec<usize> = (0..all.len()).filter(|i| bytes(&all[*i]) > 0).collect();
    by_bytes.sort_by_key(|i| (Reverse(bytes(&all[*i])), *i));
    let mut by_cpu: Vec<usize> = (0..all.len()).collect();
    by_cpu.sort_by_key(|i| (Reverse(cpu(&all[*i])), *i));
    let mut chosen: Vec<usize> = Vec::new();
    let (mut by_bytes, mut by_cpu) = (by_bytes.into_iter(), by_cpu.into_iter());
    while chosen.len() < ROWS.min(all.len()) {
        for order in [&mut by_bytes, &mut by_cpu] {
            let next = order.find(|i| !chosen.contains(i));
            chosen.extend(next.filter(|_| chosen.len() < ROWS));
        }
    }
    let mut rows: Vec<&Process> = chosen.into_iter().map(|i| &all[i]).collect();
    rows.sort_by_key(|process| (Reverse(bytes(process)), Reverse(cpu(process)), process.names.pid));
    rows
}

fn moved(counters: &ProcessCounters) -> u64 {
    counters.rx_bytes.saturating_add(counters.tx_bytes)
}
