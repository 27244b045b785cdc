//! What must hold of interfaces, with no kernel.

mod attributing;
mod counting;
mod make;
mod places;
