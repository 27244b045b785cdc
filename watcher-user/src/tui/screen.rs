//! The terminal: taken over, and given back whatever happens.

use std::io::{self, IsTerminal};

use anyhow::Context;
use ratatui::DefaultTerminal;

/// The alternate screen in raw mode. Dropping it gives the terminal back; so does a panic, before its message.
#[derive(Debug)]
pub struct Screen {
    /// What to draw on.
    pub terminal: DefaultTerminal,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// Standard output is no terminal, or does not let itself be set up.
    pub fn open() -> anyhow::Result<Self> {
        anyhow::ensure!(io::stdout().is_terminal(), "standard output is no terminal; use --plain or --json");
        let terminal = ratatui::try_init()
            .inspect_err(|_| ratatui::restore())
            .context("cannot take over the terminal; use --plain or --json")?;
        Ok(Self { terminal })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The hook has done it already; leaving the alternate screen twice would put the prompt over the message.
        if std::thread::panicking() {
            return;
        }
        let _ = self.terminal.show_cursor();
        // Nobody is left to tell when the terminal is gone.
        let _: io::Result<()> = ratatui::try_restore();
    }
}
