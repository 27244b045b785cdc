//! The daemon's side of the process that runs commands (`helper.rs`): orders go there, outcomes come back.

use std::{
    collections::HashMap,
    io,
    os::unix::net::UnixStream as Pair,
    sync::{Arc, Mutex as Lock, PoisonError, atomic::AtomicU64, atomic::Ordering},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex, oneshot},
};

use super::helper::{Done, Order};

type Waiting = Arc<Lock<HashMap<u64, oneshot::Sender<Option<String>>>>>;

/// The way there.
#[derive(Debug)]
pub(super) struct Remote {
    write: Mutex<OwnedWriteHalf>,
    waiting: Waiting,
    next: AtomicU64,
}

impl Remote {
    /// Within the runtime that is to listen for outcomes.
    pub fn new(pair: Pair) -> io::Result<Self> {
        pair.set_nonblocking(true)?;
        let (read, write) = UnixStream::from_std(pair)?.into_split();
        let waiting = Waiting::default();
        tokio::spawn(listen(read, waiting.clone()));
        Ok(Self { write: Mutex::new(write), waiting, next: AtomicU64::new(0) })
    }

    /// The configuration has changed.
    pub async fn reload(&self) -> io::Result<()> {
        self.tell(&Order::Reload).await
    }

    /// Runs the command of an alert to its end.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn run(&self, alert: &str, environment: &[(&'static str, String)]) -> Result<(), String> {
        let gone = |_| "the process that runs commands is gone: restart watcher".to_owned();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (done, outcome) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, done);
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.tell(&Order::Run { id, alert: alert.to_owned(), environment }).await.map_err(|e| gone(e.to_string()))?;
        outcome.await.map_err(|e| gone(e.to_string()))?.map_or(Ok(()), Err)
    }

    async fn tell(&self, order: &Order) -> io::Result<()> {
        let line = serde_json::to_string(order)? + "\n";
        self.write.lock().await.write_all(line.as_bytes()).await
    }
}

async fn listen(read: OwnedReadHalf, waiting: Waiting) {
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(done) = serde_json::from_str::<Done>(&line) {
            let who = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&done.id);
            who.map(|who| who.send(done.failed));
        }
    }
    // Whoever waits hears that it is gone.
    waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
