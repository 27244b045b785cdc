//! Owners on macOS: the descriptors of each process, by libproc(3). [`parse`] and the layouts are the same everywhere; only
//! the calls are macOS's.
//!
//! What has no socket is not found: Apple's frameworks may keep TCP and QUIC in user space, in channels of their own
//! (`PROX_FDTYPE_CHANNEL`). PKTAP names the processes of those packets.

mod layout;
pub mod parse;
#[cfg(test)]
mod tests;

#[cfg(target_os = "macos")]
mod calls;
#[cfg(target_os = "macos")]
mod processes;
#[cfg(target_os = "macos")]
mod system;

#[cfg(target_os = "macos")]
pub use system::{Error, System};
