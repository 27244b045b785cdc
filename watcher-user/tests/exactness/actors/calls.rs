//! The ways to send and to receive, by name. Each returns what the kernel returned, except where its comment says why not.

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
    time::Duration,
};

use anyhow::{Result, bail};

use super::{tls, uring};
use crate::sys;

/// The most that one call is asked to move, except by calls without a buffer.
pub const MOST: usize = 1 << 20;

/// What senders send.
pub static BYTES: [u8; MOST] = [b'x'; MOST];

/// A way to send.
pub trait SendCall {
    /// Sends up to `len` bytes in one call.
    fn send(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize>;
}

/// A way to receive.
pub trait RecvCall {
    /// Receives up to `len` bytes in one call; 0 is the end.
    fn recv(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize>;
}

impl<F: FnMut(BorrowedFd<'_>, &[u8]) -> io::Result<usize>> SendCall for F {
    fn send(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        self(fd, &BYTES[..len.min(MOST)])
    }
}

/// A receiving call with a buffer of its own.
struct Into<F>(Vec<u8>, F);

impl<F: FnMut(BorrowedFd<'_>, &mut [u8]) -> io::Result<usize>> RecvCall for Into<F> {
    fn recv(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        let len = len.min(MOST);
        self.1(fd, &mut self.0[..len])
    }
}

/// A receiving call with a buffer.
pub fn into<F: FnMut(BorrowedFd<'_>, &mut [u8]) -> io::Result<usize> + 'static>(call: F) -> Box<dyn RecvCall> {
    Box::new(Into(vec![0; MOST], call))
}

/// `name` is `call` for both directions or `sending/receiving`.
pub fn pair(name: &str) -> Result<(Box<dyn SendCall>, Box<dyn RecvCall>)> {
    let (tx, rx) = name.split_once('/').unwrap_or((name, name));
    Ok((sender(tx)?, receiver(rx)?))
}

fn sender(name: &str) -> Result<Box<dyn SendCall>> {
    Ok(match name {
        "send" | "peek" | "trunc" | "waitall" => Box::new(|fd: BorrowedFd<'_>, buf: &[u8]| sys::send(fd, buf, 0)),
        "write" => Box::new(|fd: BorrowedFd<'_>, buf: &[u8]| sys::write(fd, buf)),
        "msg" => Box::new(|fd: BorrowedFd<'_>, buf: &[u8]| sys::sendmsg(fd, buf, None, 0)),
        "mmsg" => {
            Box::new(|fd: BorrowedFd<'_>, buf: &[u8]| Ok(sys::sendmmsg(fd, buf, 3.min(buf.len()), &[])?.iter().sum()))
        }
        "vectored" => Box::new(|fd: BorrowedFd<'_>, buf: &[u8]| sys::writev(fd, buf, 3)),
        "sendfile" => Box::new(Sendfile(sys::memory_file(Sendfile::LEN as u64)?)),
        "splice" => Box::new(Splice::new()?),
        "tls" => tls::sender(),
        "zerocopy" => Box::new(Zerocopy { completed: 0, sent: 0 }),
        name if name.starts_with("uring") => return uring::sender(name),
        other => bail!("no sending call {other}"),
    })
}

fn receiver(name: &str) -> Result<Box<dyn RecvCall>> {
    Ok(match name {
        "send" | "recv" | "sendfile" | "zerocopy" => into(|fd, buf| sys::recv(fd, buf, 0)),
        "write" | "read" => into(sys::read),
        "msg" => into(|fd, buf| Ok(sys::recvmsg(fd, buf, 0)?.len)),
        "mmsg" => into(|fd, buf| Ok(sys::recvmmsg(fd, buf, 3, false)?.iter().map(|m| m.0).sum())),
        "vectored" => into(|fd, buf| sys::readv(fd, buf, 3)),
        "waitall" => into(|fd, buf| sys::recv(fd, buf, libc::MSG_WAITALL)),
        "peek" => into(peek_then_recv),
        "trunc" => Box::new(Discard),
        "splice" => Box::new(Splice::new()?),
        "tls" => tls::receiver(),
        name if name.starts_with("uring") => return uring::receiver(name),
        other => bail!("no receiving call {other}"),
    })
}

/// Looks twice, by two calls, before it takes: the looks are no receives.
fn peek_then_recv(fd: BorrowedFd<'_>, buf: &mut [u8]) -> io::Result<usize> {
    sys::recv(fd, buf, libc::MSG_PEEK)?;
    sys::recvmsg(fd, buf, libc::MSG_PEEK | libc::MSG_TRUNC)?;
    sys::recv(fd, buf, 0)
}

/// MSG_TRUNC on a stream: bytes leave the queue and are copied nowhere.
struct Discard;

impl RecvCall for Discard {
    fn recv(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        sys::recv_discard(fd, len)
    }
}

struct Sendfile(OwnedFd);

impl Sendfile {
    const LEN: usize = 1 << 30;
}

impl SendCall for Sendfile {
    fn send(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        sys::sendfile(fd, self.0.as_fd(), 0, len.min(Self::LEN))
    }
}

/// Through a pipe. What counts is what moved between pipe and socket.
pub struct Splice {
    read: OwnedFd,
    write: OwnedFd,
    scratch: Vec<u8>,
}

impl Splice {
    /// A way through a new pipe.
    pub fn new() -> Result<Self> {
        let (read, write) = nix::unistd::pipe()?;
        Ok(Self { read, write, scratch: vec![0; 1 << 16] })
    }

    fn drain(&mut self, mut len: usize) -> io::Result<()> {
        while len > 0 {
            len -= sys::read(self.read.as_fd(), &mut self.scratch)?;
        }
        Ok(())
    }
}

impl SendCall for Splice {
    fn send(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        let len = sys::write(self.write.as_fd(), &BYTES[..len.min(1 << 16)])?;
        let mut moved = 0;
        while moved < len {
            moved += sys::splice(self.read.as_fd(), fd, len - moved, 0)?;
        }
        Ok(moved)
    }
}

impl RecvCall for Splice {
    fn recv(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        let moved = sys::splice(fd, self.write.as_fd(), len.min(1 << 16), 0)?;
        self.drain(moved)?;
        Ok(moved)
    }
}

/// include/uapi/linux/errqueue.h; libc lacks it.
const SO_EE_ORIGIN_ZEROCOPY: u8 = 5;

/// MSG_ZEROCOPY, and its completion notices out of the error queue, which are no receives.
struct Zerocopy {
    completed: u32,
    sent: u32,
}

impl SendCall for Zerocopy {
    fn send(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        sys::set_option(fd, libc::SOL_SOCKET, libc::SO_ZEROCOPY, 1)?;
        let sent = sys::send(fd, &BYTES[..len.min(1 << 16)], libc::MSG_ZEROCOPY)?;
        self.sent += 1;
        while self.completed < self.sent {
            sys::poll(fd, 0, Duration::from_secs(20))?;
            self.reap(fd)?;
        }
        Ok(sent)
    }
}

impl Zerocopy {
    fn reap(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        let (ranges, _) = sys::error_queue(fd)?;
        for e in ranges.iter().filter(|e| e.ee_origin == SO_EE_ORIGIN_ZEROCOPY) {
            self.completed = self.completed.max(e.ee_data + 1);
        }
        Ok(())
    }
}

/// How a descriptor is named to the kernel in an io_uring entry.
pub fn raw(fd: BorrowedFd<'_>) -> io_uring::types::Fd {
    io_uring::types::Fd(fd.as_raw_fd())
}
