//! What keys mean: one table, from which the help is made too.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::by::By;

/// Something a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Command {
    Rows(isize),
    Pages(isize),
    First,
    Last,
    Show(By),
    NextView,
    PreviousView,
    Open,
    Back,
    Filter,
    Users,
    SortNext,
    SortPrevious,
    Invert,
    SortReceived,
    SortSent,
    Tree,
    Follow,
    Hold,
    Units,
    Names,
    Loopback,
    Zero,
    Pause,
    Help,
    Quit,
}

/// Some keys, and what they do.
#[derive(Debug)]
pub struct Binding {
    /// The keys as the help writes them.
    pub keys: &'static str,
    /// What they do.
    pub does: &'static str,
    codes: &'static [(KeyCode, Command)],
}

const fn char(c: char) -> KeyCode {
    KeyCode::Char(c)
}

/// Every key in the table view.
pub static BINDINGS: &[Binding] = {
    use Command as C;
    &[
        Binding {
            keys: "arrows j k",
            does: "select a row; it stays selected wherever it moves",
            codes: &[
                (KeyCode::Down, C::Rows(1)),
                (char('j'), C::Rows(1)),
                (KeyCode::Up, C::Rows(-1)),
                (char('k'), C::Rows(-1)),
            ],
        },
        Binding {
            keys: "PgUp PgDn",
            does: "a page up or down",
            codes: &[(KeyCode::PageUp, C::Pages(-1)), (KeyCode::PageDown, C::Pages(1))],
        },
        Binding {
            keys: "g G Home End",
            does: "first, last row",
            codes: &[(char('g'), C::First), (KeyCode::Home, C::First), (char('G'), C::Last), (KeyCode::End, C::Last)],
        },
        Binding {
            keys: "Tab 1 2 3 4",
            does: "processes, connections, remotes, applications",
            codes: &[
                (KeyCode::Tab, C::NextView),
                (KeyCode::BackTab, C::PreviousView),
                (char('1'), C::Show(By::Process)),
                (char('2'), C::Show(By::Connection)),
                (char('3'), C::Show(By::Remote)),
                (char('4'), C::Show(By::App)),
            ],
        },
        Binding {
            keys: "Enter",
            does: "what a row is made of: its connections, its processes",
            codes: &[(KeyCode::Enter, C::Open)],
        },
        Binding {
            keys: "Esc",
            does: "back; else end filter, user, follow, selection",
            codes: &[(KeyCode::Esc, C::Back)],
        },
        Binding {
            keys: "/",
            does: "filter by name, pid, user, remote, port; !regex",
            codes: &[(char('/'), C::Filter)],
        },
        Binding { keys: "u", does: "only the processes of one user", codes: &[(char('u'), C::Users)] },
        Binding {
            keys: "< >",
            does: "sort by the column to the left, right",
            codes: &[(char('<'), C::SortPrevious), (char('>'), C::SortNext)],
        },
        Binding {
            keys: "r s",
            does: "sort by received, sent; again: totals, rates",
            codes: &[(char('r'), C::SortReceived), (char('s'), C::SortSent)],
        },
        Binding { keys: "I", does: "invert the order", codes: &[(char('I'), C::Invert)] },
        Binding {
            keys: "H",
            does: "hold rows in place while rates wobble: a row rises when 20 % ahead, falls after 3 intervals",
            codes: &[(char('H'), C::Hold)],
        },
        Binding { keys: "t", does: "process tree, bytes rolled up it", codes: &[(char('t'), C::Tree)] },
        Binding { keys: "F", does: "follow: keep the selected row in view", codes: &[(char('F'), C::Follow)] },
        Binding { keys: "b", does: "bits or bytes", codes: &[(char('b'), C::Units)] },
        Binding { keys: "n", does: "names or numbers of users, ports and remotes", codes: &[(char('n'), C::Names)] },
        Binding { keys: "l", does: "show or hide loopback", codes: &[(char('l'), C::Loopback)] },
        Binding { keys: "z", does: "totals from zero (counting is untouched)", codes: &[(char('z'), C::Zero)] },
        Binding {
            keys: "Space Z",
            does: "pause the screen; counting goes on",
            codes: &[(char(' '), C::Pause), (char('Z'), C::Pause)],
        },
        Binding {
            keys: "? h F1",
            does: "this help",
            codes: &[(char('?'), C::Help), (char('h'), C::Help), (KeyCode::F(1), C::Help)],
        },
        Binding { keys: "q F10 ^C", does: "quit", codes: &[(char('q'), C::Quit), (KeyCode::F(10), C::Quit)] },
    ]
};

impl Command {
    /// What a key asks for in the table view.
    #[must_use]
    pub fn of(key: KeyEvent) -> Option<Self> {
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return None;
        }
        let codes = BINDINGS.iter().flat_map(|binding| binding.codes);
        codes.into_iter().find(|(code, _)| *code == key.code).map(|(_, command)| *command)
    }
}

/// Quits from everywhere, whatever keys go to.
#[must_use]
pub fn always_quits(key: KeyEvent) -> bool {
    key.code == KeyCode::F(10)
        || (key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'C')))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_means_two_things() {
        let mut seen = HashSet::new();
        for (code, _) in BINDINGS.iter().flat_map(|binding| binding.codes) {
            assert!(seen.insert(code), "{code:?} twice");
        }
    }
}
