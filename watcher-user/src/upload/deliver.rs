//! Delivery: the windows of the spool to the endpoint, oldest first, one at a time, each until it is taken or refused.
//!
//! A task of its own that only shares the spool with collection. A failure is the endpoint's, not the window's: while one window
//! waits for its next attempt, so do those behind it, and order is kept. A refusal (4xx) is the window's: it is parked, and the
//! next one has its turn.
//!
//! *At least once*: a window leaves the spool after the endpoint said that it has it. A crash or a lost answer in between sends
//! it again, with the same `upload_id`.

use std::time::Duration;

use fastrand::Rng;
use jiff::SignedDuration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::attempt::{Attempts, Outcome};
use super::backoff::Backoff;
use super::endpoint::Endpoint;
use super::handle::{Command, DeliveryHandle, Pass, Progress, Stop};
use super::notice::Say;
use super::spool::{SharedSpool, Spool};
use super::transport::Transport;
use super::utc::UtcClock;

/// How fast, how patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// For one attempt, from the look-up of the name to the answer's status.
    pub timeout: Duration,
    /// The longest possible wait after the first failure; it doubles with each further one.
    pub first_backoff: Duration,
    /// Where the doubling ends.
    pub max_backoff: Duration,
    /// The longest `Retry-After` that is honoured; a longer one counts as this.
    pub max_retry_after: Duration,
    /// Before the first attempt, so that machines that start together do not arrive together.
    pub start_delay: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            first_backoff: Duration::from_secs(5),
            max_backoff: Duration::from_secs(15 * 60),
            max_retry_after: Duration::from_secs(3600),
            start_delay: Duration::ZERO,
        }
    }
}

/// What delivery needs from outside, beside the network.
#[derive(Debug)]
pub struct Means {
    /// How fast, how patient.
    pub pace: Pace,
    /// For `sent_at` and `Retry-After`.
    pub clock: UtcClock,
    /// Whom to tell.
    pub say: Say,
    /// For the jitter.
    pub random: Rng,
}

impl Means {
    /// The system's clock, and a seed that no other machine has.
    #[must_use]
    pub fn of_this_machine(pace: Pace, say: Say) -> Self {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        Self { pace, clock: UtcClock::system(), say, random: Rng::with_seed(high ^ low) }
    }
}

/// Delivers. Nothing happens until [`Delivery::run`] or [`Delivery::send_all`].
#[derive(Debug)]
pub struct Delivery<T> {
    attempts: Attempts<T>,
    commands: mpsc::Receiver<Command>,
    stop: Stop,
    progress: watch::Sender<Progress>,
}

impl<T: Transport> Delivery<T> {
    /// From `spool` to `endpoint`, over `transport`.
    #[must_use]
    pub fn new(spool: SharedSpool, endpoint: Endpoint, transport: T, means: Means) -> (Self, DeliveryHandle) {
        let (commands, orders) = mpsc::channel(8);
        let (stop, stopped) = watch::channel(None);
        let (progress, seen) = watch::channel(Progress::default());
        let handle =
            DeliveryHandle { commands, stop, progress: seen, spool: spool.clone(), endpoint: endpoint.shown() };
        let Means { pace, clock, say, random } = means;
        let backoff = Backoff::new(pace.first_backoff, pace.max_backoff);
        let attempts = Attempts { spool, endpoint, transport, pace, clock, say, random, backoff, told: None };
        (Self { attempts, commands: orders, stop: Stop(stopped), progress }, handle)
    }

    /// Delivers until [`DeliveryHandle::stop`]. Dropping the future is safe at any moment; what is under way then is not noted.
    pub async fn run(mut self) {
        let mut ready = Instant::now() + self.attempts.pace.start_delay;
        // Nothing waits: sleep until something is spooled.
        let mut idle = false;
        loop {
            tokio::select! {
                biased;
                _ = self.stop.asked() => break,
                Some(command) = self.commands.recv() => {
                    ready = self.obey(command).await;
                    idle = false;
                }
                () = self.attempts.spool.spooled(), if idle => idle = false,
                () = sleep_until(ready), if !idle => {
                    self.tell(None);
                    match self.attempts.next(&mut self.stop).await {
                        Outcome::Empty => idle = true,
                        Outcome::Taken | Outcome::Parked => {}
                        Outcome::Failed { retry_in, .. } => ready = self.later(retry_in),
                        Outcome::Stopped => break,
                    }
                }
            }
        }
        self.progress.send_replace(Progress { next_attempt: None, ended: true });
    }

    /// Sends everything that waits, once, for a program that does nothing else; with `parked`, also what was refused before.
    pub async fn send_all(mut self, parked: bool) -> Pass {
        self.pass(parked).await.0
    }

    async fn obey(&mut self, command: Command) -> Instant {
        let Command::SendNow { parked, reply } = command;
        let (pass, ready) = self.pass(parked).await;
        // Who asked may have gone; what was sent was sent.
        let _ = reply.send(pass);
        ready
    }

    async fn pass(&mut self, parked: bool) -> (Pass, Instant) {
        let (mut pass, mut ready) = (Pass::default(), Instant::now());
        if parked && let Err(error) = self.attempts.spool.run(Spool::unpark).await {
            pass.failure = Some(error.to_string());
        }
        while !self.stop.is_asked() {
            match self.attempts.next(&mut self.stop).await {
                Outcome::Taken => pass.taken += 1,
                Outcome::Parked => pass.parked += 1,
                Outcome::Empty | Outcome::Stopped => break,
                Outcome::Failed { why, retry_in } => {
                    pass.failure = Some(why);
                    ready = self.later(retry_in);
                    break;
                }
            }
        }
        pass.waiting = self.attempts.spool.run(|spool| spool.waiting()).await as u64;
        (pass, ready)
    }

    fn later(&self, delay: Duration) -> Instant {
        let wall =
            SignedDuration::try_from(delay).ok().and_then(|delay| self.attempts.clock.now().checked_add(delay).ok());
        self.tell(wall);
        Instant::now() + delay
    }

    fn tell(&self, next_attempt: Option<jiff::Timestamp>) {
        self.progress.send_replace(Progress { next_attempt, ended: false });
    }
}
