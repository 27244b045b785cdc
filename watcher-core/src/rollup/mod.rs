//! The rollup: what one machine says of one window, bounded in size, and bounded in what it names.
//!
//! [`Window`] accumulates, [`Window::finish`] selects, [`Policy`] decides what may be named, and [`schema`] is everything
//! that leaves the machine. Bytes in the totals are exact always; lists hold the heaviest.
//!
//! ```text
//! Batch ─► Aggregator::apply_with ─► Window::listen(names) ─┐
//!                 process samples ─► Window::poll ──────────┴─► Window::finish(frame) ─► Rollup (≤ 32 KiB)
//! ```

mod fit;
mod glob;
mod names;
mod normalize;
pub mod privacy;
mod processes;
pub mod schema;
mod select;
mod tally;
#[cfg(test)]
mod tests;
mod window;

pub use fit::MAX_ENCODED;
pub use glob::Glob;
pub use names::Names;
pub use normalize::normalized;
pub use privacy::{Commands, Disclosed, Exclude, Policy};
pub use processes::ProcessSample;
pub use schema::{Rollup, SCHEMA_VERSION};
pub use select::{Frame, MAX_CONNECTIONS, MAX_DOMAINS, MAX_PROCESSES, Profile};
pub use window::{Limits, Listener, Window, WindowOptions};
