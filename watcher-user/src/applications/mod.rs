//! What a person calls a process: the container, desktop entry, unit, script or program that it is.
//!
//! `rules/` are pure functions over [`Facts`], one per file; [`name`] has their order. What a rule must look up (the name of
//! a container, the `Name=` of a desktop entry) it asks of [`Books`], which reads files of this machine, bounded, and never
//! asks anybody. A rule that is not sure names nothing: no name is clipped, improved or invented.

mod books;
mod containers;
mod decide;
mod desktop;
mod facts;
mod intern;
mod rules;
#[cfg(test)]
mod tests;

pub use books::Books;
pub use decide::name;
pub use facts::{Facts, Parent};
pub use intern::Interned;
