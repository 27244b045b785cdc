//! What watcher gives up once it counts: capabilities, dangerous system calls, writing outside its state directory.
//!
//! ```text
//! prepare()        no new privileges; the Landlock rules are made; the programs are loaded after it
//! seal_thread()    each thread but the one that collects: no capability at all, Landlock
//! close()          the collecting thread: the capabilities it needs; every thread: the filter for system calls
//! ```
//! The collecting thread is not under Landlock: a thread in a domain of Landlock may not look at processes outside of it
//! as ptrace(2) would, and `/proc/PID/exe` and `/proc/PID/fd`, by which applications and old sockets are named, ask that.
//! What a kernel does not have is said, and the rest is done.

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod capabilities;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub use linux::{before_packets, close, prepare, seal_thread};

/// What is in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InForce {
    /// The capabilities that the collecting thread holds. Other threads hold none.
    pub capabilities: Vec<String>,
    /// Dangerous system calls fail, in all threads.
    pub calls: bool,
    /// Threads other than the collecting one write below the state directory only.
    pub files: bool,
    /// What could not be had, and why.
    pub missing: Vec<String>,
}

impl std::fmt::Display for InForce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kept = if self.capabilities.is_empty() { "none".to_owned() } else { self.capabilities.join(" ") };
        write!(f, "capabilities: {kept}")?;
        f.write_str(if self.calls { "; system calls filtered" } else { "; system calls not filtered" })?;
        f.write_str(if self.files { "; files by Landlock" } else { "; files not restricted" })
    }
}

/// Nothing to do.
#[cfg(not(target_os = "linux"))]
pub fn seal_thread() {}

/// What there is to close elsewhere: nothing.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn prepare(_: Option<&std::path::Path>) -> InForce {
    InForce { missing: vec!["this system has none of it".to_owned()], ..InForce::default() }
}

/// Nothing to do.
#[cfg(not(target_os = "linux"))]
pub fn close(_: &mut InForce, _: bool) {}
