//! What the kernel counted for its own purposes beside what the calls add up to: pure arithmetic, no IO.
//!
//! [`Counted`] listens to an aggregator: it is the side of the calls. [`Network`] and [`Diag`] are what the kernel says
//! of a network namespace and of its TCP sockets. Neither side can be read at one moment with the other, so each figure
//! of the kernel's is read before and after the calls' and becomes a [`Span`]; where nothing moves meanwhile, both ends are
//! equal and so must the figures be. [`sockets`] and [`namespace`] compare; docs/verify.md has the equations for readers.

mod counted;
mod diag;
mod network;
mod payload;
mod sockets;
mod span;
mod standing;
#[cfg(test)]
mod tests;
mod verdict;

pub use counted::{Counted, Open};
pub use diag::Diag;
pub use network::{NamespaceReport, Side, namespace};
pub use payload::{Calls, Culprit, Ended, Payload, Program};
pub use sockets::{OpenReport, Question, Still, sockets};
pub use span::Span;
pub use standing::{Device, Network, Packets, Standing};
pub use verdict::{Verdict, share};
