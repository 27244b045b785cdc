//! A line of text being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Longer filters are nobody's wish.
const LIMIT: usize = 256;

/// The text, and where the next character goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Editor {
    text: Vec<char>,
    cursor: usize,
}

impl Editor {
    /// Begins with `text`, the cursor behind it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text: Vec<char> = text.chars().take(LIMIT).collect();
        Self { cursor: text.len(), text }
    }

    /// What stands there.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// What stands before the cursor, and from it on.
    #[must_use]
    pub fn split(&self) -> (String, String) {
        let (before, after) = self.text.split_at(self.cursor);
        (before.iter().collect(), after.iter().collect())
    }

    /// Takes in a key; says whether the text changed.
    pub fn on_key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if control => self.remove(0),
            KeyCode::Char('w') if control => self.remove(self.word()),
            KeyCode::Char('a') if control => self.go(0),
            KeyCode::Char('e') if control => self.go(self.text.len()),
            KeyCode::Char(c) if !control && !c.is_control() && self.text.len() < LIMIT => {
                self.text.insert(self.cursor, c);
                self.cursor += 1;
                true
            }
            KeyCode::Backspace => self.remove(self.cursor.saturating_sub(1)),
            KeyCode::Delete if self.cursor < self.text.len() => {
                self.text.remove(self.cursor);
                true
            }
            KeyCode::Left => self.go(self.cursor.saturating_sub(1)),
            KeyCode::Right => self.go((self.cursor + 1).min(self.text.len())),
            KeyCode::Home => self.go(0),
            KeyCode::End => self.go(self.text.len()),
            _ => false,
        }
    }

    fn go(&mut self, cursor: usize) -> bool {
        self.cursor = cursor;
        false
    }

    /// Takes away what stands between `from` and the cursor.
    fn remove(&mut self, from: usize) -> bool {
        let gone = self.text.drain(from..self.cursor).count();
        self.cursor = from;
        gone > 0
    }

    /// Where the word before the cursor begins.
    fn word(&self) -> usize {
        let before = &self.text[..self.cursor];
        let end = before.iter().rposition(|c| !c.is_whitespace()).map_or(0, |last| last + 1);
        before[..end].iter().rposition(|c| c.is_whitespace()).map_or(0, |space| space + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[KeyEvent]) -> String {
        let mut editor = Editor::new("two words");
        for key in keys {
            editor.on_key(*key);
        }
        let (before, after) = editor.split();
        format!("{before}|{after}")
    }

    #[test]
    fn it_edits_as_a_shell_does() {
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(typed(&[]), "two words|");
        assert_eq!(typed(&[key(KeyCode::Backspace)]), "two word|");
        assert_eq!(typed(&[key(KeyCode::Left), key(KeyCode::Left), key(KeyCode::Delete)]), "two wor|s");
        assert_eq!(typed(&[control('w')]), "two |");
        assert_eq!(typed(&[control('w'), control('w'), control('w')]), "|");
        assert_eq!(typed(&[key(KeyCode::Left), control('u')]), "|s");
        assert_eq!(typed(&[key(KeyCode::Home), key(KeyCode::Char('ä')), key(KeyCode::Backspace)]), "|two words");
        assert_eq!(typed(&[control('a'), key(KeyCode::Backspace), control('e'), key(KeyCode::Right)]), "two words|");
        assert_eq!(typed(&[control('x')]), "two words|");
    }
}
