//! `watcher import`: netmon's database becomes a part of the history, all of it marked estimated. docs/export.md says what of it.

mod interfaces;
mod minutes;
mod netmon;
mod outcome;
mod run;

pub use netmon::NetmonError;
pub use outcome::{Outcome, Reason, Table};
pub use run::{Import, run};
