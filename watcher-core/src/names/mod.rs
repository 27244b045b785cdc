//! Who is at the other end: names that the flows themselves showed.
//!
//! A collector hands over [`Head`]s, copies of the first bytes of flows. What they say is read by pure functions over bytes
//! ([`parse`]); nothing here asks anybody anything.

/// Bytes that real programs sent, from `fixtures/`; its README tells how they were made.
#[cfg(test)]
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/", $name)).as_slice()
    };
}

mod answers;
mod book;
mod conversation;
mod directory;
mod head;
mod known;
mod label;
mod name;
mod numbers;
pub mod parse;
mod public;
mod queries;
mod reader;
mod registrable;
mod reverse;
mod shown;
mod stream;
#[cfg(test)]
pub(crate) mod testing;

pub use answers::Answers;
pub use conversation::Conversation;
pub use directory::Directory;
pub use head::{Head, Transport, Way};
pub use known::Known;
pub use label::{Label, Observed, label};
pub use name::{Name, NameSource};
pub use public::is_public;
pub use queries::{Carried, Carrier, NoAnswer, Queries, Query};
pub use reader::{Heard, Reader};
pub use reverse::{Failed, Reverse};
pub use shown::{Shown, Tls, TlsVersion};
pub use stream::Stream;
