//! The sockets of all processes, one process after another.

use std::io;
use std::time::Instant;

use watcher_core::{BootTime, ProcessEvent, ProcessId, SocketInfo};

use super::calls::{self, Calls};
use super::{parse, processes::Told};
use crate::flows::Owner;
use crate::owners::{Limits, Listing, Owners, Pace, Table};

/// Why the sockets could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No process could be listed.
    #[error("cannot list the processes of this machine (proc_listpids); is this a sandbox?")]
    Processes(#[source] io::Error),
}

/// The sockets and processes of this machine. Without root, those of the own user.
#[derive(Debug)]
pub struct System {
    calls: Calls,
    told: Told,
    table: Table,
    pace: Pace,
}

impl System {
    /// Nothing is listed yet.
    #[must_use]
    pub fn new() -> Self {
        let table = Table::new(Limits::default());
        Self { calls: Calls::default(), told: Told::new(), table, pace: Pace::default() }
    }

    /// Lists the sockets, whatever that costs.
    ///
    /// # Errors
    /// When the system lists no processes.
    pub fn list(&mut self) -> Result<(), Error> {
        let began = now();
        let mut sockets = Vec::new();
        for pid in self.calls.pids().map_err(Error::Processes)? {
            // One that has ended, or belongs to another user.
            let Ok(descriptors) = self.calls.descriptors(pid) else { continue };
            let descriptors: Vec<i32> = parse::sockets(descriptors).collect();
            if descriptors.is_empty() {
                continue;
            }
            let Some((id, process)) = self.told.at(pid) else { continue };
            let before = sockets.len();
            let infos = descriptors.into_iter().filter_map(|fd| calls::socket(pid, fd).ok());
            sockets.extend(infos.filter_map(|info| parse::socket(&info, Owner::Process(id))));
            if sockets.len() > before {
                self.told.tell(id, process);
            }
        }
        self.table.enter(&Listing { began, ended: now(), sockets });
        Ok(())
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Owners for System {
    type Error = Error;

    fn look(&mut self, now: BootTime) -> Result<bool, Error> {
        if !self.pace.may(now) {
            return Ok(false);
        }
        let began = Instant::now();
        let listed = self.list();
        self.pace.looked(now, began.elapsed());
        listed.map(|()| true)
    }

    fn owner(&mut self, socket: &SocketInfo, since: BootTime) -> Owner {
        self.table.owner(socket, since)
    }

    fn process(&mut self, pid: u32) -> Option<ProcessId> {
        let (id, process) = self.told.at(pid)?;
        self.told.tell(id, process);
        Some(id)
    }

    fn events(&mut self) -> Vec<ProcessEvent> {
        self.told.events(now())
    }
}

fn now() -> BootTime {
    BootTime(u64::try_from(calls::since_boot().as_nanos()).unwrap_or(u64::MAX))
}
