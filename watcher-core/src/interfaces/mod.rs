//! Interfaces: what the kernel counted on each, which of them make up the total, and what processes explain of them.
//!
//! [`Link`]s are what the kernel says. [`standing`] decides which of them are in the total, so that no byte is in it
//! twice, and why the others are apart. [`Counters`] turns absolute counters into what moved; [`Attributed`] listens to
//! an aggregator and adds up payload by the interface that owns the local address; [`Table`] puts the two side by side.
//! Nothing here asks the kernel anything.

mod attributed;
mod counters;
mod kind;
mod link;
mod standing;
mod table;
#[cfg(test)]
mod tests;

pub use attributed::{Attributed, Explained};
pub use counters::{Counters, Moved};
pub use kind::Kind;
pub use link::{Bytes, Link, Reading, Since, Survey};
pub use standing::{Why, standing};
pub use table::{Other, Row, Table, Total};
