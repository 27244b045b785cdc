//! `watcher doctor --verify`: what the kernel counted for its own purposes, beside what the calls add up to, while
//! whatever runs on this machine runs. Reads; core's `verify` compares.

mod counters;
mod namespaces;
mod render;
mod sending;
mod sockets;

use std::{collections::HashMap, io::Write as _, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};
use watcher_core::{
    Aggregator, Retention, Source as _,
    verify::{Counted, Standing, Verdict, namespace, sockets as compare},
};

use self::{
    namespaces::{Half, Namespaces},
    sending::is_sending,
};
use crate::{cli::CollectorArgs, collector::{self, Collector}};

/// How often the calls are read meanwhile.
const EVERY: Duration = Duration::from_secs(1);
/// Readings at the end, until nothing moves in one of them.
const ROUNDS: u32 = 25;
/// Time between those.
const PAUSE: Duration = Duration::from_millis(40);

/// Nothing that has ended is listed.
const RETENTION: Retention = Retention {
    ended_flow: Duration::ZERO,
    max_ended_flows: 0,
    ended_process: Duration::ZERO,
    max_ended_processes: 0,
    max_remotes: 0,
};

/// The calls, as they are counted.
struct Calls {
    source: Collector,
    aggregator: Aggregator,
    counted: Counted,
}

impl Calls {
    async fn read(&mut self) -> anyhow::Result<()> {
        let batch = self.source.collect().await.context("reading what was counted")?;
        self.aggregator.apply_with(&batch, &mut self.counted);
        // What has ended is let go.
        self.aggregator.snapshot(self.source.quality());
        Ok(())
    }
}

/// Looks for so long, or until a signal, and writes what it found. Returns whether everything is explained.
///
/// # Errors
/// The calls cannot be counted, or the kernel's counters cannot be read.
pub async fn run(args: &CollectorArgs, time: Duration, json: bool) -> anyhow::Result<bool> {
    let source = collector::open(args, false)?;
    if source.quality().backend != "ebpf" {
        bail!("packets are compared with nothing: --verify needs eBPF; `watcher doctor` says why it is refused");
    }
    let mut calls = Calls { source, aggregator: Aggregator::new(RETENTION), counted: Counted::default() };
    let verdict = look(&mut calls, time).await?;
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &verdict)?;
        writeln!(out)?;
    } else {
        render::write(&mut out, &verdict)?;
    }
    Ok(verdict.unexplained.is_empty())
}

async fn look(calls: &mut Calls, time: Duration) -> anyhow::Result<Verdict> {
    let mut namespaces = Namespaces::open()?;
    // Twice: what the first reading finds was there before.
    calls.read().await?;
    let before = namespaces.survey()?;
    calls.read().await?;
    calls.counted.begin();
    let mut start = joined(before, namespaces.survey()?);
    let begun = Instant::now();
    eprintln!("watcher: looking for {} s; Ctrl-C ends it earlier", time.as_secs_f64());
    let mut ended = HashMap::new();
    wait(calls, begun + time, &mut namespaces, &mut ended).await?;
    let seconds = begun.elapsed().as_secs_f64();

    let mut rounds = 0;
    let (end, open) = loop {
        rounds += 1;
        namespaces.refresh(&mut ended)?;
        let before = namespaces.survey()?;
        calls.read().await?;
        let end = joined(before, namespaces.survey()?);
        let open = compare(&calls.counted, &start, &end, is_sending);
        if open.checked == open.equal || rounds == ROUNDS {
            break (end, open);
        }
        sleep(PAUSE).await;
    };
    ended.extend(end);
    let mut verdict = Verdict {
        seconds,
        ended: calls.counted.ended().clone(),
        open,
        losses: calls.counted.losses(),
        programs: calls.counted.programs(),
        namespaces_not_looked_at: namespaces.refused(),
        ..Verdict::default()
    };
    let payloads = calls.counted.namespaces();
    for (netns, payload) in payloads.iter().filter(|(netns, _)| !ended.contains_key(netns)) {
        let bytes = payload.bytes();
        verdict.elsewhere.add(bytes);
        verdict.namespaces_not_looked_at += u64::from(*netns != 0 && !namespaces.is_refused(*netns));
    }
    let map_full = verdict.losses.map_full > 0;
    for (netns, end) in &ended {
        let payload = payloads.get(netns).copied().unwrap_or_default();
        let start = start.remove(netns).unwrap_or_default();
        verdict.namespaces.push(namespace(*netns, &payload, &start, end, map_full));
    }
    let own = namespaces.own();
    verdict.namespaces.sort_by_key(|report| (report.netns != own, report.netns));
    Ok(verdict.judged())
}

async fn wait(
    calls: &mut Calls,
    until: Instant,
    namespaces: &mut Namespaces,
    ended: &mut HashMap<u32, Standing>,
) -> anyhow::Result<()> {
    let of = |kind| signal(kind).context("listening for signals");
    let (mut interrupt, mut terminate) = (of(SignalKind::interrupt())?, of(SignalKind::terminate())?);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            () = sleep_until(until) => return Ok(()),
            _ = ticks.tick() => {
                calls.read().await?;
                namespaces.refresh(ended)?;
            }
        }
    }
}

/// A namespace that came between the two is in neither, and looked at the next time.
fn joined(before: HashMap<u32, Half>, mut after: HashMap<u32, Half>) -> HashMap<u32, Standing> {
    let both = before.into_iter().filter_map(|(netns, a)| Some((netns, a, after.remove(&netns)?)));
    both.map(|(netns, a, b)| (netns, a.with(b))).collect()
}
