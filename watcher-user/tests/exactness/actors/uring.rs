//! Sending and receiving through io_uring: the kernel moves the bytes, sometimes in a thread of its own that belongs to
//! this process.

use std::{io, os::fd::BorrowedFd};

use anyhow::{Result, bail};
use io_uring::{IoUring, Probe, cqueue, opcode, squeue};

use super::calls::{BYTES, MOST, RecvCall, SendCall, raw};

/// Which operation, and how.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// SEND and RECV.
    Send,
    /// WRITE and READ.
    Write,
    /// SEND and RECV, forced into a worker thread.
    Async,
    /// SEND_ZC, and plain RECV.
    ZeroCopy,
    /// SEND and multishot RECV with provided buffers.
    Multishot,
}

struct Ring {
    ring: IoUring,
    kind: Kind,
    buf: Vec<u8>,
    armed: bool,
}

pub fn sender(name: &str) -> Result<Box<dyn SendCall>> {
    Ok(Box::new(Ring::new(name)?))
}

pub fn receiver(name: &str) -> Result<Box<dyn RecvCall>> {
    Ok(Box::new(Ring::new(name)?))
}

/// Buffers for multishot receives: so many of so many bytes, in one group.
const BUFFERS: u16 = 16;
const BUFFER: usize = 1 << 16;
const GROUP: u16 = 7;

/// Whether the kernel has SEND_ZC, and with it multishot RECV: Linux 6.0 brought both, and only the first is an operation
/// that can be asked for.
pub fn has_send_zc() -> bool {
    let mut probe = Probe::new();
    let asked = IoUring::new(2).and_then(|ring| ring.submitter().register_probe(&mut probe));
    asked.is_ok() && probe.is_supported(opcode::SendZc::CODE)
}

impl Ring {
    fn new(name: &str) -> Result<Self> {
        let mut builder = IoUring::builder();
        let kind = match name {
            "uring" => Kind::Send,
            "uring-write" => Kind::Write,
            "uring-async" => Kind::Async,
            "uring-zerocopy" => Kind::ZeroCopy,
            "uring-multishot" => Kind::Multishot,
            "uring-sqpoll" => {
                builder.setup_sqpoll(100);
                Kind::Send
            }
            other => bail!("no io_uring call {other}"),
        };
        let mut ring = Self { ring: builder.build(64)?, kind, buf: vec![0; MOST], armed: false };
        if kind == Kind::Multishot {
            ring.provide(0, BUFFERS)?;
        }
        Ok(ring)
    }

    fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        // SAFETY: the buffers that entries point to belong to this Ring (or are static), and each entry is completed
        // before its buffer is touched.
        unsafe { self.ring.submission().push(entry) }.map_err(io::Error::other)
    }

    fn wait(&mut self) -> io::Result<cqueue::Entry> {
        loop {
            if let Some(done) = self.ring.completion().next() {
                return Ok(done);
            }
            self.ring.submit_and_wait(1)?;
        }
    }

    /// Runs one entry to its result.
    fn run(&mut self, entry: &squeue::Entry) -> io::Result<usize> {
        self.push(entry)?;
        let first = self.wait()?;
        let mut last = first.flags();
        while cqueue::more(last) {
            last = self.wait()?.flags();
        }
        result(first.result())
    }

    fn provide(&mut self, first: u16, n: u16) -> io::Result<()> {
        let at = self.buf[usize::from(first) * BUFFER..].as_mut_ptr();
        self.push(&opcode::ProvideBuffers::new(at, BUFFER as i32, n, GROUP, first).build().user_data(1))?;
        let mut seen = self.wait()?;
        while seen.user_data() != 1 {
            // A receive that ended meanwhile would be lost here: buffers are provided only while none is armed.
            seen = self.wait()?;
        }
        result(seen.result()).map(|_| ())
    }

    fn multishot(&mut self, fd: BorrowedFd<'_>) -> io::Result<usize> {
        if !self.armed {
            self.push(&opcode::RecvMulti::new(raw(fd), GROUP).build().user_data(2))?;
            self.armed = true;
        }
        let done = self.wait()?;
        self.armed = cqueue::more(done.flags());
        if done.result() == -libc::ENOBUFS {
            self.provide(0, BUFFERS)?;
            return self.multishot(fd);
        }
        result(done.result())
    }
}

fn result(ret: i32) -> io::Result<usize> {
    usize::try_from(ret).map_err(|_| io::Error::from_raw_os_error(-ret))
}

impl SendCall for Ring {
    fn send(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        let (at, len) = (BYTES.as_ptr(), len.min(1 << 16) as u32);
        let send = opcode::Send::new(raw(fd), at, len).flags(libc::MSG_NOSIGNAL).build();
        self.run(&match self.kind {
            Kind::Send | Kind::Multishot => send,
            Kind::Async => send.flags(squeue::Flags::ASYNC),
            Kind::Write => opcode::Write::new(raw(fd), at, len).build(),
            Kind::ZeroCopy => opcode::SendZc::new(raw(fd), at, len).build(),
        })
    }
}

impl RecvCall for Ring {
    fn recv(&mut self, fd: BorrowedFd<'_>, len: usize) -> io::Result<usize> {
        let (at, len) = (self.buf.as_mut_ptr(), len.min(MOST) as u32);
        let recv = opcode::Recv::new(raw(fd), at, len).build();
        let entry = match self.kind {
            Kind::Send | Kind::ZeroCopy => recv,
            Kind::Async => recv.flags(squeue::Flags::ASYNC),
            Kind::Write => opcode::Read::new(raw(fd), at, len).build(),
            Kind::Multishot => return self.multishot(fd),
        };
        self.run(&entry)
    }
}
