//! The threads of a live capture: one for each device that takes its frames, and one that lists the sockets.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::handle::{CaptureError, Handle};
use super::host::Clocks;
use super::ports::Ports;
use crate::engine::{Captured, Engine};
use crate::owners::Owners;

/// Frames between two looks at who else wants to count.
pub(super) const ROUND: u16 = 4096;
/// Between two tries to list sockets before its time.
const PATIENCE: Duration = Duration::from_millis(5);
/// How long a thread waits before it looks whether it is to end.
const LOOK_UP: u16 = 200;

/// What the threads share. Who takes both locks takes the owners first.
pub(super) struct Shared<O> {
    pub(super) owners: Mutex<O>,
    /// When the newest flow without an owner began, and when the sockets were listed last: nanoseconds since boot.
    pub(super) unowned: AtomicU64,
    pub(super) listed: AtomicU64,
    /// Lists them.
    pub(super) lister: OnceLock<Thread>,
    /// Whoever reads takes it first and keeps it; threads pass through. Without it they would never let a reader in.
    pub(super) turnstile: Mutex<()>,
    pub(super) counting: Mutex<Counting>,
    pub(super) is_over: AtomicBool,
}

pub(super) struct Counting {
    pub(super) engine: Engine,
    pub(super) ports: Ports,
    pub(super) clocks: Clocks,
}

impl Counting {
    /// A round of frames.
    pub(super) fn take(&mut self, handle: &mut Handle) -> Result<usize, CaptureError> {
        let link = handle.link();
        handle.dispatch(ROUND, |wall, bytes, wire_len| {
            let at = self.clocks.since_boot(wall);
            let frame = Captured { link, at, bytes, wire_len: wire_len.into() };
            let ports = &mut self.ports;
            self.engine.see_if(&frame, |frame| {
                if frame.interface_index.is_some_and(|index| ports.is_news(index)) {
                    *ports = Ports::read_knowing(frame.interface_index);
                }
                ports.counts(frame)
            });
        })
    }
}

/// Takes the frames of a device as they come, until it is gone or all is over.
pub(super) fn listen<O>(shared: &Shared<O>, handle: &Mutex<Handle>, fd: i32) {
    while !shared.is_over.load(Ordering::Relaxed) {
        // SAFETY: the handle, which this thread has a share of, closes it.
        let mut fds = [PollFd::new(unsafe { BorrowedFd::borrow_raw(fd) }, PollFlags::POLLIN)];
        if !matches!(poll(&mut fds, PollTimeout::from(LOOK_UP)), Ok(1..)) {
            continue;
        }
        drop(lock(&shared.turnstile));
        let mut handle = lock(handle);
        let mut counting = lock(&shared.counting);
        if counting.take(&mut handle).is_err() {
            return;
        }
        let unowned = counting.engine.flows().newest_unowned().map_or(0, |at| at.0);
        if shared.unowned.fetch_max(unowned, Ordering::Relaxed) < unowned {
            shared.lister.get().map(Thread::unpark);
        }
    }
}

/// Lists the sockets while there is a flow that is younger than the last list.
pub(super) fn list<O: Owners>(shared: &Shared<O>) {
    while !shared.is_over.load(Ordering::Relaxed) {
        let now = Clocks::read().boot;
        if shared.unowned.load(Ordering::Relaxed) <= shared.listed.load(Ordering::Relaxed) {
            std::thread::park_timeout(Duration::from_millis(LOOK_UP.into()));
            continue;
        }
        // What fails here fails in the next reading too, which says so.
        if matches!(lock(&shared.owners).look(now), Ok(true)) {
            shared.listed.store(now.0, Ordering::Relaxed);
        } else {
            std::thread::sleep(PATIENCE);
        }
    }
}

/// What is behind a lock is whole after a panic too: it is counted frame by frame.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
