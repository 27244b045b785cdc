//! Does what alerts cause, on a thread of its own.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use jiff::tz::TimeZone;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};
use watcher_core::alerts::Fired;

use super::{
    command::{self, Output},
    desktop, words,
};
use crate::{
    agent::Log,
    config::Alert,
    text::{printable, with_causes},
};

/// What keeps commands within bounds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Commands at once; others wait.
    pub at_once: usize,
    /// So many may wait or run; the next is left out, and the log says so.
    pub waiting: usize,
    /// For one command.
    pub within: Duration,
    /// For all of them to end, when watcher does.
    pub at_end: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { at_once: 4, waiting: 256, within: Duration::from_secs(30), at_end: Duration::from_secs(1) }
    }
}

/// An alert that fired.
#[derive(Debug, Clone)]
pub struct Deed {
    /// What is to be done.
    pub alert: Alert,
    /// Why.
    pub fired: Fired,
}

/// Takes deeds. Its thread begins with the first one that needs it.
#[derive(Debug)]
pub struct Actor {
    log: Log,
    limits: Limits,
    thread: Option<(mpsc::Sender<Deed>, JoinHandle<()>)>,
}

impl Actor {
    /// Nothing to do yet.
    #[must_use]
    pub fn new(log: Log, limits: Limits) -> Self {
        Self { log, limits, thread: None }
    }

    /// Logs it at once, and has the rest done.
    ///
    /// # Errors
    /// There is no thread for it, or too much waits already: only the log has it then.
    pub fn act(&mut self, deed: Deed) -> io::Result<()> {
        self.log.warning(words::line(&deed.fired, &TimeZone::system()));
        if !deed.alert.desktop && deed.alert.command.is_empty() {
            return Ok(());
        }
        let deeds = match &self.thread {
            Some((deeds, _)) => deeds,
            None => &self.thread.insert(start(self.log, self.limits)?).0,
        };
        deeds.try_send(deed).map_err(|_| io::Error::other("too many wait"))
    }

    /// No more. What runs may end within [`Limits::at_end`], then it is killed.
    pub fn end(&mut self) {
        if let Some((deeds, thread)) = self.thread.take() {
            drop(deeds);
            thread.join().ok();
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.end();
    }
}

fn start(log: Log, limits: Limits) -> io::Result<(mpsc::Sender<Deed>, JoinHandle<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, deeds) = mpsc::channel(limits.waiting);
    let thread = std::thread::Builder::new().name("alerts".to_owned()).spawn(move || {
        drop_privileges();
        runtime.block_on(serve(deeds, log, limits));
        runtime.shutdown_background();
    })?;
    Ok((sender, thread))
}

async fn serve(mut deeds: mpsc::Receiver<Deed>, log: Log, limits: Limits) {
    let places = Arc::new(Semaphore::new(limits.at_once));
    let was_refused = Arc::new(Mutex::new(false));
    let mut running = JoinSet::new();
    while let Some(deed) = deeds.recv().await {
        while running.try_join_next().is_some() {}
        if running.len() >= limits.waiting {
            let name = printable(&deed.alert.rule.name);
            log.error(format_args!("alert {name}: too many commands wait: this one is left out"));
            continue;
        }
        let (places, was_refused) = (places.clone(), was_refused.clone());
        running.spawn(async move {
            tokio::join!(show(&deed, log, &was_refused), execute(&deed, log, limits, &places));
        });
    }
    // What has not ended by then is dropped, and killed by that.
    timeout(limits.at_end, async { while running.join_next().await.is_some() {} }).await.ok();
}

async fn show(deed: &Deed, log: Log, was_refused: &Mutex<bool>) {
    if !deed.alert.desktop {
        return;
    }
    let body = words::escaped(&words::sentence(&deed.fired, &TimeZone::system()));
    let shown = desktop::show(&printable(&deed.alert.rule.name), &body).await;
    let before = std::mem::replace(&mut *was_refused.lock().unwrap_or_else(PoisonError::into_inner), shown.is_err());
    // Said when it begins, not with each alert.
    if let (Err(error), false) = (shown, before) {
        log.error(format_args!("alerts on the desktop: {error}"));
    }
}

async fn execute(deed: &Deed, log: Log, limits: Limits, places: &Semaphore) {
    if deed.alert.command.is_empty() {
        return;
    }
    let Ok(_place) = places.acquire().await else { return };
    let environment = words::environment(&deed.fired, false);
    if let Err(error) = command::run(&deed.alert.command, &environment, limits.within, Output::Dropped).await {
        let name = printable(&deed.alert.rule.name);
        log.error(format_args!("alert {name}: {}", with_causes(&error)));
    }
}

/// The service holds capabilities as ambient ones, which a program that it starts would inherit. Those are the thread's own.
#[cfg(target_os = "linux")]
fn drop_privileges() {
    // SAFETY: takes numbers and changes nothing but the ambient set of this thread.
    unsafe {
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    }
}

#[cfg(not(target_os = "linux"))]
fn drop_privileges() {}
