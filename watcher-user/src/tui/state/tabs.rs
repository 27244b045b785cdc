//! The tables in the order of Tab.

use crate::by::By;

/// All of them.
pub const TABS: [By; 4] = [By::Process, By::Connection, By::Remote, By::App];

/// Where a table is among them.
#[must_use]
pub fn place(by: By) -> usize {
    match by {
        By::Process => 0,
        By::Connection => 1,
        By::Remote => 2,
        By::App => 3,
    }
}

/// As the screen names it.
#[must_use]
pub fn title(by: By) -> &'static str {
    match by {
        By::Process => "Processes",
        By::Connection => "Connections",
        By::Remote => "Remotes",
        By::App => "Applications",
    }
}

/// The one so many tabs to the right, round and round.
#[must_use]
pub fn step(by: By, tabs: usize) -> By {
    TABS[(place(by) + tabs) % TABS.len()]
}
