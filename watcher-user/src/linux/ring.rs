//! Draining a ring buffer: on a timer, and early when the programs say that it fills up.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aya::maps::{MapData, RingBuf};
use tokio::io::unix::AsyncFd;
use watcher_common::{ProcessExec, ProcessExit, ProcessFork, SocketRecord, kind};

use super::raw::record;

/// How long a record may lie in the ring.
const TICK: Duration = Duration::from_millis(200);
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
    pump: tokio::task::JoinHandle<()>,
}

impl<D: Sink> Ring<D> {
    /// Starts draining in the background. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the descriptor cannot be watched.
    pub fn start(ring: RingBuf<MapData>) -> io::Result<Self> {
        let fd = ring.as_fd().try_clone_to_owned()?;
        let inner = Arc::new(Mutex::new(Inner { ring, drained: D::default() }));
        // SAFETY: the registration owns the descriptor.
        let fd = unsafe { AsyncFd::register(fd) }?;
        let pump = tokio::spawn(pump(fd, Arc::clone(&inner)));
        Ok(Self { inner, pump })
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
        self.pump.abort();
    }
}

async fn pump<D: Sink>(fd: AsyncFd<OwnedFd>, inner: Arc<Mutex<Inner<D>>>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            ready = fd.readable() => match ready {
                Ok(mut guard) => guard.clear_ready(),
                Err(_) => return,
            },
            _ = tick.tick() => {}
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
