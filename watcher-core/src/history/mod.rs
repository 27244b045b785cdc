//! The history: how many bytes belonged to whom in each minute, hour and day. What is decided without IO.
//!
//! ```text
//! deltas ─► Ledger: this second ─► this minute ─► Entry … ─► (the store) minutes ─► hours ─► days
//!                        └─► Seconds: the last hour
//! ```
//!
//! The same bytes are counted along several lines, each a [`Subject`]: all together, by application, by process, by remote (of
//! an application), by user. For one [`Scope`](crate::Scope) each line adds up to the same sum, to the byte, at every level; what has no room by name
//! goes to the rest of its line ([`fold`]). A row without bytes does not exist.

mod amount;
mod calendar;
mod fold;
mod interned;
mod ledger;
mod level;
mod owners;
mod plan;
mod query;
mod seconds;
mod series;
#[cfg(test)]
mod tests;

pub use amount::Amount;
pub use calendar::{Calendar, Span};
pub use fold::{Folded, fold};
pub use ledger::{Entry, Ledger};
pub use level::Level;
pub use plan::{Held, Segment, plan};
pub use query::{
    Bin, By, Choice, Explanation, InterfaceColumns, NoSuchLine, ProcessColumns, Query, Report, Row, Sort, Step,
};
pub use seconds::Seconds;
pub use series::{Kind, OTHERS, Program, Series, Subject};
