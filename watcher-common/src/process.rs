//! The life of a process, as ring buffer records.

use crate::COMM_LEN;

/// Bytes kept of the path given to execve, the terminating NUL included.
pub const FILENAME_LEN: usize = 128;
/// Bytes kept of the argument block. A power of two, so that the verifier can see a mask as its bound.
pub const ARGS_LEN: usize = 512;

/// A process came to be. Threads are not reported.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessFork {
    /// [`crate::kind::FORK`].
    pub kind: u32,
    /// The child.
    pub tgid: u32,
    /// Its `start_boottime`.
    pub start: u64,
    /// The parent's `start_boottime`.
    pub parent_start: u64,
    /// The parent.
    pub parent_tgid: u32,
    /// Effective user id.
    pub uid: u32,
    /// Name of the program that it runs: of the parent's first thread; of one found running, of its own.
    pub comm: [u8; COMM_LEN],
    /// The forking thread's cgroup of version 2, by its id; 0 of one found running.
    pub cgroup: u64,
}

/// A process became another program.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessExec {
    /// [`crate::kind::EXEC`].
    pub kind: u32,
    /// The process.
    pub tgid: u32,
    /// Its `start_boottime` (exec keeps it).
    pub start: u64,
    /// The parent's `start_boottime`.
    pub parent_start: u64,
    /// The parent.
    pub parent_tgid: u32,
    /// Effective user id after the exec.
    pub uid: u32,
    /// The new name.
    pub comm: [u8; COMM_LEN],
    /// Its cgroup of version 2, by its id.
    pub cgroup: u64,
    /// The path that was executed, NUL-terminated.
    pub filename: [u8; FILENAME_LEN],
    /// Valid bytes in `args`.
    pub args_len: u32,
    /// Always 0.
    pub pad: u32,
    /// The arguments, each ended by NUL.
    pub args: [u8; ARGS_LEN],
}

/// The last thread of a process ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessExit {
    /// [`crate::kind::EXIT`].
    pub kind: u32,
    /// The process.
    pub tgid: u32,
    /// Its `start_boottime`.
    pub start: u64,
    /// When.
    pub at: u64,
}

const _: () = assert!(size_of::<ProcessFork>() == 56);
const _: () = assert!(size_of::<ProcessExec>() == 56 + 128 + 8 + 512);
const _: () = assert!(size_of::<ProcessExit>() == 24);
crate::pod!(ProcessFork, ProcessExec, ProcessExit);
