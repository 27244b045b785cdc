//! What the aggregator promises.

mod folding;
mod lifecycles;
mod make;
mod random;
mod sums;
