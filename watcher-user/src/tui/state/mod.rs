//! What the screen is about, and how keys and snapshots change it. No IO, no clock, no drawing.

mod command;
mod editor;
mod history;
mod hold;
mod keys;
mod list;
mod matching;
mod rows;
mod sort;
#[cfg(test)]
mod tests;
mod tree;
mod users;
mod zero;

use std::rc::Rc;

use watcher_core::Snapshot;

pub use command::{BINDINGS, Command};
pub use editor::Editor;
pub use history::{History, LENGTH as HISTORY_LENGTH};
pub use list::{Entry, List, RowId};
pub use matching::Conditions;
pub use rows::Focus;
pub use sort::{Sort, SortKey};
pub use tree::Branch;
pub use users::{UserRow, Users};
pub use zero::Zero;

use crate::{names::Names, units::Units};
use rows::Asked;

/// The tables, in the order of Tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// One row per process.
    Processes,
    /// One row per connection.
    Connections,
    /// One row per remote address.
    Remotes,
    /// One row per application name.
    Applications,
}

impl View {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Processes, Self::Connections, Self::Remotes, Self::Applications];

    /// As the screen names it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Processes => "Processes",
            Self::Connections => "Connections",
            Self::Remotes => "Remotes",
            Self::Applications => "Applications",
        }
    }

    fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// Switches that keys turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each with its key")]
pub struct Settings {
    /// Bits or bytes.
    pub units: Units,
    /// User and service names instead of numbers.
    pub names: bool,
    /// Traffic within the host too.
    pub loopback: bool,
    /// Rows keep their place while values wobble.
    pub hold: bool,
    /// Processes under their parents.
    pub tree: bool,
}

/// One snapshot with the rates that led to it.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The newest numbers.
    pub snapshot: Rc<Snapshot>,
    /// The recent past.
    pub history: History,
}

/// What keys go to.
#[derive(Debug)]
pub enum Mode {
    /// The table.
    Browse,
    /// The filter being typed; why it cannot be used as it stands.
    Filter(Editor, Option<String>),
    /// The help, scrolled down by so many lines.
    Help(usize),
    /// The list of users.
    Users(Users),
}

/// What follows from a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The screen may have changed.
    Draw,
    /// The user has had enough.
    Quit,
}

/// Everything that is remembered between two frames.
#[derive(Debug)]
pub struct State {
    /// Switches.
    pub settings: Settings,
    /// Names for numbers.
    pub names: Names,
    /// Filter, user, pids.
    pub conditions: Conditions,
    /// Which table.
    pub view: View,
    /// What its rows are parts of.
    pub focus: Option<Focus>,
    /// What keys go to.
    pub mode: Mode,
    /// What is subtracted from totals.
    pub zero: Zero,
    /// What the last key did, where the screen does not show it by itself.
    pub notice: Option<String>,
    live: Option<Moment>,
    frozen: Option<Moment>,
    back: Vec<(View, Option<Focus>)>,
    lists: [List; 4],
    held: [usize; 4],
}

impl State {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(settings: Settings, conditions: Conditions, names: Names, sort: SortKey) -> Self {
        let list = |view| List::new(Sort::by(if SortKey::of(view).contains(&sort) { sort } else { SortKey::Rate }));
        Self {
            settings,
            names,
            conditions,
            view: View::Processes,
            focus: None,
            mode: Mode::Browse,
            zero: Zero::default(),
            notice: None,
            live: None,
            frozen: None,
            back: Vec::new(),
            lists: View::ALL.map(list),
            held: [0; 4],
        }
    }

    /// Takes in the newest numbers. While paused they are kept, and shown later.
    pub fn on_snapshot(&mut self, snapshot: Snapshot) {
        let mut history = self.live.take().map(|moment| moment.history).unwrap_or_default();
        history.push(&snapshot);
        self.live = Some(Moment { snapshot: Rc::new(snapshot), history });
        if self.frozen.is_none() {
            self.list_mut().hold.next_interval();
            self.arrange();
        }
    }

    /// The moment on the screen; `None` before the first.
    #[must_use]
    pub fn shown(&self) -> Option<&Moment> {
        self.frozen.as_ref().or(self.live.as_ref())
    }

    /// For how long the screen has stood still.
    #[must_use]
    pub fn paused(&self) -> Option<std::time::Duration> {
        let (frozen, live) = (self.frozen.as_ref()?, self.live.as_ref()?);
        Some(live.snapshot.at.since(frozen.snapshot.at))
    }

    /// The rows of the current view.
    #[must_use]
    pub fn list(&self) -> &List {
        &self.lists[self.view as usize]
    }

    /// The rows of the current view.
    pub fn list_mut(&mut self) -> &mut List {
        &mut self.lists[self.view as usize]
    }

    /// How many rows a view has without filter, user and focus.
    #[must_use]
    pub fn held(&self, view: View) -> usize {
        self.held[view as usize]
    }

    /// Whether the current view shows a part of its rows only.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.focus.is_some() || !self.conditions.is_empty()
    }

    /// Works out the rows of the current view anew.
    fn arrange(&mut self) {
        let Some(moment) = self.frozen.as_ref().or(self.live.as_ref()) else { return };
        let asked = Asked {
            moment,
            settings: &self.settings,
            conditions: &self.conditions,
            zero: &self.zero,
            names: &self.names,
            focus: self.focus.as_ref(),
        };
        let list = &mut self.lists[self.view as usize];
        let rows = asked.rows(self.view, list);
        list.replace(rows);
        self.held = View::ALL.map(|view| asked.held(view));
    }

    /// Works out the rows anew, nothing being held in place.
    fn rearrange(&mut self) {
        self.list_mut().hold.clear();
        self.arrange();
    }
}
