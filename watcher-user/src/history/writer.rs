//! The thread that touches the file, so that a slow disk holds up nobody.
//!
//! Orders are done one after the other: who asks after a write was ordered gets an answer with it. What could not be written
//! comes back, and the daemon adds it to what comes next.

use std::{
    io, mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jiff::{Timestamp, tz::TimeZone};
use watcher_core::history::{Entry, Query, Report};

use super::{History, HistoryError, Opened, Store, Upkeep, open::set_aside, open_or_set_aside};

/// Orders that may wait: writes come every few seconds, questions one by one.
const WAITING: usize = 64;

enum Order {
    Write { entries: Vec<Entry>, now: Timestamp, settled: bool },
    Answer { query: Query, reply: Reply },
}

type Reply = Box<dyn FnOnce(Result<Report, HistoryError>) + Send>;

/// What happened in the thread since somebody looked.
#[derive(Debug, Default)]
pub struct News {
    /// Could not be written.
    pub unwritten: Vec<Entry>,
    /// Of the last write, why it failed; `None` when it did not.
    pub failure: Option<String>,
    /// A damaged file was put there, and why.
    pub set_aside: Option<(PathBuf, String)>,
}

/// Writes a history.
#[derive(Debug)]
pub struct Writer {
    orders: Option<SyncSender<Order>>,
    news: Arc<Mutex<News>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Opens the file, and begins the thread.
    ///
    /// # Errors
    /// A newer watcher wrote it, it is something else, or the disk does not let.
    pub fn start(path: &Path, boot: &str) -> Result<Self, HistoryError> {
        let Opened { store, set_aside } = open_or_set_aside(path, boot, TimeZone::system())?;
        let news = Arc::new(Mutex::new(News { set_aside, ..News::default() }));
        let (orders, taken) = sync_channel(WAITING);
        let work = Work { store, path: path.to_owned(), boot: boot.into(), reader: None, news: Arc::clone(&news) };
        let thread = thread::Builder::new().name("history".to_owned()).spawn(move || {
            crate::sandbox::seal_thread();
            work.all(&taken);
        });
        let thread = thread.map_err(HistoryError::Thread)?;
        Ok(Self { orders: Some(orders), news, thread: Some(thread) })
    }

    /// Has these written. Gives them back while the disk is too slow for what was ordered before.
    ///
    /// # Errors
    /// The entries.
    pub fn write(&self, entries: Vec<Entry>, now: Timestamp, settled: bool) -> Result<(), Vec<Entry>> {
        let Some(orders) = &self.orders else { return Err(entries) };
        orders.try_send(Order::Write { entries, now, settled }).map_err(|e| match e {
            TrySendError::Full(Order::Write { entries, .. })
            | TrySendError::Disconnected(Order::Write { entries, .. }) => entries,
            TrySendError::Full(Order::Answer { .. }) | TrySendError::Disconnected(Order::Answer { .. }) => Vec::new(),
        })
    }

    /// Asks, after everything that was ordered before is written. The reply says so when too much waits.
    pub fn answer(&self, query: Query, reply: impl FnOnce(Result<Report, HistoryError>) + Send + 'static) {
        let Some(orders) = &self.orders else { return reply(Err(HistoryError::Busy)) };
        let refused = orders.try_send(Order::Answer { query, reply: Box::new(reply) });
        if let Err(TrySendError::Full(order) | TrySendError::Disconnected(order)) = refused
            && let Order::Answer { reply, .. } = order
        {
            reply(Err(HistoryError::Busy));
        }
    }

    /// What happened since the last look.
    pub fn news(&self) -> News {
        let mut news = lock(&self.news);
        // A failure stands until a write succeeds.
        let failure = news.failure.clone();
        News { failure, ..mem::take(&mut *news) }
    }

    /// Waits until all that was ordered is done, but not longer than so. What is left then is lost when the process ends.
    pub fn stop(mut self, patience: Duration) -> bool {
        drop(self.orders.take());
        let until = Instant::now() + patience;
        while let Some(thread) = &self.thread
            && !thread.is_finished()
        {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.thread.take().is_none_or(|thread| thread.join().is_ok())
    }
}

fn lock(news: &Mutex<News>) -> MutexGuard<'_, News> {
    news.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Work {
    store: Store,
    path: PathBuf,
    boot: Box<str>,
    reader: Option<History>,
    news: Arc<Mutex<News>>,
}

impl Work {
    fn all(mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Write { entries, now, settled } => self.write(entries, now, settled),
                Order::Answer { query, reply } => reply(self.answer(&query)),
            }
        }
        // Nobody is left to take back what failed last: once more, the disk may have room again.
        let unwritten = mem::take(&mut lock(&self.news).unwritten);
        if !unwritten.is_empty() {
            self.write(unwritten, Timestamp::now(), false);
        }
    }

    fn write(&mut self, entries: Vec<Entry>, now: Timestamp, settled: bool) {
        let written = self.store.add(&entries, now);
        let failed = written.is_err();
        let kept = written.and_then(|()| {
            // In steps of a few milliseconds each.
            while self.store.maintain(now, settled)? == Upkeep::Stepped {}
            Ok(())
        });
        let damaged = kept.as_ref().err().is_some_and(HistoryError::is_damage);
        let mut failure = kept.err().map(|e| e.to_string());
        let aside = if damaged { self.begin_again(&mut failure) } else { None };
        let mut news = lock(&self.news);
        if failed {
            news.unwritten.extend(entries);
        }
        news.failure = failure;
        news.set_aside = aside.or(news.set_aside.take());
    }

    /// The file was found to be damaged: another one.
    fn begin_again(&mut self, failure: &mut Option<String>) -> Option<(PathBuf, String)> {
        self.reader = None;
        let why = failure.clone().unwrap_or_default();
        let begun = set_aside(&self.path).map_err(|e: io::Error| e.to_string()).and_then(|place| {
            let opened = open_or_set_aside(&self.path, &self.boot, TimeZone::system()).map_err(|e| e.to_string())?;
            Ok((place, opened.store))
        });
        match begun {
            Ok((place, store)) => {
                self.store = store;
                *failure = None;
                Some((place, why))
            }
            Err(e) => {
                *failure = Some(format!("{why}; another one cannot be begun: {e}"));
                None
            }
        }
    }

    fn answer(&mut self, query: &Query) -> Result<Report, HistoryError> {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => History::open(&self.path, TimeZone::system())?,
        };
        let report = reader.report(query);
        if report.is_ok() {
            self.reader = Some(reader);
        }
        report
    }
}
