//! Processes under their parents, with what their children moved added to them.

use std::collections::{HashMap, HashSet};

use watcher_core::{ProcessId, Traffic};

use super::list::{Entry, RowId};

/// A row's place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Branch {
    /// How many rows are above it, up to the root.
    pub depth: u16,
    /// Bit `d` is set when the ancestor at depth `d` (or the row itself) is the last child of its parent.
    pub last: u64,
}

/// The parent of every process that may appear.
pub type Parents = HashMap<ProcessId, ProcessId>;

fn process(entry: &Entry) -> Option<ProcessId> {
    match entry.id {
        RowId::Process(id) => Some(id),
        _ => None,
    }
}

/// The parent of each entry as an index into `entries`.
fn resolve(entries: &[Entry], known: &Parents) -> Vec<Option<usize>> {
    let places: HashMap<ProcessId, usize> =
        entries.iter().enumerate().filter_map(|(at, entry)| Some((process(entry)?, at))).collect();
    entries.iter().map(|entry| places.get(known.get(&process(entry)?)?).copied()).collect()
}

/// Cuts links that would close a cycle.
fn cut_cycles(parents: &mut [Option<usize>]) {
    // 0: not seen, 1: on the path being walked, 2: known to lead to a root.
    let mut seen = vec![0_u8; parents.len()];
    for start in 0..parents.len() {
        let mut path = Vec::new();
        let mut at = start;
        while seen[at] == 0 {
            seen[at] = 1;
            path.push(at);
            match parents[at] {
                Some(parent) if seen[parent] == 1 => parents[at] = None,
                Some(parent) => at = parent,
                None => {}
            }
        }
        for at in path {
            seen[at] = 2;
        }
    }
}

/// Puts every entry under its parent, in the order that `sort` gives to siblings, bytes and connections rolled up.
/// `sort` sees the rolled-up values.
pub fn grow(mut entries: Vec<Entry>, known: &Parents, sort: impl FnOnce(&mut Vec<Entry>)) -> Vec<Entry> {
    let mut up = resolve(&entries, known);
    cut_cycles(&mut up);
    roll_up(&mut entries, &up);
    // By identity, as places change now.
    let link = |(at, parent): (usize, &Option<usize>)| Some((process(&entries[at])?, process(&entries[(*parent)?])?));
    let links: Parents = up.iter().enumerate().filter_map(link).collect();
    sort(&mut entries);
    let order = walk(&resolve(&entries, &links));
    let mut slots: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    let place = |(at, branch): (usize, Branch)| Some(Entry { branch: Some(branch), ..slots[at].take()? });
    order.into_iter().filter_map(place).collect()
}

/// Every place, parents before their children, and what is to be drawn before it.
fn walk(parents: &[Option<usize>]) -> Vec<(usize, Branch)> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
    let mut stack = Vec::new();
    for (at, parent) in parents.iter().enumerate() {
        match parent {
            Some(parent) => children[*parent].push(at),
            None => stack.push((at, Branch::default())),
        }
    }
    stack.reverse();
    let mut order = Vec::with_capacity(parents.len());
    while let Some((at, branch)) = stack.pop() {
        order.push((at, branch));
        let depth = branch.depth.saturating_add(1);
        for (nth, child) in children[at].iter().rev().enumerate() {
            let bit = u64::from(nth == 0).checked_shl(u32::from(depth)).unwrap_or(0);
            stack.push((*child, Branch { depth, last: branch.last | bit }));
        }
    }
    order
}

fn roll_up(entries: &mut [Entry], parents: &[Option<usize>]) {
    let mut waiting = vec![0_usize; entries.len()];
    for parent in parents.iter().flatten() {
        waiting[*parent] += 1;
    }
    let mut ready: Vec<usize> = (0..entries.len()).filter(|at| waiting[*at] == 0).collect();
    while let Some(at) = ready.pop() {
        let Some(parent) = parents[at] else { continue };
        let (traffic, frames, connections): (Traffic, u64, u32) =
            (entries[at].traffic, entries[at].frames, entries[at].connections);
        let sum = &mut entries[parent];
        sum.traffic = sum.traffic + traffic;
        sum.frames += frames;
        sum.connections += connections;
        waiting[parent] -= 1;
        if waiting[parent] == 0 {
            ready.push(parent);
        }
    }
}

/// Everything above `rows` that is not one of them.
#[must_use]
pub fn above(rows: &HashSet<ProcessId>, known: &Parents) -> HashSet<ProcessId> {
    let mut above = HashSet::new();
    for id in rows {
        let mut at = id;
        // What is above another row is found from that one.
        while let Some(parent) = known.get(at).filter(|parent| !rows.contains(parent)) {
            if !above.insert(*parent) {
                break;
            }
            at = parent;
        }
    }
    above
}

#[cfg(test)]
mod tests {
    use super::*;
    use watcher_core::BootTime;

    fn id(tgid: u32) -> ProcessId {
        ProcessId { tgid, start: BootTime(0) }
    }

    fn entry(tgid: u32, rx_bytes: u64) -> Entry {
        Entry {
            id: RowId::Process(id(tgid)),
            index: 0,
            traffic: Traffic { rx_bytes, ..Traffic::default() },
            frames: 0,
            connections: 1,
            branch: None,
        }
    }

    fn tree(rows: &[(u32, u64)], parents: &[(u32, u32)]) -> Vec<String> {
        let known = parents.iter().map(|(child, parent)| (id(*child), id(*parent))).collect();
        let entries = rows.iter().map(|(tgid, bytes)| entry(*tgid, *bytes)).collect();
        let rows =
            grow(entries, &known, |entries| entries.sort_by_key(|entry| std::cmp::Reverse(entry.traffic.rx_bytes)));
        let line = |entry: &Entry| {
            let branch = entry.branch.expect("every row of a tree has a place");
            let last = if (1..64).contains(&branch.depth) && branch.last >> branch.depth & 1 == 1 { "`" } else { "" };
            let tgid = process(entry).expect("a process").tgid;
            format!("{}{last}{tgid}={}", ".".repeat(branch.depth.into()), entry.traffic.rx_bytes)
        };
        rows.iter().map(line).collect()
    }

    #[test]
    fn bytes_roll_up_and_siblings_are_sorted_by_the_sum() {
        let rows = tree(&[(1, 1), (2, 10), (3, 20), (4, 100)], &[(2, 1), (3, 1), (4, 2)]);
        assert_eq!(rows, ["1=131", ".2=110", "..`4=100", ".`3=20"]);
    }

    #[test]
    fn a_missing_parent_makes_a_root() {
        assert_eq!(tree(&[(2, 10), (3, 20)], &[(2, 99), (3, 2)]), ["2=30", ".`3=20"]);
    }

    #[test]
    fn cycles_are_cut_and_lose_no_row_and_no_byte() {
        let rows = tree(&[(1, 1), (2, 10), (3, 100), (7, 5)], &[(1, 2), (2, 3), (3, 1), (7, 7)]);
        assert_eq!(rows.len(), 4);
        assert!(rows[0].ends_with("=111"), "{rows:?}");
    }

    #[test]
    fn a_very_deep_chain_is_no_trouble() {
        let rows: Vec<_> = (1..20_000).map(|tgid| (tgid, 1)).collect();
        let parents: Vec<_> = (2..20_000).map(|tgid| (tgid, tgid - 1)).collect();
        assert_eq!(tree(&rows, &parents)[0], "1=19999");
    }

    #[test]
    fn ancestors_of_a_cycle_end() {
        let known = [(id(1), id(2)), (id(2), id(3)), (id(3), id(2))].into();
        assert_eq!(above(&[id(1)].into(), &known).len(), 2);
    }
}
