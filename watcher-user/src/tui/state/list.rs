//! A list on the screen: its order, the row that is selected, the part that is visible.

use std::rc::Rc;

use watcher_core::{FlowId, ProcessId, ProcessRow, RemoteId, Snapshot, Traffic};

use super::{hold::Hold, sort::Sort, tree::Branch};

/// What a row stands for, whatever its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowId {
    /// A process.
    Process(ProcessId),
    /// A connection.
    Flow(FlowId),
    /// A remote address.
    Remote(RemoteId),
    /// An application.
    App(Rc<str>),
}

/// One row, with everything that was worked out for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it stands for.
    pub id: RowId,
    /// Where it is in the snapshot; processes go on in its ancestors.
    pub index: usize,
    /// As shown: scopes chosen, zero subtracted, children rolled up.
    pub traffic: Traffic,
    /// Link-layer bytes, kept apart.
    pub frames: u64,
    /// Open connections, as shown.
    pub connections: u32,
    /// Its place in the tree; `None` in a flat list.
    pub branch: Option<Branch>,
}

impl Entry {
    /// The process it stands for: one that is listed or, in a tree, one that is above such.
    ///
    /// # Panics
    /// It stands for something else, or comes from another snapshot.
    #[must_use]
    pub fn process<'a>(&self, snapshot: &'a Snapshot) -> &'a ProcessRow {
        match self.index.checked_sub(snapshot.processes.len()) {
            None => &snapshot.processes[self.index],
            Some(above) => &snapshot.ancestors[above],
        }
    }
}

/// The rows of one view.
#[derive(Debug)]
pub struct List {
    /// The order asked for.
    pub sort: Sort,
    /// What keeps rows in place.
    pub hold: Hold<RowId>,
    /// Whether the selected row stays in view wherever it goes.
    pub follow: bool,
    entries: Vec<Entry>,
    selected: Option<RowId>,
    cursor: usize,
    offset: usize,
    page: usize,
}

impl List {
    /// An empty list.
    #[must_use]
    pub fn new(sort: Sort) -> Self {
        Self {
            sort,
            hold: Hold::default(),
            follow: false,
            entries: Vec::new(),
            selected: None,
            cursor: 0,
            offset: 0,
            page: 1,
        }
    }

    /// All rows, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The rows that fit, from the first visible one on, and whether each is the selected one.
    pub fn visible(&self) -> impl Iterator<Item = (&Entry, bool)> {
        let end = (self.offset + self.page).min(self.entries.len());
        let selected = self.selected.is_some();
        (self.offset..end).map(move |at| (&self.entries[at], selected && at == self.cursor))
    }

    /// How many rows are above the visible ones.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The selected row.
    #[must_use]
    pub fn selected(&self) -> Option<&Entry> {
        self.selected.as_ref().and_then(|_| self.entries.get(self.cursor))
    }

    /// The selected row, or the first.
    #[must_use]
    pub fn current(&self) -> Option<&Entry> {
        self.selected().or_else(|| self.entries.first())
    }

    /// Selects what `id` stands for, wherever it is or will be.
    pub fn select(&mut self, id: Option<RowId>) {
        self.selected = id;
        self.follow = false;
        self.find();
        self.reveal();
    }

    /// Gives memory back while another list is on the screen. The selection stays.
    pub fn rest(&mut self) {
        self.entries = Vec::new();
        self.hold = Hold::default();
    }

    /// Shows the beginning.
    pub fn scroll_up(&mut self) {
        (self.cursor, self.offset) = (0, 0);
    }

    /// Takes in a new order. The selection goes with its row; one that is gone passes to whatever took its place.
    pub fn replace(&mut self, entries: Vec<Entry>) {
        self.entries = entries;
        self.find();
        self.scroll_to(self.offset);
        if self.follow {
            self.reveal();
        }
    }

    /// Moves the selection; the first move in an untouched list selects its first visible row.
    pub fn step(&mut self, rows: isize) {
        let target = if self.selected.is_some() { self.cursor.saturating_add_signed(rows) } else { self.offset };
        self.go(target);
    }

    /// Moves the selection by pages.
    pub fn turn(&mut self, pages: isize) {
        let rows = pages * isize::try_from(self.page.saturating_sub(1).max(1)).unwrap_or(1);
        self.scroll_to(self.offset.saturating_add_signed(rows));
        self.go(if self.selected.is_some() { self.cursor.saturating_add_signed(rows) } else { self.offset });
    }

    /// Selects the row at a place, or the last one.
    pub fn go(&mut self, at: usize) {
        self.cursor = at.min(self.entries.len().saturating_sub(1));
        self.selected = self.entries.get(self.cursor).map(|entry| entry.id.clone());
        self.follow = false;
        self.reveal();
    }

    /// The screen has room for so many rows.
    pub fn fit(&mut self, page: usize) {
        let before = std::mem::replace(&mut self.page, page.max(1));
        self.scroll_to(self.offset);
        if before != self.page && self.selected.is_some() {
            self.reveal();
        }
    }

    fn find(&mut self) {
        let Some(id) = &self.selected else { return };
        if self.entries.get(self.cursor).is_some_and(|entry| entry.id == *id) {
            return;
        }
        if let Some(at) = self.entries.iter().position(|entry| entry.id == *id) {
            self.cursor = at;
        } else if !self.entries.is_empty() {
            self.cursor = self.cursor.min(self.entries.len() - 1);
            self.selected = Some(self.entries[self.cursor].id.clone());
            self.follow = false;
        }
    }

    fn reveal(&mut self) {
        if self.selected.is_none() {
            return;
        }
        let first = (self.cursor + 1).saturating_sub(self.page);
        self.scroll_to(self.offset.clamp(first, self.cursor.max(first)));
    }

    fn scroll_to(&mut self, offset: usize) {
        self.offset = offset.min(self.entries.len().saturating_sub(self.page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sort::Key;

    fn entries(names: &[&str]) -> Vec<Entry> {
        let entry = |(index, name): (usize, &&str)| Entry {
            id: RowId::App((*name).into()),
            index,
            traffic: Traffic::default(),
            frames: 0,
            connections: 0,
            branch: None,
        };
        names.iter().enumerate().map(entry).collect()
    }

    fn list(names: &[&str], page: usize) -> List {
        let mut list = List::new(Sort::by(Key::Name));
        list.replace(entries(names));
        list.fit(page);
        list
    }

    fn screen(list: &List) -> String {
        let name = |entry: &Entry| match &entry.id {
            RowId::App(name) => name.to_string(),
            other => unreachable!("{other:?}"),
        };
        list.visible().map(|(entry, on)| if on { name(entry).to_uppercase() } else { name(entry) }).collect()
    }

    #[test]
    fn nothing_is_selected_until_a_key_is_pressed() {
        let mut list = list(&["a", "b", "c"], 2);
        assert_eq!(screen(&list), "ab");
        list.step(1);
        assert_eq!(screen(&list), "Ab");
        list.step(1);
        list.step(1);
        list.step(1);
        assert_eq!(screen(&list), "bC");
    }

    #[test]
    fn the_selection_goes_with_its_row_and_the_window_stays() {
        let mut list = list(&["a", "b", "c", "d"], 2);
        list.go(1);
        list.replace(entries(&["a", "c", "d", "b"]));
        assert_eq!(screen(&list), "ac", "the window stays");
        list.step(-1);
        assert_eq!(screen(&list), "cD", "the next key brings the selection back");
    }

    #[test]
    fn following_keeps_the_selected_row_in_view() {
        let mut list = list(&["a", "b", "c", "d"], 2);
        list.go(1);
        list.follow = true;
        list.replace(entries(&["a", "c", "d", "b"]));
        assert_eq!(screen(&list), "dB");
        list.replace(entries(&["b", "a", "c", "d"]));
        assert_eq!(screen(&list), "Ba");
    }

    #[test]
    fn a_row_that_is_gone_passes_the_selection_on() {
        let mut list = list(&["a", "b", "c"], 3);
        list.go(2);
        list.follow = true;
        list.replace(entries(&["a", "b"]));
        assert_eq!(screen(&list), "aB");
        assert!(!list.follow);
        list.replace(entries(&[]));
        assert!(list.selected().is_none());
        list.replace(entries(&["a", "b"]));
        assert_eq!(screen(&list), "aB", "an empty moment does not lose it");
    }

    #[test]
    fn pages_turn_and_stop_at_the_ends() {
        let mut list = list(&["a", "b", "c", "d", "e"], 2);
        list.turn(1);
        assert_eq!(screen(&list), "Bc");
        list.turn(10);
        assert_eq!(screen(&list), "dE");
        list.turn(-10);
        assert_eq!(screen(&list), "Ab");
        list.fit(100);
        assert_eq!(screen(&list), "Abcde");
    }
}
