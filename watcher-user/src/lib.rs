//! The parts of the `watcher` binary, for the binary itself, its examples and its tests.

pub mod filter;
pub mod names;
pub mod text;
pub mod tui;
pub mod units;
