//! The list to pick a user from.

use std::collections::BTreeMap;

use watcher_core::Snapshot;

/// One user with something to show, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserRow {
    /// `None` for all.
    pub uid: Option<u32>,
    /// How many processes.
    pub processes: usize,
}

/// The users, and which is about to be picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users {
    /// All users first, then by number.
    pub rows: Vec<UserRow>,
    /// The row that Enter takes.
    pub cursor: usize,
}

impl Users {
    /// Those that own a process of `snapshot`; the cursor on the one in force.
    #[must_use]
    pub fn new(snapshot: &Snapshot, now: Option<u32>) -> Self {
        let mut users: BTreeMap<u32, usize> = BTreeMap::new();
        users.extend(now.map(|uid| (uid, 0)));
        for row in &snapshot.processes {
            *users.entry(row.info.uid).or_default() += 1;
        }
        let mut rows = vec![UserRow { uid: None, processes: snapshot.processes.len() }];
        rows.extend(users.into_iter().map(|(uid, processes)| UserRow { uid: Some(uid), processes }));
        let cursor = rows.iter().position(|row| row.uid == now).unwrap_or(0);
        Self { rows, cursor }
    }

    /// Moves the cursor.
    pub fn step(&mut self, rows: isize) {
        self.cursor = self.cursor.saturating_add_signed(rows).min(self.rows.len() - 1);
    }

    /// What Enter takes.
    #[must_use]
    pub fn picked(&self) -> Option<u32> {
        self.rows[self.cursor].uid
    }
}
