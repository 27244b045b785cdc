//! What a row of a table stands for.

use clap::ValueEnum;

/// The four tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, ValueEnum)]
pub enum By {
    /// One row per process.
    #[default]
    Process,
    /// One row per program name.
    App,
    /// One row per connection.
    Connection,
    /// One row per remote address.
    Remote,
}

impl By {
    /// As the command line writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::App => "app",
            Self::Connection => "connection",
            Self::Remote => "remote",
        }
    }
}
