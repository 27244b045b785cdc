//! Colours: the terminal's own sixteen, sparingly, and none where they are not welcome.

use ratatui::style::{Color, Modifier, Style};

/// Styles by meaning.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    colour: bool,
}

impl Theme {
    /// With or without colours.
    #[must_use]
    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    fn fg(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// Received bytes.
    #[must_use]
    pub fn rx(self) -> Style {
        self.fg(Color::Cyan)
    }
    /// Sent bytes.
    #[must_use]
    pub fn tx(self) -> Style {
        self.fg(Color::Magenta)
    }
    /// Sparklines.
    #[must_use]
    pub fn spark(self) -> Style {
        self.fg(Color::Blue)
    }
    /// What should be.
    #[must_use]
    pub fn good(self) -> Style {
        self.fg(Color::Green)
    }
    /// What somebody should know of.
    #[must_use]
    pub fn warn(self) -> Style {
        self.fg(Color::Yellow).add_modifier(Modifier::BOLD)
    }
    /// What should not be.
    #[must_use]
    pub fn bad(self) -> Style {
        self.fg(Color::Red).add_modifier(Modifier::BOLD)
    }
    /// Labels, zeros, what has ended.
    #[must_use]
    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
    /// What the eye should find first.
    #[must_use]
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }
    /// The selected row.
    #[must_use]
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
    /// Ordinary text.
    #[must_use]
    pub fn plain(self) -> Style {
        Style::new()
    }
}
