//! One rule per file. Each says what it read, and nothing where it is not sure.

pub mod bundle;
pub mod container;
pub mod desktop;
pub mod helper;
pub mod script;
pub mod unit;
