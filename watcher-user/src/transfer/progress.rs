//! How far it is, on a terminal.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::{Duration, Instant},
};

/// How often the line is written anew; nothing is said of what takes no longer.
const EVERY: Duration = Duration::from_millis(500);

/// One line on standard error, where that is a terminal.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    written: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    /// Nothing is written yet.
    pub fn new() -> Self {
        Self { began: Instant::now(), written: None, is_terminal: stderr().is_terminal() }
    }

    /// `rows` are done, `share` of all, from 0 to 1.
    pub fn at(&mut self, rows: u64, share: f64) {
        if !self.is_terminal || self.written.unwrap_or(self.began).elapsed() < EVERY {
            return;
        }
        self.written = Some(Instant::now());
        let left = self.began.elapsed().as_secs_f64() * (1.0 - share) / share;
        let left = if share > 0.01 { format!(", {left:.0} s left") } else { String::new() };
        // A line less on a terminal that has gone is no loss.
        write!(stderr(), "\r{rows} rows, {:.0} %{left}\x1b[K", share * 100.0).ok();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.written.is_some() {
            write!(stderr(), "\r\x1b[K").ok();
        }
    }
}
