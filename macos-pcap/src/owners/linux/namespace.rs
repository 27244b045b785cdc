//! The network namespace whose sockets are listed.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::thread;

use netlink_sys::{Socket, protocols::NETLINK_SOCK_DIAG};
use nix::sched::{CloneFlags, setns};

/// One network namespace. A capture sees the packets of one, so the sockets of one are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// That of the thread that opens it.
    Own,
    /// That of this process.
    OfProcess(u32),
}

impl Namespace {
    /// A socket in it. It stays there whichever thread uses it.
    pub(super) fn socket(self) -> io::Result<Socket> {
        let Self::OfProcess(_) = self else { return Socket::new(NETLINK_SOCK_DIAG) };
        let namespace = File::open(self.proc().join("ns/net"))?;
        // A thread of its own, which ends in that namespace: no other one ever leaves its own.
        let enter = move || {
            setns(namespace.as_fd(), CloneFlags::CLONE_NEWNET)?;
            Socket::new(NETLINK_SOCK_DIAG)
        };
        let entered = thread::Builder::new().name("netns".to_owned()).spawn(enter)?.join();
        entered.unwrap_or_else(|_| Err(io::Error::other("the thread that entered the network namespace panicked")))
    }

    /// A folder of /proc whose `net` and `ns/net` are those of the namespace.
    pub(super) fn proc(self) -> PathBuf {
        match self {
            Self::Own => PathBuf::from("/proc/thread-self"),
            Self::OfProcess(pid) => PathBuf::from(format!("/proc/{pid}")),
        }
    }
}
