//! The eBPF object: with what it is built, how, and what is recorded about it.

pub mod build;
pub mod manifest;
pub mod toolchain;
pub mod wrapper;
