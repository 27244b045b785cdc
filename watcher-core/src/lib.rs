//! watcher's model: what was observed, how it adds up, and how fast it goes.
//!
//! Everything here is deterministic: no IO, no clock, no kernel. Collectors implement [`Source`] and hand over
//! [`Batch`]es of *absolute* counters; [`Aggregator`] turns them into exact running totals and rates; views
//! read a [`Snapshot`]. A view never talks to a collector, a collector never formats.

mod aggregate;
pub mod alerts;
mod application;
mod flow;
pub mod history;
pub mod insights;
pub mod interfaces;
pub mod json;
pub mod names;
mod process;
mod rerate;
pub mod rollup;
mod snapshot;
mod source;
mod time;
pub mod verify;

pub use aggregate::{Aggregator, Delta, Observer, Retention};
pub use application::{Application, NamedBy};
pub use flow::{
    CloseReason, Counters, Direction, FlowId, FlowSample, FlowState, KernelCounters, Protocol, Scope, SocketId,
    SocketInfo, TcpState, Wire,
};
pub use process::{ProcessEvent, ProcessId, ProcessInfo};
pub use snapshot::{
    AppRow, FlowRow, Lifecycles, PerScope, ProcessRow, RemoteId, RemoteRow, Snapshot, Totals, Traffic, Truth,
};
pub use source::{Batch, DegradationReason, Grade, Losses, Quality, Source};
pub use time::BootTime;
