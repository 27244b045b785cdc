//! The spool and its delivery, as long as the user has opted in.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use tokio::task::JoinHandle;
use uuid::Uuid;
use watcher_core::rollup::Rollup;

use super::log::Log;
use crate::{
    config::Config,
    control,
    upload::{
        Delivery, DeliveryHandle, Disk, Durability, Endpoint, Http, Limits, Means, Notice, Pace, Pass, Proxies, Say,
        SharedSpool, Spool, Surroundings, Token, UtcClock, Window, offset,
    },
};

/// Machines that start together are spread over this.
const START_SPREAD: Duration = Duration::from_secs(60);
/// The folder in the state directory.
pub const SPOOL: &str = "spool";

/// Windows on their way.
pub struct Uploads {
    spool: SharedSpool,
    handle: DeliveryHandle,
    task: JoinHandle<()>,
    to: String,
    log: Log,
}

/// What is sent where, as the configuration has it; `None` while upload is off.
///
/// # Errors
/// The address cannot be used.
pub fn endpoint(config: &Config, machine: Uuid) -> anyhow::Result<Option<Endpoint>> {
    let upload = &config.upload;
    let Some(url) = upload.destination() else { return Ok(None) };
    let token = match (&upload.token, &upload.token_file) {
        (Some(secret), _) => Token::Given(secret.reveal().to_owned()),
        (None, Some(file)) => Token::File(file.clone()),
        (None, None) => Token::None,
    };
    Ok(Some(Endpoint::new(url, machine)?.with_token(token).with_gzip(upload.gzip)))
}

impl Uploads {
    /// Opens the spool and begins to deliver; `None` while upload is off.
    ///
    /// # Errors
    /// The spool or the endpoint cannot be used.
    pub fn start(config: &Config, state: &Path, machine: Uuid, log: Log) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = endpoint(config, machine)? else { return Ok(None) };
        let around = Surroundings { disk: Disk::default(), clock: UtcClock::system(), say: say(log) };
        let spool = Spool::open(&state.join(SPOOL), Limits::default(), around)?;
        Self::deliver(SharedSpool::new(spool), endpoint, config, machine, log).map(Some)
    }

    fn deliver(
        spool: SharedSpool,
        endpoint: Endpoint,
        config: &Config,
        machine: Uuid,
        log: Log,
    ) -> anyhow::Result<Self> {
        let to = endpoint.shown();
        let proxies = Proxies::from_environment();
        let http = Http::new(&endpoint, &proxies).with_context(|| format!("uploading to {to}"))?;
        let spread = START_SPREAD.min(config.upload.interval / 2);
        let pace = Pace { timeout: config.upload.timeout, start_delay: offset(machine, spread), ..Pace::default() };
        let (delivery, handle) = Delivery::new(spool.clone(), endpoint, http, Means::of_this_machine(pace, say(log)));
        let task = tokio::spawn(delivery.run());
        Ok(Self { spool, handle, task, to, log })
    }

    /// Begins anew with another configuration, on the same spool. `None` when that turns upload off.
    ///
    /// # Errors
    /// The new endpoint cannot be used; delivery has ended then.
    pub async fn restart(self, config: &Config, machine: Uuid) -> anyhow::Result<Option<Self>> {
        let (spool, log) = (self.spool.clone(), self.log);
        self.stop(Duration::from_secs(1)).await;
        let Some(endpoint) = endpoint(config, machine)? else { return Ok(None) };
        Self::deliver(spool, endpoint, config, machine, log).map(Some)
    }

    /// Puts a finished window into the spool.
    pub async fn put(&self, rollup: &Rollup) {
        match window(rollup) {
            Ok(window) => {
                if let Err(e) = self.spool.put(window).await {
                    self.log.error(format_args!("a finished window waits in memory: {}", crate::text::with_causes(&e)));
                }
            }
            Err(e) => self.log.error(format_args!("a window cannot be sent: {e:#}")),
        }
    }

    /// Saves the open window, for the case that this process is killed.
    pub async fn checkpoint(&self, rollup: &Rollup) -> Result<(), String> {
        let window = window(rollup).map_err(|e| format!("{e:#}"))?;
        self.spool.checkpoint(window, Durability::Process).await.map_err(|e| crate::text::with_causes(&e))
    }

    /// Sends everything that waits, and what was refused before, as a task of its own.
    pub fn send_now(&self) -> impl Future<Output = Option<Pass>> + Send + 'static {
        let handle = self.handle.clone();
        async move { handle.send_now(true).await }
    }

    /// How it goes.
    pub async fn status(&self) -> control::Uploads {
        let status = self.handle.status().await;
        control::Uploads {
            to: Some(self.to.clone()),
            state: status.to_string(),
            waiting: status.spool.waiting,
            parked: status.spool.parked,
            dropped: status.spool.dropped,
        }
    }

    /// Ends delivery in good order.
    pub async fn stop(self, within: Duration) {
        self.handle.stop(within).await;
        self.task.abort();
    }
}

/// A rollup without `sent_at`, which is set at each attempt.
///
/// # Errors
/// It has no `upload_id`, or is too long to be sent.
pub fn window(rollup: &Rollup) -> anyhow::Result<Window> {
    let mut body = serde_json::to_value(rollup)?;
    if let Some(fields) = body.as_object_mut() {
        fields.remove("sent_at");
    }
    let id = rollup.upload_id.context("a rollup without an upload_id")?;
    Ok(Window::new(id, rollup.period.started_at, rollup.period.ended_at, &body)?)
}

fn say(log: Log) -> Say {
    Say::to(move |notice: Notice| match notice {
        Notice::Recovered { .. } | Notice::Recovering { .. } => log.info(notice),
        Notice::Failing { .. } => log.warning(notice),
        _ => log.error(notice),
    })
}
