//! The owners of packets, with the names and applications that the eBPF collector would give them.

use macos_pcap::flows::Owner;
use macos_pcap::owners::Owners;
use macos_pcap::owners::linux::{Error, Namespace, System};
use watcher_core::{BootTime, DegradationReason, ProcessEvent, SocketInfo};

use super::processes::Processes;

/// Sockets of this thread's network namespace, and the processes that hold them.
#[derive(Debug)]
pub struct Sockets {
    system: System,
    processes: Processes,
}

impl Sockets {
    /// Nothing is listed yet.
    ///
    /// # Errors
    /// The kernel gives no socket to ask through.
    pub fn open() -> Result<Self, Error> {
        Ok(Self { system: System::open(Namespace::Own)?, processes: Processes::default() })
    }
}

impl Owners for Sockets {
    type Error = Error;

    fn look(&mut self, now: BootTime) -> Result<bool, Error> {
        self.system.look(now)
    }

    fn owner(&mut self, socket: &SocketInfo, since: BootTime) -> Owner {
        self.system.owner(socket, since)
    }

    fn events(&mut self) -> Vec<ProcessEvent> {
        self.processes.refine(self.system.events())
    }
    fn degraded(&self) -> Vec<DegradationReason> {
        self.system.degraded()
    }
}
