//! The parts of the `watcher` binary, for the binary itself, its examples and its tests.

pub mod agent;
pub mod by;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connections;
pub mod control;
pub mod filter;
pub mod hardware;
pub mod identity;
pub mod insights;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod samples;
pub mod services;
pub mod setup;
pub mod sort;
pub mod summary;
pub mod table;
pub mod text;
pub mod top;
pub mod tui;
pub mod units;
pub mod upload;
pub mod users;
pub mod wording;
