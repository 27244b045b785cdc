//! The interfaces of this machine, from its kernel. What is made of them is [`watcher_core::interfaces`].
//!
//! Linux: rtnetlink(7), with 64-bit counters. macOS: the interface list of sysctl(3), through `sysinfo`.

#[cfg(any(target_os = "macos", test))]
mod apple;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "macos")]
pub use self::apple::Reader;
#[cfg(target_os = "linux")]
pub use self::linux::Reader;

/// Why the kernel's interfaces could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No way to ask.
    #[error("cannot ask the kernel for its interfaces")]
    Open(#[source] std::io::Error),
    /// The question did not get through, or no answer came.
    #[error("cannot ask the kernel for its {what}")]
    Ask {
        /// Links, addresses or routes.
        what: &'static str,
        /// What the socket said.
        source: std::io::Error,
    },
    /// The answer is not what rtnetlink(7) says.
    #[error("the kernel's list of {what} cannot be read: {why}")]
    Malformed {
        /// Links, addresses or routes.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Interfaces come and go faster than they can be listed.
    #[error("the kernel's list of {what} changed during each of {tries} readings: try again")]
    Unsteady {
        /// Links, addresses or routes.
        what: &'static str,
        /// How often it was read.
        tries: u32,
    },
}
