//! Whose a socket is: asked of the operating system, because packets do not say.
//!
//! A packet is seen before or after its socket can be listed, and a short connection may be gone when anybody looks. So the
//! table is listed again when a flow of unknown owner shows up, what was learnt stays for a while after its socket has
//! closed, and what a listener accepts is the listener's until more is known.

#[cfg(target_os = "linux")]
pub mod linux;
mod listing;
pub mod macos;
mod nobody;
mod pace;
mod table;
#[cfg(test)]
mod tests;

pub use listing::{Listed, Listing};
pub use pace::Pace;
pub use table::{Limits, Table};

use watcher_core::{BootTime, DegradationReason, ProcessEvent, ProcessId, SocketInfo};

use crate::flows::Owner;
pub use nobody::Nobody;

/// What can tell the owners of sockets.
pub trait Owners {
    /// Why the sockets could not be listed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// There are flows whose owner is not known: lists the machine's sockets again, unless that was done so lately that it
    /// would cost more of a core than it may. Whether it was done.
    ///
    /// # Errors
    /// When the system lets nobody list them.
    fn look(&mut self, now: BootTime) -> Result<bool, Self::Error>;

    /// Whose this is, after everything that was listed so far. `since` is when its first packet was seen: while no listing is
    /// younger than that the answer is [`Owner::NotYet`] rather than [`Owner::Nobody`].
    fn owner(&mut self, socket: &SocketInfo, since: BootTime) -> Owner;

    /// Who has this pid now, which a packet named. `None` where that cannot be told any more.
    fn process(&mut self, _pid: u32) -> Option<ProcessId> {
        None
    }

    /// Processes that appeared, changed their program or ended since the last call: each that [`Owners::owner`] or
    /// [`Owners::process`] names comes
    /// first.
    fn events(&mut self) -> Vec<ProcessEvent>;

    /// Why not every flow will have an owner.
    fn degraded(&self) -> Vec<DegradationReason> {
        Vec::new()
    }
}
