//! Taking a history out (`watcher export`), and taking netmon's over (`watcher import`).

pub mod export;
pub mod import;
mod moment;
mod place;
mod progress;
#[cfg(test)]
mod tests;

pub use moment::moment;
pub use place::{history, netmon};
