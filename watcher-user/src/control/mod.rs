//! The control socket: what a running daemon tells, and the little that it can be asked to do.
//!
//! A Unix stream socket. A client writes one request, a line of JSON; the daemon answers with one line of JSON, and the
//! next request may follow. docs/control.md is the page for readers. Nothing is pushed: whoever wants news asks again,
//! so a client that does not read costs the daemon no memory.

pub mod client;
pub mod link;
mod places;
mod protocol;
mod server;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use places::{Place, places, reach};
pub use protocol::{Answer, Ask, Reply, Request, Status, Uploads, VERSION};
pub use server::{Access, Bounds, Command, Server, Told};

/// Where root's daemon listens.
const SYSTEM: &str = "/run/watcher/control.sock";

/// Where the daemon of a state directory listens: beside its state, or in /run for the system's own.
#[must_use]
pub fn socket_path(state: &Path) -> PathBuf {
    if state == Path::new("/var/lib/watcher") { PathBuf::from(SYSTEM) } else { state.join("control.sock") }
}
