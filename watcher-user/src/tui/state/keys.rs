//! From a key to a new state.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{
    Editor, Focus, Mode, Outcome, RowId, Sort, State, TABS, Users, Zero,
    command::{Command, always_quits},
    tabs::step,
};
use crate::{by::By, filter::Filter, sort::Key, units::Units};

impl State {
    /// Takes in a key.
    pub fn on_key(&mut self, key: KeyEvent) -> Outcome {
        if key.kind == KeyEventKind::Release {
            return Outcome::Draw;
        }
        if always_quits(key) {
            return Outcome::Quit;
        }
        self.notice = None;
        // Esc and a key right after it arrive as one: Alt and that key.
        if key.modifiers.contains(KeyModifiers::ALT) && !matches!(self.mode, Mode::Browse) {
            self.on_key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
            return self.on_key(KeyEvent { modifiers: key.modifiers - KeyModifiers::ALT, ..key });
        }
        match &mut self.mode {
            Mode::Browse => match Command::of(key) {
                Some(Command::Quit) => return Outcome::Quit,
                Some(command) => self.obey(command),
                None => {}
            },
            Mode::Filter(..) => self.on_filter_key(key),
            Mode::Help(_) => self.on_help_key(key),
            Mode::Users(_) => self.on_users_key(key),
        }
        Outcome::Draw
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Rows(rows) => self.list_mut().step(rows),
            Command::Pages(pages) => self.list_mut().turn(pages),
            Command::First => self.list_mut().go(0),
            Command::Last => self.list_mut().go(usize::MAX),
            Command::Show(view) => self.show(view),
            Command::NextView => self.show(step(self.view, 1)),
            Command::PreviousView => self.show(step(self.view, TABS.len() - 1)),
            Command::Open => self.open(),
            Command::Back => self.back(),
            Command::Filter => self.mode = Mode::Filter(Editor::new(self.narrow.filter.text()), None),
            Command::Users => {
                if let Some(moment) = self.shown() {
                    self.mode = Mode::Users(Users::new(&moment.snapshot, self.narrow.user));
                }
            }
            Command::SortNext => self.sort(self.list().sort.step(self.view, true)),
            Command::SortPrevious => self.sort(self.list().sort.step(self.view, false)),
            Command::SortReceived => self.toggle_sort(Key::RxRate, Key::Rx),
            Command::SortSent => self.toggle_sort(Key::TxRate, Key::Tx),
            Command::Invert => {
                let sort = self.list().sort;
                self.sort(Sort { inverted: !sort.inverted, ..sort });
            }
            Command::Follow => self.follow(),
            Command::Pause => self.pause(),
            Command::Help => self.mode = Mode::Help(0),
            Command::Tree | Command::Hold | Command::Units | Command::Names | Command::Loopback | Command::Zero => {
                self.switch(command);
            }
            Command::Quit => {}
        }
    }

    /// The switches, and what they say.
    fn switch(&mut self, command: Command) {
        let settings = &mut self.settings;
        let either = |on: bool, yes: &str, no: &str| if on { yes.to_owned() } else { no.to_owned() };
        self.notice = Some(match command {
            Command::Tree => {
                settings.tree = !settings.tree;
                let notice = either(settings.tree, "process tree: rows include their children", "flat list");
                if self.view != By::Process {
                    self.show(By::Process);
                }
                notice
            }
            Command::Hold => {
                settings.hold = !settings.hold;
                either(settings.hold, "rows are held in place", "rows move with every interval")
            }
            Command::Units => {
                settings.units = if settings.units == Units::Bytes { Units::Bits } else { Units::Bytes };
                either(settings.units == Units::Bits, "bits", "bytes")
            }
            Command::Names => {
                settings.names = !settings.names;
                either(settings.names, "names", "numbers")
            }
            Command::Loopback => {
                settings.loopback = !settings.loopback;
                either(settings.loopback, "loopback included", "loopback hidden")
            }
            _ => {
                if let Some(moment) = self.shown() {
                    self.zero = Zero::at(&moment.snapshot);
                }
                "totals from zero".to_owned()
            }
        });
        self.rearrange();
    }

    fn show(&mut self, view: By) {
        self.list_mut().rest();
        (self.view, self.focus) = (view, None);
        self.back.clear();
        self.rearrange();
    }

    fn sort(&mut self, sort: Sort) {
        self.list_mut().sort = sort;
        self.notice = Some(format!("sorted by {}", sort.key.name()));
        self.rearrange();
    }

    fn toggle_sort(&mut self, rate: Key, total: Key) {
        let now = self.list().sort;
        self.sort(Sort::by(if now.key == rate && !now.inverted { total } else { rate }));
    }

    fn follow(&mut self) {
        let list = self.list_mut();
        if list.follow {
            list.follow = false;
            self.notice = Some("following ended".to_owned());
            return;
        }
        if list.selected().is_none() {
            list.go(list.offset());
        }
        list.follow = list.selected().is_some();
        if list.follow {
            self.notice = Some("following the selected row".to_owned());
            self.arrange();
        }
    }

    fn pause(&mut self) {
        if self.frozen.take().is_none() {
            self.frozen.clone_from(&self.live);
        } else {
            self.rearrange();
        }
    }

    /// From a row to what it is made of.
    fn open(&mut self) {
        let Some(id) = self.list().current().map(|entry| entry.id.clone()) else { return };
        let (view, focus) = match id {
            RowId::Process(id) => (By::Connection, Focus::Process(id)),
            RowId::Remote(ref remote) => (By::Connection, Focus::Remote(remote.clone())),
            RowId::App(ref name) => (By::Process, Focus::App(name.clone())),
            RowId::Flow(_) => return,
        };
        self.list_mut().select(Some(id));
        self.list_mut().rest();
        self.back.push((self.view, self.focus.replace(focus)));
        self.view = view;
        self.list_mut().select(None);
        self.list_mut().scroll_up();
        self.rearrange();
    }

    fn back(&mut self) {
        if let Some((view, focus)) = self.back.pop() {
            self.list_mut().rest();
            (self.view, self.focus) = (view, focus);
        } else if !self.narrow.filter.is_empty() {
            self.narrow.filter = Filter::default();
        } else if self.narrow.user.is_some() {
            self.narrow.user = None;
        } else {
            self.list_mut().select(None);
        }
        self.rearrange();
    }

    fn on_filter_key(&mut self, key: KeyEvent) {
        let Mode::Filter(editor, error) = &mut self.mode else { return };
        match key.code {
            KeyCode::Esc => {
                self.narrow.filter = Filter::default();
                self.mode = Mode::Browse;
                self.rearrange();
            }
            KeyCode::Enter if error.is_none() => self.mode = Mode::Browse,
            _ if editor.on_key(key) => match Filter::parse(&editor.text()) {
                Ok(filter) => {
                    *error = None;
                    self.narrow.filter = filter;
                    self.arrange();
                }
                Err(why) => *error = Some(why),
            },
            _ => {}
        }
    }

    fn on_help_key(&mut self, key: KeyEvent) {
        let Mode::Help(offset) = &mut self.mode else { return };
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => *offset += 1,
            KeyCode::Up | KeyCode::Char('k') => *offset = offset.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => *offset += 10,
            KeyCode::PageUp => *offset = offset.saturating_sub(10),
            KeyCode::Home | KeyCode::Char('g') => *offset = 0,
            KeyCode::End | KeyCode::Char('G') => *offset = usize::MAX / 2,
            _ => self.mode = Mode::Browse,
        }
    }

    fn on_users_key(&mut self, key: KeyEvent) {
        let Mode::Users(users) = &mut self.mode else { return };
        match key.code {
            KeyCode::Down | KeyCode::Char('j' | 'u') => users.step(1),
            KeyCode::Up | KeyCode::Char('k') => users.step(-1),
            KeyCode::PageDown => users.step(10),
            KeyCode::PageUp => users.step(-10),
            KeyCode::Home | KeyCode::Char('g') => users.step(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => users.step(isize::MAX),
            KeyCode::Enter => {
                self.narrow.user = users.picked();
                self.mode = Mode::Browse;
                self.rearrange();
            }
            KeyCode::Esc | KeyCode::Char('q') => self.mode = Mode::Browse,
            _ => {}
        }
    }
}
