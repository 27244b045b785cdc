//! What the aggregator promises.

mod applications;
mod folding;
mod lifecycles;
pub mod make;
pub mod random;
mod rerating;
mod sums;
