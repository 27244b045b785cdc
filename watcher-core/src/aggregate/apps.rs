//! Sums by application name: listed processes by their newest name, folded ones by their last.

use super::{FastMap, sum::Bytes};
use crate::{AppRow, PerScope, ProcessRow};

/// Names are set by processes, so that there may be any number of them. Beyond this, folded bytes go by no name.
const MAX_FOLDED_NAMES: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Apps {
    folded: FastMap<String, PerScope<Bytes>>,
}

impl Apps {
    /// Keeps the bytes of a process that leaves the list.
    pub fn fold(&mut self, name: &str, bytes: PerScope<Bytes>) {
        let name = if self.folded.len() < MAX_FOLDED_NAMES || self.folded.contains_key(name) { name } else { "" };
        if let Some(sum) = self.folded.get_mut(name) {
            sum.absorb(bytes);
        } else {
            self.folded.insert(name.to_owned(), bytes);
        }
    }

    pub fn rows(&self, processes: &[ProcessRow]) -> Vec<AppRow> {
        let mut rows: FastMap<&str, AppRow> = FastMap::default();
        for (name, bytes) in &self.folded {
            rows.insert(name, AppRow { traffic: bytes.map(Bytes::at_rest), ..empty(name) });
        }
        for process in processes {
            let row = rows.entry(&process.info.name).or_insert_with(|| empty(&process.info.name));
            row.traffic = row.traffic + process.traffic;
            row.connections = row.connections + process.connections;
            row.processes += u32::from(process.exited.is_none());
        }
        let mut rows: Vec<AppRow> = rows.into_values().collect();
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        rows
    }
}

fn empty(name: &str) -> AppRow {
    AppRow { name: name.to_owned(), traffic: PerScope::default(), connections: PerScope::default(), processes: 0 }
}
