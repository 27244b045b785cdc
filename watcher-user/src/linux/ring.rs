//! Draining a ring buffer: with each reading, and before when the programs say that it fills up. That in a thread of its own:
//! while the counters are read, and while a screen is drawn, connections go on to end.

use std::{
    io,
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use aya::maps::{MapData, RingBuf};
use nix::{
    errno::Errno,
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
        eventfd::{EfdFlags, EventFd},
    },
};
use watcher_common::{ProcessExec, ProcessExit, ProcessFork, SocketRecord, kind};

use super::raw::record;

/// Records taken out and not yet collected. Beyond it the ring fills up, and the programs keep bytes without detail.
const MOST: usize = 1 << 18;

/// What lay in the ring, in order.
#[derive(Default)]
pub struct Drained {
    /// Final socket records.
    pub sockets: Vec<SocketRecord>,
    /// Forks and execs.
    pub births: Vec<Birth>,
    /// Ends.
    pub exits: Vec<ProcessExit>,
    /// Records of a kind or size that is not known: a fault, never expected.
    pub malformed: u64,
}

/// A process that came to be, or became another program.
pub enum Birth {
    /// Forked, or found running.
    Fork(ProcessFork),
    /// Executed a program.
    Exec(Box<ProcessExec>),
}

/// What is made of the records of a ring.
pub trait Sink: Default + Send + 'static {
    /// What is collected.
    type Taken;
    /// Hands over what has come since the last time.
    fn take(&mut self) -> Self::Taken;
    /// Takes in one record.
    fn take_in(&mut self, bytes: &[u8]);
    /// Enough was taken out and not collected: beyond it the ring fills up.
    fn is_full(&self) -> bool;
}

impl Drained {
    fn len(&self) -> usize {
        self.sockets.len() + self.births.len() + self.exits.len()
    }
}

impl Sink for Drained {
    type Taken = Self;

    fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    fn is_full(&self) -> bool {
        self.len() >= MOST
    }

    fn take_in(&mut self, bytes: &[u8]) {
        let known = match record::<u32>(bytes) {
            Some(kind::SOCKET) => record(bytes).map(|r| self.sockets.push(r)),
            Some(kind::FORK) => record(bytes).map(|r| self.births.push(Birth::Fork(r))),
            Some(kind::EXEC) => record(bytes).map(|r| self.births.push(Birth::Exec(Box::new(r)))),
            Some(kind::EXIT) => record(bytes).map(|r| self.exits.push(r)),
            _ => None,
        };
        if known.is_none() {
            self.malformed += 1;
        }
    }
}

/// What the thread is woken for.
const RING: u64 = 0;
const STOP: u64 = 1;

struct Inner<D> {
    ring: RingBuf<MapData>,
    drained: D,
}

impl<D: Sink> Inner<D> {
    fn drain(&mut self) {
        while !self.drained.is_full() {
            let Some(item) = self.ring.next() else { return };
            self.drained.take_in(&item);
        }
    }
}

/// A ring buffer and what was taken out of it so far.
pub struct Ring<D> {
    inner: Arc<Mutex<Inner<D>>>,
    stop: EventFd,
    pump: Option<JoinHandle<()>>,
}

impl<D: Sink> Ring<D> {
    /// Starts draining in the background.
    ///
    /// # Errors
    /// When there are no descriptors or threads left.
    pub fn start(ring: RingBuf<MapData>) -> io::Result<Self> {
        let stop = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?;
        let woken = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        // By the edge: only when the programs wake. By level, every record that comes after a drain would.
        woken.add(ring.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, RING))?;
        woken.add(&stop, EpollEvent::new(EpollFlags::EPOLLIN, STOP))?;
        let inner = Arc::new(Mutex::new(Inner { ring, drained: D::default() }));
        let pump = std::thread::Builder::new().name("ring".to_owned()).spawn({
            let inner = Arc::clone(&inner);
            move || {
                crate::sandbox::seal_thread();
                pump(&woken, &inner);
            }
        })?;
        Ok(Self { inner, stop, pump: Some(pump) })
    }

    /// Everything that is there now.
    pub fn take(&self) -> D::Taken {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.drain();
        inner.drained.take()
    }
}

impl<D> Drop for Ring<D> {
    fn drop(&mut self) {
        // An eventfd that nothing was written to takes a one; a thread that cannot be told is not waited for.
        if self.stop.write(1).is_ok()
            && let Some(pump) = self.pump.take()
        {
            drop(pump.join());
        }
    }
}

fn pump<D: Sink>(woken: &Epoll, inner: &Mutex<Inner<D>>) {
    let mut events = [EpollEvent::empty(); 2];
    loop {
        let n = match woken.wait(&mut events, EpollTimeout::NONE) {
            Ok(n) => n,
            Err(Errno::EINTR) => 0,
            // Who takes drains it, too.
            Err(_) => return,
        };
        if events[..n].iter().any(|event| event.data() == STOP) {
            return;
        }
        inner.lock().unwrap_or_else(PoisonError::into_inner).drain();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_record_are_counted_and_do_no_harm() {
        let mut drained = Drained::default();
        drained.take_in(&[]);
        drained.take_in(&[1, 0, 0, 0]);
        drained.take_in(&[9; 400]);
        assert_eq!((drained.len(), drained.malformed), (0, 3));
        let mut exit = vec![0u8; size_of::<ProcessExit>()];
        exit[..4].copy_from_slice(&kind::EXIT.to_ne_bytes());
        drained.take_in(&exit);
        assert_eq!(drained.exits.len(), 1);
    }
}
