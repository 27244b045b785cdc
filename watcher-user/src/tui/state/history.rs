//! The recent past of rates, for sparklines.

use std::collections::{HashMap, VecDeque};

use watcher_core::{PerScope, ProcessId, Snapshot, Traffic};

/// How many intervals are remembered.
pub const LENGTH: usize = 60;

/// Bytes per second, both directions, of one interval.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Point {
    network: f32,
    loopback: f32,
}

impl Point {
    fn of(traffic: &PerScope<Traffic>) -> Self {
        let both = |t: &Traffic| (t.rx_rate + t.tx_rate) as f32;
        Self { network: both(&traffic.network), loopback: both(&traffic.loopback) }
    }
}

type Line = VecDeque<Point>;

/// The last [`LENGTH`] intervals of every process that is still listed, and of all together.
#[derive(Debug, Clone, Default)]
pub struct History {
    processes: HashMap<ProcessId, Line>,
    total: Line,
}

impl History {
    /// Remembers one more interval, and forgets processes that are no longer listed.
    pub fn push(&mut self, snapshot: &Snapshot) {
        let mut before = std::mem::take(&mut self.processes);
        self.processes.reserve(snapshot.processes.len());
        for row in &snapshot.processes {
            let mut line = before.remove(&row.id).unwrap_or_default();
            push(&mut line, Point::of(&row.traffic));
            self.processes.insert(row.id, line);
        }
        push(&mut self.total, Point::of(&snapshot.totals.traffic));
    }

    /// The rates of a process, oldest first.
    pub fn of(&self, id: ProcessId, include_loopback: bool) -> impl DoubleEndedIterator<Item = f32> {
        self.processes.get(&id).into_iter().flatten().map(move |point| shown(point, include_loopback))
    }

    /// The rates of everything, oldest first.
    pub fn total(&self, include_loopback: bool) -> impl DoubleEndedIterator<Item = f32> {
        self.total.iter().map(move |point| shown(point, include_loopback))
    }
}

fn shown(point: &Point, include_loopback: bool) -> f32 {
    if include_loopback { point.network + point.loopback } else { point.network }
}

fn push(line: &mut Line, point: Point) {
    if line.len() == LENGTH {
        line.pop_front();
    }
    line.push_back(point);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{process, snapshot};

    #[test]
    fn it_keeps_the_last_intervals_and_only_listed_processes() {
        let mut history = History::default();
        let (kept, gone) = (process(1, "kept", 10, 0), process(2, "gone", 1, 1));
        history.push(&snapshot(1, [kept.clone(), gone.clone()], []));
        for at in 2..100 {
            history.push(&snapshot(at, [kept.clone()], []));
        }
        assert_eq!(history.of(kept.id, false).count(), LENGTH);
        assert!(history.of(kept.id, false).all(|rate| rate == 10.0));
        assert_eq!(history.of(gone.id, false).count(), 0);
        assert_eq!(history.processes.len(), 1);
    }
}
