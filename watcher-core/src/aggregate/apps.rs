//! Sums by application: listed processes by the newest name of theirs, folded ones by their last.

use std::sync::Arc;

use super::{FastMap, sum::Bytes};
use crate::{AppRow, Application, NamedBy, PerScope, ProcessInfo, ProcessRow};

/// Names are set by processes, so that there may be any number of them. Beyond this, folded bytes go by no name.
const MAX_FOLDED_NAMES: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Apps {
    folded: FastMap<String, Folded>,
}

#[derive(Debug, Default)]
struct Folded {
    bytes: PerScope<Bytes>,
    application: Option<Arc<Application>>,
}

impl Apps {
    /// Keeps the bytes of a process that leaves the list.
    pub fn fold(&mut self, info: &ProcessInfo, bytes: PerScope<Bytes>) {
        let name = info.application_name();
        let has_room = self.folded.len() < MAX_FOLDED_NAMES || self.folded.contains_key(name);
        let (name, application) = if has_room { (name, info.application.as_ref()) } else { ("", None) };
        if !self.folded.contains_key(name) {
            self.folded.insert(name.to_owned(), Folded::default());
        }
        if let Some(sum) = self.folded.get_mut(name) {
            sum.bytes.absorb(bytes);
            explain(&mut sum.application, application);
        }
    }

    pub fn rows(&self, processes: &[ProcessRow]) -> Vec<AppRow> {
        let mut rows: FastMap<&str, AppRow> = FastMap::default();
        for (name, folded) in &self.folded {
            let application = folded.application.clone();
            rows.insert(name, AppRow { traffic: folded.bytes.map(Bytes::at_rest), application, ..empty(name) });
        }
        for process in processes {
            let name = process.info.application_name();
            let row = rows.entry(name).or_insert_with(|| empty(name));
            row.traffic = row.traffic + process.traffic;
            row.connections = row.connections + process.connections;
            row.processes += u32::from(process.exited.is_none());
            explain(&mut row.application, process.info.application.as_ref());
        }
        let mut rows: Vec<AppRow> = rows.into_values().collect();
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        rows
    }
}

/// Keeps the better of two explanations of one name. That of a helper is the poorest: it has its name from another process.
fn explain(known: &mut Option<Arc<Application>>, other: Option<&Arc<Application>>) {
    let poverty = |application: &Application| (application.rule == NamedBy::Helper, application.rule);
    let Some(other) = other else { return };
    if known.as_ref().is_none_or(|known| poverty(other) < poverty(known)) {
        *known = Some(Arc::clone(other));
    }
}

fn empty(name: &str) -> AppRow {
    AppRow {
        name: name.to_owned(),
        traffic: PerScope::default(),
        connections: PerScope::default(),
        processes: 0,
        application: None,
    }
}
