//! How the rest of the program speaks with delivery.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::spool::SharedSpool;
use super::status::Status;

/// What delivery can be told.
#[derive(Debug)]
pub(super) enum Command {
    /// Send everything at once, also what was refused if `parked`.
    SendNow { parked: bool, reply: oneshot::Sender<Pass> },
}

/// What came of sending everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Pass {
    /// Windows that the endpoint took.
    pub taken: u64,
    /// Windows that it refused.
    pub parked: u64,
    /// Windows that still wait.
    pub waiting: u64,
    /// What ended it early.
    pub failure: Option<String>,
}

/// How delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// In time; nothing is going on any more.
    InTime,
    /// The disk held it up. Nothing is lost: what is unfinished is found at the next start.
    Late,
}

/// Where delivery is.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub next_attempt: Option<Timestamp>,
    pub ended: bool,
}

/// Speaks with a running [`super::Delivery`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeliveryHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) stop: watch::Sender<Option<Instant>>,
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) spool: SharedSpool,
    pub(super) endpoint: String,
}

impl DeliveryHandle {
    /// Sends everything that waits, now, whatever delay is running; with `parked`, also what the endpoint refused before. None
    /// when delivery has ended.
    pub async fn send_now(&self, parked: bool) -> Option<Pass> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::SendNow { parked, reply }).await.ok()?;
        answer.await.ok()
    }

    /// How upload is doing.
    pub async fn status(&self) -> Status {
        let spool = self.spool.run(|spool| spool.status()).await;
        let next_attempt = self.progress.borrow().next_attempt;
        Status { endpoint: Some(self.endpoint.clone()), spool, next_attempt }
    }

    /// Ends delivery within `within`. An attempt under way may finish in three quarters of that time, then it is broken off; its
    /// window stays in the spool.
    pub async fn stop(&self, within: Duration) -> Stopped {
        self.stop.send_replace(Some(Instant::now() + within * 3 / 4));
        let mut progress = self.progress.clone();
        // An error here means that delivery was dropped: it has ended all the more.
        match timeout(within, progress.wait_for(|progress| progress.ended)).await {
            Ok(_) => Stopped::InTime,
            Err(_) => Stopped::Late,
        }
    }
}

/// Delivery's end of [`DeliveryHandle::stop`].
#[derive(Debug)]
pub(super) struct Stop(pub watch::Receiver<Option<Instant>>);

impl Stop {
    /// Returns once delivery is to stop.
    pub(super) async fn asked(&mut self) -> Instant {
        match self.0.wait_for(Option::is_some).await.map(|at| *at) {
            Ok(Some(at)) => at,
            // Nobody is left who could ask.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Whether delivery is to stop.
    pub(super) fn is_asked(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Returns once what is under way is to be broken off.
    pub(super) async fn deadline(&mut self) {
        let at = self.asked().await;
        sleep_until(at).await;
    }
}
