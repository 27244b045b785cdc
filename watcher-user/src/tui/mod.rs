//! `watcher top` on a terminal.
//!
//! Three parts that know little of each other: [`state`] says what the screen is about and how keys and snapshots
//! change it, [`view`] draws a state, and [`run`] brings keys, snapshots and the terminal together. The screen never
//! touches what is counted: a pause, a filter or a zero is a matter of showing.

pub mod appearance;
mod labels;
mod run;
#[cfg(test)]
mod scene;
mod screen;
pub mod state;
#[cfg(test)]
mod testing;
pub mod view;

pub use run::{Options, run};
