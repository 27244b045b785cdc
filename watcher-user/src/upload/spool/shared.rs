//! The spool of an asynchronous program: what waits for the disk waits on a thread of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::*;

/// A spool that collection and delivery share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedSpool {
    spool: Arc<Mutex<Spool>>,
    spooled: Arc<Notify>,
}

impl SharedSpool {
    /// Shares `spool`.
    #[must_use]
    pub fn new(spool: Spool) -> Self {
        Self { spool: Arc::new(Mutex::new(spool)), spooled: Arc::new(Notify::new()) }
    }

    /// Runs `work` on a thread where waiting for the disk holds up nobody. It runs to its end even when the caller does not wait.
    pub async fn run<R: Send + 'static>(&self, work: impl FnOnce(&mut Spool) -> R + Send + 'static) -> R {
        let spool = Arc::clone(&self.spool);
        match spawn_blocking(move || work(&mut hold(&spool))).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is being shut down, and whoever waits with it.
            Err(_) => std::future::pending().await,
        }
    }

    /// [`Spool::put`], then wakes delivery.
    ///
    /// # Errors
    /// As [`Spool::put`].
    pub async fn put(&self, window: Window) -> Result<(), SpoolError> {
        let put = self.run(|spool| spool.put(window)).await;
        self.spooled.notify_one();
        put
    }

    /// [`Spool::checkpoint`].
    ///
    /// # Errors
    /// As [`Spool::checkpoint`].
    pub async fn checkpoint(&self, window: Window, durability: Durability) -> Result<(), SpoolError> {
        let saved = self.run(move |spool| spool.checkpoint(&window, durability)).await;
        // A window that waited in memory may have reached the disk.
        self.spooled.notify_one();
        saved
    }

    /// Returns when something was put since the last time.
    pub(in crate::upload) async fn spooled(&self) {
        self.spooled.notified().await;
    }
}

fn hold(spool: &Mutex<Spool>) -> MutexGuard<'_, Spool> {
    // A panic in between leaves at worst an index that lacks what the disk has.
    spool.lock().unwrap_or_else(PoisonError::into_inner)
}
