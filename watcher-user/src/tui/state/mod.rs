//! What the screen is about, and how keys and snapshots change it. No IO, no clock, no drawing.

mod command;
mod editor;
mod history;
mod hold;
mod keys;
mod list;
mod names;
mod rows;
mod sort;
mod tabs;
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
pub use names::Names;
pub use rows::Focus;
pub use sort::{Sort, keys};
pub use tabs::{TABS, place, title};
pub use tree::Branch;
pub use users::{UserRow, Users};
pub use zero::Zero;

use crate::{by::By, filter::Filter, sort::Key, top::Origin, units::Units};
use rows::Asked;

/// Which rows are left, beside the switches.
#[derive(Debug, Clone, Default)]
pub struct Narrow {
    /// Text typed after `/`.
    pub filter: Filter,
    /// Only processes of this user.
    pub user: Option<u32>,
    /// Only these processes; empty for all.
    pub pids: Vec<u32>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

impl Narrow {
    /// Whether every row is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filter.is_empty() && self.user.is_none() && self.pids.is_empty()
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
    pub narrow: Narrow,
    /// Which table.
    pub view: By,
    /// What its rows are parts of.
    pub focus: Option<Focus>,
    /// What keys go to.
    pub mode: Mode,
    /// What is subtracted from totals.
    pub zero: Zero,
    /// What the last key did, where the screen does not show it by itself.
    pub notice: Option<String>,
    /// Where the numbers come from.
    pub origin: Option<Origin>,
    /// Why there are no new ones.
    pub lost: Option<String>,
    live: Option<Moment>,
    frozen: Option<Moment>,
    back: Vec<(By, Option<Focus>)>,
    lists: [List; 4],
    held: [usize; 4],
}

impl State {
    /// Nothing counted yet; `view` sorted by `sort`.
    #[must_use]
    pub fn new(settings: Settings, narrow: Narrow, names: Names, (view, sort): (By, Key)) -> Self {
        let list = |by| List::new(Sort::by(if by == view { sort } else { Key::default() }));
        Self {
            settings,
            names,
            narrow,
            view,
            focus: None,
            mode: Mode::Browse,
            zero: Zero::default(),
            notice: None,
            origin: None,
            lost: None,
            live: None,
            frozen: None,
            back: Vec::new(),
            lists: TABS.map(list),
            held: [0; 4],
        }
    }

    /// Takes in the newest numbers, and where they come from. Another origin begins anew.
    pub fn on_numbers(&mut self, snapshot: Snapshot, origin: Origin) {
        let new = Some(origin);
        if self.origin.is_some() && self.origin != new {
            (self.live, self.zero) = (None, Zero::default());
            self.notice = Some("another daemon counts now: totals have begun anew".to_owned());
        }
        (self.origin, self.lost) = (new, None);
        self.on_snapshot(snapshot);
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
        &self.lists[place(self.view)]
    }

    /// The rows of the current view.
    pub fn list_mut(&mut self) -> &mut List {
        &mut self.lists[place(self.view)]
    }

    /// How many rows a view has without filter, user and focus.
    #[must_use]
    pub fn held(&self, view: By) -> usize {
        self.held[place(view)]
    }

    /// Whether the current view shows a part of its rows only.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.focus.is_some() || !self.narrow.is_empty()
    }

    /// Works out the rows of the current view anew.
    fn arrange(&mut self) {
        let Some(moment) = self.frozen.as_ref().or(self.live.as_ref()) else { return };
        let asked = Asked {
            moment,
            settings: &self.settings,
            narrow: &self.narrow,
            zero: &self.zero,
            names: &self.names,
            focus: self.focus.as_ref(),
        };
        let list = &mut self.lists[place(self.view)];
        let rows = asked.rows(self.view, list);
        list.replace(rows);
        self.held = TABS.map(|view| asked.held(view));
    }

    /// Works out the rows anew, nothing being held in place.
    fn rearrange(&mut self) {
        self.list_mut().hold.clear();
        self.arrange();
    }
}
