//! The system calls under test, one thin safe wrapper each, so that what an actor counts is exactly what the kernel
//! returned. Nothing here retries, loops or hides a partial result.

mod message;
mod option;
mod process;
mod tcp_info;

pub use message::{error_queue, recvfrom, recvmmsg, recvmsg, sendmmsg, sendmsg, sendto};
pub use option::{get_option, loopback_up, set_option, set_option_bytes};
pub use process::{Forked, fork, fork_as, fork_in_small_pidns, pidfd_getfd, pidfd_open, unshare};
pub use tcp_info::TcpInfo;

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
    time::Duration,
};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::patience::scaled;

/// Turns the return value of a call into a count or errno.
pub fn count(ret: isize) -> io::Result<usize> {
    usize::try_from(ret).map_err(|_| io::Error::last_os_error())
}

/// Turns the return value of a call into success or errno.
pub fn done(ret: i32) -> io::Result<()> {
    if ret < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// send(2)
pub fn send(fd: BorrowedFd<'_>, buf: &[u8], flags: i32) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a live slice.
    count(unsafe { libc::send(fd.as_raw_fd(), buf.as_ptr().cast(), buf.len(), flags | libc::MSG_NOSIGNAL) })
}

/// recv(2)
pub fn recv(fd: BorrowedFd<'_>, buf: &mut [u8], flags: i32) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a live, exclusive slice.
    count(unsafe { libc::recv(fd.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len(), flags) })
}

/// recv(2) with MSG_TRUNC on TCP: the kernel drops `len` bytes and never touches a buffer.
pub fn recv_discard(fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
    // SAFETY: with MSG_TRUNC tcp_recvmsg copies nothing; a kernel that did would answer EFAULT to the null buffer.
    count(unsafe { libc::recv(fd.as_raw_fd(), std::ptr::null_mut(), len, libc::MSG_TRUNC) })
}

/// read(2)
pub fn read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a live, exclusive slice.
    count(unsafe { libc::read(fd.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len()) })
}

/// write(2)
pub fn write(fd: BorrowedFd<'_>, buf: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a live slice.
    count(unsafe { libc::write(fd.as_raw_fd(), buf.as_ptr().cast(), buf.len()) })
}

/// readv(2) into `buf` cut into `parts` pieces.
pub fn readv(fd: BorrowedFd<'_>, buf: &mut [u8], parts: usize) -> io::Result<usize> {
    let piece = buf.len().div_ceil(parts).max(1);
    let iov: Vec<libc::iovec> =
        buf.chunks_mut(piece).map(|c| libc::iovec { iov_base: c.as_mut_ptr().cast(), iov_len: c.len() }).collect();
    // SAFETY: every iovec is a disjoint piece of one live, exclusive slice; there are few of them.
    count(unsafe { libc::readv(fd.as_raw_fd(), iov.as_ptr(), iov.len() as i32) })
}

/// writev(2) of `buf` cut into `parts` pieces.
pub fn writev(fd: BorrowedFd<'_>, buf: &[u8], parts: usize) -> io::Result<usize> {
    let iov = pieces(buf, parts);
    // SAFETY: every iovec is a piece of one live slice, which writev only reads; there are few of them.
    count(unsafe { libc::writev(fd.as_raw_fd(), iov.as_ptr(), iov.len() as i32) })
}

fn pieces(buf: &[u8], parts: usize) -> Vec<libc::iovec> {
    let piece = buf.len().div_ceil(parts).max(1);
    buf.chunks(piece).map(|c| libc::iovec { iov_base: c.as_ptr().cast_mut().cast(), iov_len: c.len() }).collect()
}

/// splice(2) without offsets.
pub fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, len: usize, flags: u32) -> io::Result<usize> {
    // SAFETY: null offsets are allowed for pipes and sockets.
    count(unsafe {
        libc::splice(from.as_raw_fd(), std::ptr::null_mut(), to.as_raw_fd(), std::ptr::null_mut(), len, flags)
    })
}

/// sendfile(2) from `offset`, which is not advanced.
pub fn sendfile(to: BorrowedFd<'_>, from: BorrowedFd<'_>, mut offset: i64, len: usize) -> io::Result<usize> {
    // SAFETY: `offset` lives across the call.
    count(unsafe { libc::sendfile(to.as_raw_fd(), from.as_raw_fd(), &raw mut offset, len) })
}

/// A file in memory of `len` zero bytes.
pub fn memory_file(len: u64) -> io::Result<OwnedFd> {
    // SAFETY: the name is a C string; the result is checked before it becomes an OwnedFd, which then owns it alone.
    let fd = unsafe {
        let fd = libc::memfd_create(c"exactness".as_ptr(), libc::MFD_CLOEXEC);
        done(fd)?;
        OwnedFd::from_raw_fd(fd)
    };
    let file = std::fs::File::from(fd);
    file.set_len(len)?;
    Ok(file.into())
}

/// poll(2) on one descriptor; what happened, or a timeout error.
pub fn poll(fd: BorrowedFd<'_>, events: i16, timeout: Duration) -> io::Result<i16> {
    let mut p = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    let ms = i32::try_from(scaled(timeout).as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one live pollfd, and its count.
    done(unsafe { libc::poll(&raw mut p, 1, ms) })?;
    if p.revents == 0 { Err(io::ErrorKind::TimedOut.into()) } else { Ok(p.revents) }
}

/// Which of two descriptors became readable first (the first wins a tie).
pub fn poll_either(a: BorrowedFd<'_>, b: BorrowedFd<'_>, timeout: Duration) -> io::Result<usize> {
    let entry = |fd: BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut p = [entry(a), entry(b)];
    let ms = i32::try_from(scaled(timeout).as_millis()).unwrap_or(i32::MAX);
    // SAFETY: two live pollfds, and their count.
    done(unsafe { libc::poll(p.as_mut_ptr(), 2, ms) })?;
    p.iter().position(|p| p.revents != 0).ok_or_else(|| io::ErrorKind::TimedOut.into())
}

/// FIONREAD: bytes in the receive queue.
pub fn unread(fd: BorrowedFd<'_>) -> io::Result<u64> {
    queue(fd, libc::FIONREAD)
}

/// SIOCOUTQ: bytes (and a FIN) in the send queue, sent and not yet acknowledged or not yet sent.
pub fn unacknowledged(fd: BorrowedFd<'_>) -> io::Result<u64> {
    queue(fd, libc::TIOCOUTQ)
}

fn queue(fd: BorrowedFd<'_>, which: libc::Ioctl) -> io::Result<u64> {
    let mut n: i32 = 0;
    // SAFETY: both of these ioctls write one int.
    done(unsafe { libc::ioctl(fd.as_raw_fd(), which, &raw mut n) })?;
    u64::try_from(n).map_err(io::Error::other)
}

/// connect(2) with AF_UNSPEC: dissolves the association of a socket.
pub fn disconnect(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: an all-zero sockaddr is valid; its family is AF_UNSPEC, and the length is its own.
    done(unsafe {
        let address: libc::sockaddr = std::mem::zeroed();
        libc::connect(fd.as_raw_fd(), &raw const address, size_of_val(&address) as u32)
    })
}

/// From now on SIGALRM only interrupts calls.
pub fn ignore_alarm() -> io::Result<()> {
    extern "C" fn nothing(_: i32) {}
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing, which is async-signal-safe.
    unsafe { sigaction(Signal::SIGALRM, &action) }?;
    Ok(())
}

/// One SIGALRM after this time.
pub fn alarm_in(time: Duration) -> io::Result<()> {
    let value = libc::timeval { tv_sec: 0, tv_usec: i64::from(time.subsec_micros()) };
    let timer = libc::itimerval { it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 }, it_value: value };
    // SAFETY: a live itimerval in, nothing out.
    done(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) })
}

/// SIGALRM ends a process that hangs. Not inherited by forked children, kept over exec.
pub fn die_after(seconds: u32) {
    // SAFETY: alarm has no preconditions.
    unsafe { libc::alarm(seconds) };
}

/// Maps a window of a TCP socket's receive queue, for TCP_ZEROCOPY_RECEIVE. Never unmapped: the process ends soon.
pub fn map_socket(fd: BorrowedFd<'_>, len: usize) -> io::Result<*mut libc::c_void> {
    // SAFETY: a fresh read-only mapping at an address that the kernel chooses.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_SHARED, fd.as_raw_fd(), 0) };
    if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(at) }
}
