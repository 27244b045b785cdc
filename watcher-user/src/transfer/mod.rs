//! Taking a history out (`watcher export`), and taking netmon's over (`watcher import`).

pub mod export;
pub mod import;
mod place;
mod progress;
#[cfg(test)]
mod tests;

pub use place::{history, netmon};
