//! One attempt: take the oldest window, send it, note what became of it.

use std::time::Duration;

use fastrand::Rng;
use hyper::StatusCode;
use jiff::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

use super::backoff::Backoff;
use super::deliver::Pace;
use super::endpoint::{Endpoint, Post};
use super::handle::Stop;
use super::notice::{Notice, Say};
use super::spool::{SharedSpool, Spool, SpoolError};
use super::transport::Transport;
use super::utc::UtcClock;
use super::verdict::{Verdict, judge};

/// Makes attempts, one at a time.
#[derive(Debug)]
pub(super) struct Attempts<T> {
    pub spool: SharedSpool,
    pub endpoint: Endpoint,
    pub transport: T,
    pub pace: Pace,
    pub clock: UtcClock,
    pub say: Say,
    pub random: Rng,
    pub backoff: Backoff,
    /// The refusal that was told last, until a window is taken: a row of the same is told once.
    pub told: Option<StatusCode>,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// There was nothing to send.
    Empty,
    /// The endpoint has one window more.
    Taken,
    /// The endpoint refused a window for good.
    Parked,
    /// To be tried again.
    Failed { why: String, retry_in: Duration },
    /// Broken off, because delivery is to stop.
    Stopped,
}

/// What went wrong before anything was sent.
struct NotReady {
    upload_id: Option<Uuid>,
    why: String,
}

impl<T: Transport> Attempts<T> {
    pub(super) async fn next(&mut self, stop: &mut Stop) -> Outcome {
        let (endpoint, now) = (self.endpoint.clone(), self.clock.now());
        let (upload_id, post) = match self.spool.run(move |spool| prepare(spool, &endpoint, now)).await {
            Ok(Some(ready)) => ready,
            Ok(None) => return Outcome::Empty,
            Err(NotReady { upload_id, why }) => return self.failed(upload_id, why, None).await,
        };
        let answered = tokio::select! {
            biased;
            answered = timeout(self.pace.timeout, self.transport.send(post)) => answered,
            () = stop.deadline() => {
                self.spool.run(Spool::interrupted).await;
                return Outcome::Stopped;
            }
        };
        match answered {
            Err(_) => {
                let why = format!("the endpoint did not answer within {} s", self.pace.timeout.as_secs_f64());
                self.failed(Some(upload_id), why, None).await
            }
            Ok(Err(no_answer)) => self.failed(Some(upload_id), no_answer.0, None).await,
            Ok(Ok(answer)) => match judge(&answer, self.clock.now()) {
                Verdict::Taken => self.taken(upload_id).await,
                Verdict::Park { status, why } => self.park(upload_id, status, why).await,
                Verdict::Retry { why, after } => self.failed(Some(upload_id), why, after).await,
            },
        }
    }

    async fn taken(&mut self, upload_id: Uuid) -> Outcome {
        let noted = self.spool.run(move |spool| spool.taken(upload_id)).await;
        self.told = None;
        self.answered(noted);
        Outcome::Taken
    }

    async fn park(&mut self, upload_id: Uuid, status: StatusCode, why: String) -> Outcome {
        if self.told.replace(status) != Some(status) {
            self.say.say(Notice::Parked { upload_id, why: why.clone() });
        }
        let noted = self.spool.run(move |spool| spool.park(upload_id, &why)).await;
        self.answered(noted);
        Outcome::Parked
    }

    /// The endpoint is there and speaks to us.
    fn answered(&mut self, noted: Result<(), SpoolError>) {
        if let Err(error) = noted {
            self.say.say(Notice::NotNoted { why: error.to_string() });
        }
        let after = self.backoff.reset();
        if after > 0 {
            self.say.say(Notice::Recovering { after });
        }
    }

    /// The wait is never shorter than the endpoint asks (up to a bound): the jitter comes on top, or all who were asked to wait
    /// would return together.
    async fn failed(&mut self, upload_id: Option<Uuid>, why: String, after: Option<Duration>) -> Outcome {
        let first = self.backoff.failures() == 0;
        let asked = after.unwrap_or_default().min(self.pace.max_retry_after);
        let retry_in = asked.saturating_add(self.backoff.next(&mut self.random));
        if first {
            self.say.say(Notice::Failing { why: why.clone(), retry_in });
        }
        let message = why.clone();
        self.spool.run(move |spool| spool.failed(upload_id, &message)).await;
        Outcome::Failed { why, retry_in }
    }
}

/// Reads files, so it runs beside the spool.
fn prepare(spool: &mut Spool, endpoint: &Endpoint, now: Timestamp) -> Result<Option<(Uuid, Post)>, NotReady> {
    let oldest = spool.oldest().map_err(|error| NotReady { upload_id: None, why: error.to_string() })?;
    let Some(window) = oldest else { return Ok(None) };
    let upload_id = window.upload_id();
    match endpoint.post(window.sent_at(now)) {
        Ok(post) => Ok(Some((upload_id, post))),
        Err(error) => Err(NotReady { upload_id: Some(upload_id), why: error.to_string() }),
    }
}
