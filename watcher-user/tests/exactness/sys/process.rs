//! Processes: fork, namespaces, and taking a descriptor out of another process.

use std::{
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
};

use nix::{
    sched::CloneFlags,
    sys::wait::{WaitStatus, waitpid},
    unistd::{ForkResult, Pid},
};

use super::done;

/// Runs `child` in a forked process, which then ends with `_exit`. The caller must not have started threads.
pub fn fork(child: impl FnOnce() -> i32) -> io::Result<Forked> {
    // SAFETY: actors fork before they start a thread, so no lock can be held by a thread that the child lacks.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Forked(child)),
        ForkResult::Child => leave(child),
    }
}

/// The same in a process of the caller's choice of pid, which must be free. Forks by clone3(2), so the child may use no more of the
/// C library than a forked child of a program with one thread may.
pub fn fork_as(pid: Pid, child: impl FnOnce() -> i32) -> io::Result<Forked> {
    let wanted = pid.as_raw();
    // SAFETY: all of it are numbers, of which 0 asks for nothing.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.exit_signal = libc::SIGCHLD as u64;
    args.set_tid = (&raw const wanted).expose_provenance() as u64;
    args.set_tid_size = 1;
    // SAFETY: without CLONE_VM this is a fork: see there. `args` and the pid that it points to outlive the call.
    let ret = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) };
    match i32::try_from(ret).map_err(io::Error::other)? {
        0 => leave(child),
        forked => done(forked).map(|()| Forked(Pid::from_raw(forked))),
    }
}

/// Forks the first process of a PID namespace that has so many pids. As a user who may not set the machine's `pid_max`: where it is
/// not one of each namespace (before Linux 6.14), this fails.
pub fn fork_in_small_pidns(most: &str, child: impl FnOnce() -> i32) -> io::Result<Forked> {
    const NOBODY: u32 = 65_534;
    nix::unistd::setgid(NOBODY.into())?;
    nix::unistd::setuid(NOBODY.into())?;
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWPID)?;
    fork(|| match std::fs::write("/proc/sys/kernel/pid_max", most) {
        Ok(()) => child(),
        Err(e) => {
            eprintln!("pid_max of a namespace: {e}");
            1
        }
    })
}

fn leave(child: impl FnOnce() -> i32) -> ! {
    super::die_after(crate::actors::lifetime());
    let code = child();
    // SAFETY: ends this process at once; nothing of the parent's is run (destructors, atexit).
    unsafe { libc::_exit(code) }
}

/// A forked child that has not been waited for.
#[must_use]
#[derive(Debug, Clone, Copy)]
pub struct Forked(pub Pid);

impl Forked {
    /// Waits; an error unless it ended with 0.
    pub fn join(self) -> io::Result<()> {
        match waitpid(self.0, None)? {
            WaitStatus::Exited(_, 0) => Ok(()),
            other => Err(io::Error::other(format!("forked child: {other:?}"))),
        }
    }
}

/// unshare(2)
pub fn unshare(flags: CloneFlags) -> io::Result<()> {
    Ok(nix::sched::unshare(flags)?)
}

/// pidfd_open(2)
pub fn pidfd_open(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: plain integers in; the result is checked, and owned by nobody else.
    unsafe { owned(libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0)) }
}

/// pidfd_getfd(2)
pub fn pidfd_getfd(pidfd: &OwnedFd, fd: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain integers in; the result is checked, and owned by nobody else.
    unsafe { owned(libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), fd, 0)) }
}

/// # Safety
/// `ret` must be a new descriptor that nobody else owns, or an error.
unsafe fn owned(ret: libc::c_long) -> io::Result<OwnedFd> {
    let fd = i32::try_from(ret).map_err(io::Error::other)?;
    done(fd)?;
    // SAFETY: the caller's promise.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
