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

mod conversation;
mod head;
mod label;
mod name;
pub mod parse;
mod shown;
mod stream;

pub use conversation::Conversation;
pub use head::{Head, Transport, Way};
pub use label::{Label, Observed, label};
pub use name::{Name, NameSource};
pub use shown::{Shown, Tls, TlsVersion};
pub use stream::Stream;
