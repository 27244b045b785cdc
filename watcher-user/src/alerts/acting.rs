//! Does what alerts cause, on a thread of its own.

use std::{
    io,
    os::unix::net::UnixStream as Pair,
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
    desktop,
    helper::{Helper, drop_privileges},
    remote::Remote,
    words,
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

/// What the thread is told.
#[derive(Debug)]
enum Told {
    /// The configuration has changed.
    Reloaded,
    /// An alert fired.
    Do(Box<Deed>),
}

/// Takes deeds. Its thread begins with the first one that needs it.
#[derive(Debug)]
pub struct Actor {
    log: Log,
    limits: Limits,
    /// Who runs commands, where this process may not.
    helper: Option<Helper>,
    /// The helper is to be told that the configuration has changed.
    is_stale: bool,
    thread: Option<(mpsc::Sender<Told>, JoinHandle<()>)>,
}

impl Actor {
    /// Nothing to do yet.
    #[must_use]
    pub fn new(log: Log, limits: Limits, helper: Option<Helper>) -> Self {
        Self { log, limits, helper, is_stale: false, thread: None }
    }

    /// Commands are other ones from now on.
    pub fn reload(&mut self) {
        self.is_stale = self.helper.is_some();
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
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => start(self.log, self.limits, self.helper.as_mut().and_then(Helper::take))?,
        };
        let deeds = &self.thread.insert(thread).0;
        let too_many = |_| io::Error::other("too many wait");
        if self.is_stale {
            deeds.try_send(Told::Reloaded).map_err(too_many)?;
            self.is_stale = false;
        }
        deeds.try_send(Told::Do(Box::new(deed))).map_err(too_many)
    }

    /// No more. What runs may end within [`Limits::at_end`], then it is killed.
    pub fn end(&mut self) {
        if let Some((deeds, thread)) = self.thread.take() {
            drop(deeds);
            thread.join().ok();
        }
        drop(self.helper.take());
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.end();
    }
}

fn start(log: Log, limits: Limits, helper: Option<Pair>) -> io::Result<(mpsc::Sender<Told>, JoinHandle<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, deeds) = mpsc::channel(limits.waiting);
    let thread = std::thread::Builder::new().name("alerts".to_owned()).spawn(move || {
        crate::sandbox::seal_thread();
        drop_privileges();
        runtime.block_on(serve(deeds, log, limits, helper));
        runtime.shutdown_background();
    })?;
    Ok((sender, thread))
}

async fn serve(mut deeds: mpsc::Receiver<Told>, log: Log, limits: Limits, helper: Option<Pair>) {
    let remote = helper.and_then(|pair| Remote::new(pair).ok()).map(Arc::new);
    let places = Arc::new(Semaphore::new(limits.at_once));
    let was_refused = Arc::new(Mutex::new(false));
    let mut running = JoinSet::new();
    while let Some(told) = deeds.recv().await {
        let Told::Do(deed) = told else {
            if let Some(remote) = &remote
                && let Err(error) = remote.reload().await
            {
                log.error(format_args!("the process that runs commands: {error}"));
            }
            continue;
        };
        while running.try_join_next().is_some() {}
        if running.len() >= limits.waiting {
            let name = printable(&deed.alert.rule.name);
            log.error(format_args!("alert {name}: too many commands wait: this one is left out"));
            continue;
        }
        let (places, was_refused, remote) = (places.clone(), was_refused.clone(), remote.clone());
        running.spawn(async move {
            tokio::join!(show(&deed, log, &was_refused), execute(&deed, log, limits, &places, remote.as_deref()));
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

async fn execute(deed: &Deed, log: Log, limits: Limits, places: &Semaphore, remote: Option<&Remote>) {
    if deed.alert.command.is_empty() {
        return;
    }
    let Ok(_place) = places.acquire().await else { return };
    let environment = words::environment(&deed.fired, false);
    let ran = match remote {
        Some(remote) => remote.run(&deed.alert.rule.name, &environment).await,
        None => command::run(&deed.alert.command, &environment, limits.within, Output::Dropped)
            .await
            .map_err(|error| with_causes(&error)),
    };
    if let Err(why) = ran {
        log.error(format_args!("alert {}: {why}", printable(&deed.alert.rule.name)));
    }
}
