//! Who: processes, and what happens to them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Application, BootTime};

/// A process as the owner of bytes. The start time makes a reused pid another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// Thread group id in the initial pid namespace; 0 is the kernel itself.
    pub tgid: u32,
    /// `task_struct.group_leader->start_boottime`.
    pub start: BootTime,
}

impl ProcessId {
    /// Kernel threads and the kernel's own sockets, together.
    pub const KERNEL: Self = Self { tgid: 0, start: BootTime(0) };
}

/// What is known about a process. Names and arguments are as the process set them: hostile until made printable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// The name to show: base name of the executable, else the kernel's `comm` (15 bytes at most).
    pub name: String,
    /// The command line, arguments joined by single spaces; empty when unknown.
    pub command: String,
    /// Effective user id when last seen.
    pub uid: u32,
    /// The process that forked this one. In a [`crate::Snapshot`], once that one is forgotten: the nearest ancestor that
    /// is not.
    pub parent: Option<ProcessId>,
    /// The application that it belongs to, where the collector found one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Arc<Application>>,
}

impl ProcessInfo {
    /// The name of its application; of a process that belongs to none, its own.
    #[must_use]
    pub fn application_name(&self) -> &str {
        self.application.as_ref().map_or(&*self.name, |application| &application.name)
    }
}

/// A change in the life of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessEvent {
    /// It exists: forked, or found running. A later event for the same id replaces what is known.
    Seen {
        /// Which process.
        id: ProcessId,
        /// What is known of it now.
        info: ProcessInfo,
    },
    /// Its last thread has ended.
    Exited {
        /// Which process.
        id: ProcessId,
        /// When.
        at: BootTime,
    },
}
