//! Which rows of a snapshot are shown, and in which order. For tables and JSON.

use watcher_core::{AppRow, FlowRow, ProcessRow, RemoteRow, Snapshot};

use super::choice::{Choice, Conditions};
use crate::{
    by::By,
    cli::Rows,
    sort::{self, Key, Sight},
    users::Users,
};

/// The rows to show. Processes are always chosen, the others only when asked for.
#[derive(Debug, Default)]
pub struct Selected<'a> {
    /// Processes.
    pub processes: Vec<&'a ProcessRow>,
    /// Connections, with the names of their processes.
    pub flows: Vec<(&'a FlowRow, &'a str)>,
    /// Remotes.
    pub remotes: Vec<&'a RemoteRow>,
    /// Applications.
    pub apps: Vec<&'a AppRow>,
}

/// Chooses, sorts, cuts off.
#[must_use]
pub fn select<'a>(snapshot: &'a Snapshot, rows: &Rows, users: &Users) -> Selected<'a> {
    let sight = Sight { include_loopback: rows.include_loopback, now: snapshot.at, users };
    let choice = Choice::new(snapshot, Conditions::of(rows, users));
    let key = |by: By| if rows.by == by { rows.sort } else { Key::default() };
    let mut selected = Selected {
        processes: snapshot.processes.iter().filter(|row| choice.process(row)).collect(),
        ..Selected::default()
    };
    sort::sort(&mut selected.processes, key(By::Process), &sight);
    match rows.by {
        By::Process => {}
        By::App => {
            selected.apps = snapshot.apps.iter().filter(|row| choice.app(row)).collect();
            sort::sort(&mut selected.apps, key(By::App), &sight);
        }
        By::Connection => {
            let named = snapshot.flows.iter().filter(|row| choice.flow(row)).map(|row| (row, name(snapshot, row)));
            selected.flows = named.collect();
            sort::sort(&mut selected.flows, key(By::Connection), &sight);
        }
        By::Remote => {
            selected.remotes = snapshot.remotes.iter().filter(|row| choice.remote(row)).collect();
            sort::sort(&mut selected.remotes, key(By::Remote), &sight);
        }
    }
    let limit = rows.limit.unwrap_or(usize::MAX);
    selected.processes.truncate(limit);
    selected.flows.truncate(limit);
    selected.remotes.truncate(limit);
    selected.apps.truncate(limit);
    selected
}

fn name<'a>(snapshot: &'a Snapshot, row: &FlowRow) -> &'a str {
    snapshot.process(row.sample.id.process).map_or("", |process| &process.info.name)
}
