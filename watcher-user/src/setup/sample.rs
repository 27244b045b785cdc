//! A real sample of what would be sent: this machine, these processes, this traffic, over a few seconds. Nothing is sent,
//! and nothing is written: an identity that does not exist yet is not made for it.

use std::{io::Write, time::Duration};

use anyhow::Context as _;
use jiff::Timestamp;
use uuid::Uuid;
use watcher_core::{
    Quality, Source,
    rollup::{Frame, Window},
};

use crate::{
    agent,
    clock::{self, WallClock},
    config::Config,
    hardware, samples, text, upload,
};

/// How long it watches.
pub const SPAN: Duration = Duration::from_secs(3);

/// What a window over `span` says.
///
/// # Errors
/// The collector, the processes or the clocks cannot be read.
pub async fn take<S: Source>(source: &mut S, config: &Config, span: Duration) -> anyhow::Result<upload::Window> {
    let mut sums = watcher_core::Aggregator::new(watcher_core::Retention::default());
    // What was there before the window began belongs to none.
    sums.apply(&source.collect().await.context("reading the counters")?);
    let mut window = Window::new(config.window_options());
    let full = config.privacy.commands == watcher_core::rollup::Commands::Full;
    let mut sampler = samples::Sampler::new(full);
    let (started_at, begun) = clock::read().context("reading the clocks")?;
    window.poll(sampler.poll().context("listing the processes")?);
    tokio::time::sleep(span).await;
    let batch = source.collect().await.context("reading the counters")?;
    sums.apply_with(&batch, &mut window.listen());
    window.poll(sampler.poll().context("listing the processes")?);
    let (ended_at, ended) = clock::read().context("reading the clocks")?;
    finish(window, source.quality(), (started_at, ended_at), ended.since(begun))
}

fn finish(
    window: Window,
    quality: &Quality,
    (started_at, ended_at): (Timestamp, Timestamp),
    duration: Duration,
) -> anyhow::Result<upload::Window> {
    let frame = Frame {
        upload_id: Uuid::new_v4(),
        started_at,
        ended_at,
        duration,
        booted_at: WallClock::measure().context("reading the clocks")?.at(watcher_core::BootTime(0)),
        running: true,
        machine: &hardware::profile(),
        quality,
        version: env!("CARGO_PKG_VERSION"),
    };
    let rollup = window.finish(&frame, &());
    agent::window(&rollup)
}

/// Shows the request that would carry it if upload were on.
///
/// # Errors
/// The address or the token cannot be used, or `out` cannot be written.
pub fn show(out: &mut impl Write, sample: &upload::Window, config: &Config, machine_id: Uuid) -> anyhow::Result<()> {
    let on = config.clone().flag("--upload", "upload.enabled", "true")?;
    let endpoint = agent::endpoint(&on, machine_id)?.context("upload cannot be turned on")?;
    let request = upload::dry_run(&endpoint, sample, Timestamp::now())?;
    writeln!(out, "{} {}", request.method, request.to)?;
    for (name, value) in &request.headers {
        writeln!(out, "{name}: {}", text::printable(value))?;
    }
    let body: serde_json::Value = serde_json::from_str(&request.body).context("reading the sample back")?;
    for line in watcher_core::json::to_string_pretty(&body)?.lines() {
        writeln!(out, "{}", text::printable(line))?;
    }
    writeln!(out, "({} bytes; sent without these line breaks)", request.body.len())?;
    Ok(())
}
