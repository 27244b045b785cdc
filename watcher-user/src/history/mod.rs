//! `history.db`: what used the network, for years. The daemon writes, anybody reads.
//!
//! A row is a series in one minute, hour or day: `(level, kind, at, series) → bytes`. Bytes are added to open minutes as they
//! come, one transaction per interval; a minute that is over is folded, packed and moves up, into its hour and day too when those have
//! been added up already (a clock that was set back). Each step is one transaction, so that a sum is the same before and after
//! a kill at any moment. docs/history.md says what a reader of the file may rely on.

mod error;
mod import;
mod labels;
mod migrations;
mod names;
mod open;
mod packed;
mod prune;
mod read;
mod rollup;
mod rows;
mod scan;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use error::HistoryError;
pub use import::Taken;
pub use open::{FILE, Opened, open_or_set_aside};
pub use read::History;
pub use scan::{Named, Scan, Scanned};
pub use store::{Store, Upkeep};
pub use writer::{News, Writer};
