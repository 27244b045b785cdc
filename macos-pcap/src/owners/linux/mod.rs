//! Owners on Linux: sockets from sock_diag(7), who holds them from /proc/PID/fd.
//!
//! A capture sees the packets of one network namespace, and so the sockets of that one are listed; the processes that hold
//! them may be anywhere. What passes through on its way to another namespace (a container's) is owned by nobody here:
//! [`System::degraded`] says when there are such.

mod diag;
mod holders;
mod lists;
mod namespace;
mod processes;
mod socket;
mod tables;

use std::collections::HashSet;
use std::io;
use std::time::Instant;

use nix::time::{ClockId, clock_gettime};
use watcher_core::{BootTime, DegradationReason, ProcessEvent, SocketInfo};

use self::{holders::Holders, lists::Lists, processes::Told, socket::Socket};
use super::{Limits, Listed, Listing, Owners, Pace, Table};
use crate::flows::Owner;

pub use namespace::Namespace;

/// Why the sockets could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither is there a socket to ask through, nor /proc/net.
    #[error("cannot open a netlink socket for sock_diag, and /proc/net cannot be read: is this a sandbox?")]
    Open(#[source] io::Error),
    /// The kernel did not answer, and /proc/net was no help.
    #[error("the kernel lists no {what} sockets, neither by sock_diag nor in /proc/net")]
    List {
        /// The protocol.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
}

/// The sockets and processes of this machine.
#[derive(Debug)]
pub struct System {
    lists: Lists,
    holders: Holders,
    told: Told,
    table: Table,
    pace: Pace,
}

impl System {
    /// Nothing is listed yet. Without root only the sockets of the own user's processes will be found to have owners.
    ///
    /// # Errors
    /// When sockets can be listed in no way, or the namespace is gone.
    pub fn open(namespace: Namespace) -> Result<Self, Error> {
        Lists::open(namespace).map(Self::of)
    }

    /// As on a kernel without sock_diag: sockets come from /proc/net.
    #[must_use]
    pub fn without_diag(namespace: Namespace) -> Self {
        Self::of(Lists::without_diag(namespace))
    }

    fn of(lists: Lists) -> Self {
        Self {
            lists,
            holders: Holders::default(),
            told: Told::default(),
            table: Table::new(Limits::default()),
            pace: Pace::default(),
        }
    }

    /// Lists the sockets, whatever that costs.
    ///
    /// # Errors
    /// When the kernel does not list them.
    pub fn list(&mut self) -> Result<(), Error> {
        let began = now();
        let sockets = self.lists.list()?;
        let inodes: Vec<u64> = sockets.iter().map(|socket| socket.inode).collect();
        for process in self.holders.find(&inodes, began) {
            self.told.tell(&process);
        }
        let sockets = sockets.iter().map(|socket| self.listed(socket)).collect();
        self.table.enter(&Listing { began, ended: now(), sockets });
        Ok(())
    }

    fn listed(&self, socket: &Socket) -> Listed {
        let Socket { protocol, local, remote, is_v6_only, inode, is_waiting } = *socket;
        let owner = match self.holders.of(inode) {
            Some(id) => Owner::Process(id),
            None if is_waiting => Owner::NotYet,
            None => Owner::Nobody,
        };
        Listed { protocol, local, remote, is_v6_only, owner }
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
        // A list that fails costs as well.
        self.pace.looked(now, began.elapsed());
        listed.map(|()| true)
    }

    fn owner(&mut self, socket: &SocketInfo, since: BootTime) -> Owner {
        self.table.owner(socket, since)
    }

    fn events(&mut self) -> Vec<ProcessEvent> {
        self.told.events(now())
    }

    fn degraded(&self) -> Vec<DegradationReason> {
        let reason = |capability: &str, why| DegradationReason { capability: capability.to_owned(), why };
        let namespaces = namespaces();
        let elsewhere = (namespaces > 1).then(|| {
            format!(
                "processes use {namespaces} network namespaces, and packets and sockets are seen in one: what the others \
                 (containers) move is not counted, or has no owner where it passes through this one"
            )
        });
        let elsewhere = elsewhere.map(|why| reason("namespaces", why));
        elsewhere.into_iter().chain(self.lists.refused().map(|why| reason("sockets", why))).collect()
    }
}

/// `CLOCK_BOOTTIME`. There is no Linux without it since 2.6.39.
fn now() -> BootTime {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |time| {
        let (seconds, nanoseconds) = (time.tv_sec().unsigned_abs(), time.tv_nsec().unsigned_abs());
        seconds * 1_000_000_000 + nanoseconds
    });
    BootTime(time)
}

/// How many network namespaces processes are in, as far as this process may see.
fn namespaces() -> usize {
    let Ok(processes) = procfs::process::all_processes() else { return 1 };
    let links = processes.filter_map(|process| std::fs::read_link(format!("/proc/{}/ns/net", process.ok()?.pid)).ok());
    links.collect::<HashSet<_>>().len()
}
