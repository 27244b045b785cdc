//! What a daemon holds between its start and its end.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::{sync::oneshot, time::Instant};
use uuid::Uuid;
use watcher_core::{
    Aggregator, Delta, Losses, Observer, ProcessEvent, Quality, Retention, Source, Traffic, Truth,
    history::Query,
    rollup::{Commands, Frame, Policy, Profile, Rollup, Window, WindowOptions},
};

use super::{
    Options,
    log::{Complaints, Log},
    recorder::Recorder,
    summary::{Summary, heaviest},
    uploads::Uploads,
};
use crate::{
    alerts,
    config::Config,
    control::{self, Answer, Status, Told},
    hardware,
    names::Asking,
    samples::Sampler,
    sandbox::InForce,
    units::Units,
    upload::{Reading, WindowClock, WindowSpan, offset},
};

/// For the open window to be spooled and for delivery to end, when told to stop.
const STOP_WITHIN: Duration = Duration::from_millis(1200);

/// So many flows in one reading are a burst.
const BURST: usize = 4000;
/// A client that asked within this time will ask again.
const ASKED_LATELY: Duration = Duration::from_secs(15);

/// Everything.
pub struct Life<S> {
    source: S,
    sums: Aggregator,
    quality: Quality,
    /// The window that is open, and its name.
    window: Window,
    window_id: Uuid,
    clock: WindowClock,
    /// The window that never ends, for the summary.
    whole: Window,
    sampler: Sampler,
    sampled: Option<Instant>,
    /// When the newest reading began.
    read_at: Instant,
    polls: u64,
    /// To and from elsewhere, as of the last report.
    moved: Traffic,
    started: Reading,
    machine: Profile,
    machine_id: Uuid,
    config: Config,
    config_file: Option<String>,
    config_error: Option<String>,
    state: PathBuf,
    uploads: Option<Uploads>,
    /// `None` while it is off, or cannot be written.
    recorder: Option<Recorder>,
    told: Arc<Told>,
    log: Log,
    complaints: Complaints,
    asking: Asking,
    alerts: alerts::Keeper,
    /// When a client last got a snapshot.
    shown: Option<Instant>,
    /// What was given up; `None` when that was not wanted.
    pub(super) sandbox: Option<InForce>,
}

/// Several listeners on one aggregator.
struct All<'a, const N: usize>([&'a mut dyn Observer; N]);

impl<const N: usize> Observer for All<'_, N> {
    fn process(&mut self, event: &ProcessEvent) {
        self.0.iter_mut().for_each(|listener| listener.process(event));
    }
    fn flow(&mut self, delta: &Delta<'_>) {
        self.0.iter_mut().for_each(|listener| listener.flow(delta));
    }
    fn losses(&mut self, losses: &Losses, truth: &Truth) {
        self.0.iter_mut().for_each(|listener| listener.losses(losses, truth));
    }
}

/// What stays on the machine names everything.
pub(crate) fn open_policy(list_loopback: bool) -> WindowOptions {
    let policy = Policy { commands: Commands::Full, hostname: true, ..Policy::default() };
    WindowOptions { policy, list_loopback, ..WindowOptions::default() }
}

fn open_clock(config: &Config, machine: Uuid, now: Reading) -> WindowClock {
    let interval = config.upload.interval;
    WindowClock::start(now, interval, offset(machine, interval))
}

impl<S: Source> Life<S> {
    /// Opens the first window and, if the user has opted in, the spool.
    #[expect(clippy::too_many_arguments, reason = "each is made by the caller before privilege is given up")]
    pub fn begin(
        source: S,
        options: &Options,
        config: Config,
        state: PathBuf,
        machine_id: Uuid,
        log: Log,
        told: Arc<Told>,
        helper: Option<alerts::Helper>,
    ) -> anyhow::Result<Self> {
        let now = Reading::now().context("reading the clocks")?;
        let uploads = Uploads::start(&config, &state, machine_id, log)?;
        let asking = asking(&config, log);
        let recorder = recorder(&config, &state, source.quality(), log);
        let alerts = alerts::Keeper::begin(&config, &state, &told, log, helper);
        Ok(Self {
            quality: source.quality().clone(),
            source,
            sums: Aggregator::new(Retention::default()),
            window: Window::new(config.window_options()),
            window_id: Uuid::new_v4(),
            clock: open_clock(&config, machine_id, now),
            whole: Window::new(open_policy(false)),
            sampler: Sampler::new(true),
            sampled: None,
            read_at: Instant::now(),
            polls: 0,
            moved: Traffic::default(),
            started: now,
            machine: hardware::profile(),
            machine_id,
            config_file: options.file().exists().then(|| options.file().display().to_string()),
            config_error: None,
            config,
            state,
            uploads,
            recorder,
            told,
            log,
            complaints: Complaints::default(),
            asking,
            alerts,
            shown: None,
            sandbox: None,
        })
    }

    /// Reads the counters, and ends the window if its time has come.
    pub async fn read(&mut self) -> anyhow::Result<()> {
        self.read_at = Instant::now();
        let batch = self.source.collect().await.context("reading the counters")?;
        {
            let mut ended = self.told.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let mut opened = self.told.opened.lock().unwrap_or_else(PoisonError::into_inner);
            let mut insights = self.told.insights.lock().unwrap_or_else(PoisonError::into_inner);
            let mut alerts = self.told.alerts.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut window, mut whole) = (self.window.listen(), self.whole.listen());
            let listeners: [&mut dyn Observer; 7] =
                [&mut window, &mut whole, &mut self.recorder, &mut *ended, &mut *opened, &mut *insights, &mut *alerts];
            self.sums.apply_with(&batch, &mut All(listeners));
        }
        self.log_queries();
        self.quality = self.source.quality().clone();
        if batch.flows.len() > BURST {
            drop(batch);
            self.calm_down();
        }
        let now = Reading::now().context("reading the clocks")?;
        self.alerts.tick(now, &self.told);
        if let Some(span) = self.clock.observe(now) {
            if let Some(step) = span.clock_step {
                self.log.warning(format_args!("the clock was set by {step:#}: a window ends early"));
            }
            self.finish(span, now, true).await;
        }
        Ok(())
    }

    /// Closes the second, and writes what is to be written.
    pub fn record(&mut self) {
        if let (Some(recorder), Ok(now)) = (&mut self.recorder, Reading::now()) {
            recorder.tick(now, self.log, &mut self.complaints);
        }
    }

    /// Answers from the history, with everything up to now.
    pub async fn recall(&mut self, query: Query, reply: oneshot::Sender<Answer>) -> anyhow::Result<()> {
        self.read().await?;
        let now = Reading::now().context("reading the clocks")?;
        let Some(recorder) = &mut self.recorder else {
            let why = "this watcher keeps no history: see its log, and history.enabled";
            drop(reply.send(Answer::Error(why.to_owned())));
            return Ok(());
        };
        recorder.answer(query, now, self.log, &mut self.complaints, move |report| {
            let found =
                report.map_or_else(|e| Answer::Error(e.to_string()), |report| Answer::History(Box::new(report)));
            drop(reply.send(found));
        });
        Ok(())
    }

    /// New entries of the query log, with whom they are of.
    fn log_queries(&self) {
        let mut log = self.told.queries.lock().unwrap_or_else(PoisonError::into_inner);
        for query in self.sums.directory().queries().after(log.last()) {
            log.add(Arc::clone(query), self.sums.process(query.process).cloned().unwrap_or_default());
        }
    }

    /// Hands out a snapshot, for a client that waits.
    pub fn show(&mut self) {
        self.shown = Some(Instant::now());
        self.told.set_snapshot(self.sums.snapshot(&self.quality), self.read_at);
    }

    /// After a burst: what has ended leaves the lists now, not in five seconds, and the memory goes back.
    fn calm_down(&mut self) {
        drop(self.sums.snapshot(&self.quality));
        #[cfg(target_os = "linux")]
        crate::linux::load::give_back_memory();
    }

    /// Every few seconds: process samples, the open window to disk, the short report.
    pub async fn sample_if_due(&mut self) {
        if self
            .sampled
            .is_some_and(|at| at.elapsed() + Duration::from_millis(100) < self.config.collect.sample_interval)
        {
            return;
        }
        self.sampled = Some(Instant::now());
        self.polls += 1;
        let sampled = match self.sampler.poll() {
            Ok(samples) => {
                let samples: Vec<_> = samples.collect();
                self.window.poll(samples.iter().copied());
                self.whole.poll(samples);
                Ok(())
            }
            Err(e) => Err(e.to_string()),
        };
        self.complaints.note(self.log, "sampling processes", sampled);
        let Ok(now) = Reading::now() else { return };
        let open = self.rollup(&self.window, self.window_id, self.clock.as_of(now), now, true);
        if let Some(uploads) = &self.uploads {
            let saved = uploads.checkpoint(&open).await;
            self.complaints.note(self.log, "saving the open window", saved);
        }
        self.told.set_window(open);
        self.alerts.save(&self.told);
        self.report(now, true);
        self.tell_status(now).await;
    }

    /// The short report, to clients and to its file.
    fn report(&mut self, now: Reading, running: bool) {
        let snapshot = self.sums.snapshot(&self.quality);
        self.asking.exchange(&mut self.sums, snapshot.at);
        let span = WindowSpan {
            started_at: self.started.wall,
            ended_at: now.wall.max(self.started.wall),
            duration: now.boot.since(self.started.boot),
            clock_step: None,
        };
        let summary = Summary {
            pid: std::process::id(),
            running,
            started_at: self.started.wall,
            updated_at: now.wall,
            since_start: self.rollup(&self.whole, self.machine_id, span, now, running),
            flows: heaviest(&snapshot, false),
        };
        self.moved = snapshot.totals.traffic.network;
        // Nobody asks: then nobody keeps it.
        match self.shown.filter(|at| at.elapsed() < ASKED_LATELY) {
            Some(_) => self.told.set_snapshot(snapshot, self.read_at),
            None => self.told.forget_snapshot(),
        }
        let written = summary.write(&self.state).map_err(|e| e.to_string());
        self.complaints.note(self.log, "writing summary.json", written);
        self.told.set_summary(summary);
    }

    fn rollup(&self, window: &Window, upload_id: Uuid, span: WindowSpan, now: Reading, running: bool) -> Rollup {
        let frame = Frame {
            upload_id,
            started_at: span.started_at,
            ended_at: span.ended_at,
            duration: span.duration,
            booted_at: booted_at(now),
            running,
            machine: &self.machine,
            quality: &self.quality,
            version: env!("CARGO_PKG_VERSION"),
        };
        window.clone().finish(&frame, self.sums.directory())
    }

    /// Ends the open window and opens the next.
    async fn finish(&mut self, span: WindowSpan, now: Reading, running: bool) {
        let rollup = self.rollup(&self.window, self.window_id, span, now, running);
        self.window = Window::new(self.config.window_options());
        self.window_id = Uuid::new_v4();
        if let Some(uploads) = &self.uploads {
            uploads.put(&rollup).await;
        }
    }

    /// Reads the configuration again. What it says now is in force when this returns, or, if it is wrong, nothing of it.
    pub async fn reload(&mut self, options: &Options) -> Result<String, String> {
        match self.take_over(options).await {
            Ok(()) => {
                self.config_error = None;
                Ok(match &self.config_file {
                    Some(file) => format!("the configuration was read again from {file}"),
                    None => format!("there is no {}: the defaults are in force", options.file().display()),
                })
            }
            Err(e) => {
                let why = format!("the configuration stays as it was: {e:#}");
                self.config_error = Some(why.clone());
                Err(why)
            }
        }
    }

    async fn take_over(&mut self, options: &Options) -> anyhow::Result<()> {
        let config = options.configuration()?;
        anyhow::ensure!(
            Options::state(&config)? == self.state,
            "paths.state cannot change while watcher runs: restart it"
        );
        anyhow::ensure!(
            config.names.passive == self.config.names.passive,
            "names.passive cannot change while watcher runs: restart it"
        );
        super::endpoint(&config, self.machine_id)?;
        let now = Reading::now()?;
        let span = self.clock.close(now);
        // The window that was open ends under the policy that it began with.
        self.finish(span, now, true).await;
        self.uploads = match self.uploads.take() {
            Some(uploads) => uploads.restart(&config, self.machine_id).await?,
            None => Uploads::start(&config, &self.state, self.machine_id, self.log)?,
        };
        self.clock = open_clock(&config, self.machine_id, now);
        self.window = Window::new(config.window_options());
        self.sums.directory_mut().ask_reverse(config.names.ptr);
        self.asking = asking(&config, self.log);
        match &mut self.recorder {
            Some(recorder) if config.history.enabled => recorder.set_interval(config.history.interval),
            Some(_) => self.recorder.take().into_iter().for_each(|recorder| self.stop_recording(recorder)),
            None => self.recorder = recorder(&config, &self.state, &self.quality, self.log),
        }
        self.alerts.replace(&config, &self.told);
        self.config = config;
        self.config_file = options.file().exists().then(|| options.file().display().to_string());
        Ok(())
    }

    /// Sends what waits, without holding up anything.
    pub fn send_now(&self, reply: oneshot::Sender<Answer>) {
        let Some(uploads) = &self.uploads else {
            drop(reply.send(Answer::Error("upload is off: see [upload] in the configuration".to_owned())));
            return;
        };
        let sending = uploads.send_now();
        tokio::spawn(async move {
            let said = match sending.await {
                None => Err("delivery has ended".to_owned()),
                Some(pass) => match pass.failure {
                    Some(why) => Err(format!("{} sent, {} wait: {why}", pass.taken, pass.waiting)),
                    None => Ok(format!("{} sent, {} refused, {} wait", pass.taken, pass.parked, pass.waiting)),
                },
            };
            drop(reply.send(said.into()));
        });
    }

    async fn tell_status(&mut self, now: Reading) {
        let upload = match &self.uploads {
            Some(uploads) => uploads.status().await,
            None => control::Uploads { to: None, state: "off".to_owned(), waiting: 0, parked: 0, dropped: 0 },
        };
        let until = jiff::SignedDuration::try_from(self.clock.until_due(now)).unwrap_or_default();
        self.told.set_status(Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started.wall,
            backend: self.quality.backend.to_string(),
            exact: self.quality.is_exact(),
            degraded: self.quality.degraded.iter().map(|d| format!("{}: {}", d.capability, d.why)).collect(),
            polls: self.polls,
            window_ends_at: now.wall.checked_add(until).unwrap_or(Timestamp::MAX),
            config_file: self.config_file.clone(),
            config_error: self.config_error.clone(),
            sandbox: self.sandbox.clone(),
            upload,
        });
    }

    /// For `systemctl status`.
    pub fn status_line(&self) -> String {
        let mib = |bytes| Units::default().amount(bytes);
        format!("{} received, {} sent; {} polls", mib(self.moved.rx_bytes), mib(self.moved.tx_bytes), self.polls)
    }

    /// The last reading, the open window into the spool, the last report.
    pub async fn end(mut self) -> anyhow::Result<()> {
        self.read().await?;
        let now = Reading::now()?;
        let span = self.clock.close(now);
        self.finish(span, now, false).await;
        self.report(now, false);
        if let Some(recorder) = self.recorder.take() {
            self.stop_recording(recorder);
        }
        self.alerts.end(&self.told);
        if let Some(uploads) = self.uploads.take() {
            uploads.stop(STOP_WITHIN).await;
        }
        Ok(())
    }

    fn stop_recording(&self, recorder: Recorder) {
        let ended = Reading::now().map_err(anyhow::Error::from);
        if let Err(e) = ended.and_then(|now| recorder.end(now, STOP_WITHIN / 2, self.log)) {
            self.log.error(format_args!("{e:#}"));
        }
    }
}

/// Without a history, everything else goes on.
fn recorder(config: &Config, state: &Path, quality: &Quality, log: Log) -> Option<Recorder> {
    if !config.history.enabled {
        return None;
    }
    let started = Recorder::start(state, config.history.interval, quality, log);
    started.map_err(|why| log.error(format_args!("no history is written: {why}"))).ok()
}

/// Without somebody to ask, addresses go by themselves.
fn asking(config: &Config, log: Log) -> Asking {
    Asking::start(&config.names).unwrap_or_else(|why| {
        log.warning(format_args!("addresses without a name stay without: {why}"));
        Asking::nobody()
    })
}

fn booted_at(now: Reading) -> Timestamp {
    Timestamp::from_nanosecond(now.wall.as_nanosecond() - i128::from(now.boot.0)).unwrap_or(Timestamp::UNIX_EPOCH)
}
