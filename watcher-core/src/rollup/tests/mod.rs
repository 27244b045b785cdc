//! What a window promises.

mod make;
mod privacy;
mod protocols;
mod schema;
mod selection;
mod size;
mod sums;
