//! Alerts in the daemon: the rules of the configuration at work, what they cause, and `watcher alerts`, which shows both.
//!
//! The arithmetic is core's ([`watcher_core::alerts`]). What an alert causes happens on a thread of its own (`acting.rs`), with
//! bounds: neither a session bus that hangs nor a command that never ends holds up counting. Names of applications and domains
//! are others' words: they reach a command in its environment only, and the log and the desktop made printable.

mod acting;
mod command;
mod desktop;
mod dry;
mod helper;
mod keeper;
mod remote;
mod view;
mod watching;
mod words;

#[cfg(test)]
mod tests;

pub use acting::{Actor, Deed, Limits};
pub use dry::run as dry_run;
pub use helper::Helper;
pub use keeper::{FILE, Keeper};
pub use view::run;
pub use watching::{Listed, Watching};
