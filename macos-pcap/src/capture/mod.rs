//! Live capture: libpcap's frames into the engine, on a thread of its own for each device, as a [`Source`]. One more thread looks
//! whose the sockets are as soon as a flow begins that nobody is known to own: many are over before the next reading.
//!
//! Linux: the `any` device with SLL2 headers, which has interfaces that come and go; [`Ports`] says what of it would count
//! twice. macOS: `pktap`, which names processes; where that is refused, each interface by itself. What runs in another
//! network namespace passes through here, if at all, and is not this machine's by its addresses.

mod ffi;
mod handle;
mod host;
mod ports;
mod threads;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use watcher_core::{Batch, DegradationReason, Quality, Source};

use crate::engine::Engine;
use crate::flows::Limits;
use crate::owners::Owners;
pub use handle::{CaptureError, Handle};
use host::Clocks;
pub use ports::Ports;
use threads::{Counting, ROUND, Shared, list, listen, lock};

/// Frames that one reading takes out of a buffer at most: more than one holds. Under load there are always new ones.
const MOST: usize = 1 << 16;
/// How often the machine's addresses and interfaces are asked for.
const ADDRESSES_EVERY: Duration = Duration::from_secs(2);
/// How often it is asked what is missing.
const EXAMINE_EVERY: Duration = Duration::from_secs(60);

/// Why a batch could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E: std::error::Error + 'static> {
    /// The sockets could not be listed.
    #[error("listing whose sockets there are")]
    Owners(#[source] E),
}

/// A device and its thread.
struct Tap {
    name: String,
    handle: Arc<Mutex<Handle>>,
    thread: Option<JoinHandle<()>>,
}

/// The capturing collector.
pub struct PcapSource<O> {
    shared: Arc<Shared<O>>,
    taps: Vec<Tap>,
    lister: Option<JoinHandle<()>>,
    /// Dropped by devices that are gone.
    dropped_before: u64,
    refreshed: Instant,
    /// What is so of all of it, whatever the packets show.
    degraded: Vec<DegradationReason>,
    examined: Instant,
    instead: Option<DegradationReason>,
    quality: Quality,
}

impl<O: Owners + Send + 'static> PcapSource<O> {
    /// Opens every device there is, and begins to count. `instead` is why it is not something better.
    ///
    /// # Errors
    /// This process may not capture, or there is nothing to capture on.
    pub fn open(owners: O, names: bool, instead: Option<DegradationReason>) -> Result<Self, CaptureError> {
        let engine = Engine::new(host::hosts(), host::namespace(), Limits::default(), names);
        let degraded = missing(instead.as_ref(), &owners);
        let quality = told(engine.quality().clone(), &degraded);
        let counting = Counting { engine, ports: Ports::read(), clocks: Clocks::read() };
        let shared = Arc::new(Shared {
            owners: Mutex::new(owners),
            unowned: AtomicU64::new(0),
            listed: AtomicU64::new(0),
            lister: OnceLock::new(),
            turnstile: Mutex::new(()),
            counting: Mutex::new(counting),
            is_over: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let lister = std::thread::Builder::new().name("owners".to_owned()).spawn(move || list(&of_thread));
        let lister = lister.map_err(|error| CaptureError::Refused("a thread".to_owned(), error.to_string()))?;
        shared.lister.get_or_init(|| lister.thread().clone());
        let now = Instant::now();
        let mut this = Self {
            shared,
            taps: Vec::new(),
            lister: Some(lister),
            dropped_before: 0,
            refreshed: now,
            degraded,
            examined: now,
            instead,
            quality,
        };
        let (wanted, others) = devices();
        let refused = match this.tap(&wanted) {
            Ok(()) => return Ok(this),
            Err(refused) => refused,
        };
        for device in others {
            this.tap(&device).ok();
        }
        if this.taps.is_empty() { Err(refused) } else { Ok(this) }
    }

    fn tap(&mut self, name: &str) -> Result<(), CaptureError> {
        let handle = Handle::open(name)?;
        let fd = handle.fd();
        let handle = Arc::new(Mutex::new(handle));
        let (shared, of_thread) = (Arc::clone(&self.shared), Arc::clone(&handle));
        let thread = std::thread::Builder::new()
            .name(format!("pcap {name}"))
            .spawn(move || listen(&shared, &of_thread, fd))
            .map_err(|error| CaptureError::Refused(name.to_owned(), error.to_string()))?;
        self.taps.push(Tap { name: name.to_owned(), handle, thread: Some(thread) });
        Ok(())
    }

    /// Everything that is in the buffers, and what it adds up to.
    fn read(&mut self) -> Result<Batch, ReadError<O::Error>> {
        let shared = Arc::clone(&self.shared);
        let turn = lock(&shared.turnstile);
        if self.refreshed.elapsed() >= ADDRESSES_EVERY {
            self.refresh();
        }
        let mut dropped = self.dropped_before;
        for tap in &self.taps {
            let mut handle = lock(&tap.handle);
            let mut counting = lock(&shared.counting);
            let mut taken = 0;
            while let Ok(frames) = counting.take(&mut handle) {
                taken += frames;
                if frames < usize::from(ROUND) || taken >= MOST {
                    break;
                }
            }
            dropped += handle.dropped();
        }
        let mut owners = lock(&shared.owners);
        let mut counting = lock(&shared.counting);
        counting.clocks = Clocks::read();
        let now = counting.clocks.boot;
        counting.engine.set_dropped(dropped);
        let batch = counting.engine.collect(now, &mut *owners).map_err(ReadError::Owners)?;
        let quality = counting.engine.quality().clone();
        drop((counting, turn));
        if self.examined.elapsed() >= EXAMINE_EVERY {
            self.examined = Instant::now();
            self.degraded = missing(self.instead.as_ref(), &*owners);
        }
        drop(owners);
        self.quality = told(quality, &self.degraded);
        Ok(batch)
    }

    /// What may have changed since: addresses, interfaces; where each has a device of its own, those.
    fn refresh(&mut self) {
        self.refreshed = Instant::now();
        let mut counting = lock(&self.shared.counting);
        counting.engine.set_hosts(host::hosts());
        counting.ports = Ports::read();
        drop(counting);
        let (wanted, others) = devices();
        if self.taps.iter().any(|tap| tap.name == wanted) {
            return;
        }
        // A thread whose device is gone has ended.
        let gone = |tap: &Tap| tap.thread.as_ref().is_none_or(JoinHandle::is_finished);
        self.dropped_before +=
            self.taps.iter().filter(|tap| gone(tap)).map(|tap| lock(&tap.handle).dropped()).sum::<u64>();
        self.taps.retain(|tap| !gone(tap));
        for device in others {
            if !self.taps.iter().any(|tap| tap.name == device) {
                self.tap(&device).ok();
            }
        }
    }
}

/// The device that shows everything, and those that do together.
fn devices() -> (String, Vec<String>) {
    let wanted = if cfg!(target_os = "macos") { "pktap" } else { "any" };
    let mut names: Vec<String> =
        nix::ifaddrs::getifaddrs().into_iter().flatten().map(|interface| interface.interface_name).collect();
    names.sort_unstable();
    names.dedup();
    (wanted.to_owned(), names)
}

/// What is so of every packet.
fn missing(instead: Option<&DegradationReason>, owners: &impl Owners) -> Vec<DegradationReason> {
    instead.cloned().into_iter().chain(owners.degraded()).collect()
}

/// With what is so of every packet.
fn told(mut quality: Quality, degraded: &[DegradationReason]) -> Quality {
    quality.degraded.extend_from_slice(degraded);
    quality
}

impl<O: Owners + Send + 'static> Source for PcapSource<O> {
    type Error = ReadError<O::Error>;

    async fn collect(&mut self) -> Result<Batch, Self::Error> {
        self.read()
    }

    fn quality(&self) -> &Quality {
        &self.quality
    }
}

impl<O> Drop for PcapSource<O> {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for tap in &mut self.taps {
            tap.thread.take().map(JoinHandle::join);
        }
        self.shared.lister.get().map(Thread::unpark);
        self.lister.take().map(JoinHandle::join);
    }
}
