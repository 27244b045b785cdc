//! The processes that run, asked of the kernel.

use std::{
    fs::File,
    io,
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
};

use aya::{Ebpf, programs::Program};
use watcher_common::ProcessFork;
use watcher_core::BootTime;

use super::{host::now_boot, iterate::read_records, raw};

/// The inode of the first PID namespace, on every machine (PROC_PID_INIT_INO, include/linux/proc_ns.h).
const FIRST: u64 = 0xEFFF_FFFC;

/// Every process that ran at one moment.
pub struct Census {
    /// Before this, all of them.
    pub at: BootTime,
    /// What the kernel said of each.
    pub running: Vec<ProcessFork>,
    /// Whether none can be left out: inside a PID namespace those outside are.
    pub whole: bool,
}

impl Census {
    /// Takes one; of nobody where the kernel cannot tell.
    pub fn take(ebpf: &Ebpf) -> io::Result<Self> {
        let at = BootTime(now_boot());
        let mut running = Vec::new();
        if let Some(Program::Iter(program)) = ebpf.program("watcher_read_tasks")
            && let Ok(fd) = program.fd()
        {
            let link = raw::iterate(fd.as_fd())?;
            read_records(File::from(raw::run_iterator(link.as_fd())?), |fork| running.push(fork))?;
        }
        // One that nobody has waited for yet is listed, and its end will not be told again.
        running.retain(|task: &ProcessFork| !raw::has_ended(task.tgid));
        // Without a list nobody is known to have ended.
        let whole = !running.is_empty() && is_in_first_namespace();
        Ok(Self { at, running, whole })
    }
}

fn is_in_first_namespace() -> bool {
    std::fs::metadata("/proc/self/ns/pid").is_ok_and(|namespace| namespace.ino() == FIRST)
}
