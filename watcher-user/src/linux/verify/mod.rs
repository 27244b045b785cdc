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
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};
use watcher_core::{
    Aggregator, Retention, Source as _,
    interfaces::Bytes,
    verify::{Counted, Standing, Verdict, namespace, sockets as compare},
};

use self::{
    namespaces::{Half, Namespaces},
    sending::is_sending,
};
use crate::{
    cli::CollectorArgs,
    collector::{self, Collector},
};

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
    let args = CollectorArgs { tell_releases: true, ..args.clone() };
    let source = collector::open(&args, false)?;
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
    let mut place = Place { namespaces: Namespaces::open()?, start: HashMap::new(), verdict: Verdict::default() };
    // Before anybody is told that it may be ended.
    let of = |kind| signal(kind).context("listening for signals");
    let mut signals = [of(SignalKind::interrupt())?, of(SignalKind::terminate())?];
    // Twice: what the first reading finds was there before.
    calls.read().await?;
    let before = place.namespaces.survey()?;
    calls.read().await?;
    calls.counted.begin();
    place.start = joined(before, place.namespaces.survey()?);
    let begun = Instant::now();
    eprintln!("watcher: looking for {} s; Ctrl-C ends it earlier", time.as_secs_f64());
    place.wait(calls, begun + time, &mut signals).await?;
    place.verdict.seconds = begun.elapsed().as_secs_f64();
    let end = place.last(calls).await?;
    for (netns, end) in &end {
        place.report(calls, *netns, end);
    }
    let Place { namespaces, mut verdict, .. } = place;
    verdict.namespaces_not_looked_at += namespaces.refused();
    for (netns, payload) in calls.counted.namespaces() {
        verdict.elsewhere.add(payload.bytes());
        let known = namespaces.is_refused(*netns) || payload.bytes() == Bytes::default();
        verdict.namespaces_not_looked_at += u64::from(!known);
    }
    verdict.ended = calls.counted.ended().clone();
    verdict.losses = calls.counted.losses();
    verdict.programs = calls.counted.programs();
    let own = namespaces.own();
    verdict.namespaces.sort_by_key(|report| (report.netns != own, report.netns));
    Ok(verdict.judged())
}

/// Where is looked, and what was found.
struct Place {
    namespaces: Namespaces,
    /// By number, when each began to be looked at.
    start: HashMap<u32, Standing>,
    verdict: Verdict,
}

impl Place {
    async fn wait(&mut self, calls: &mut Calls, until: Instant, signals: &mut [Signal; 2]) -> anyhow::Result<()> {
        let [interrupt, terminate] = signals;
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                () = sleep_until(until) => return Ok(()),
                _ = ticks.tick() => self.tick(calls).await?,
            }
        }
    }

    /// Reads the calls; namespaces that went are reported, others begin.
    async fn tick(&mut self, calls: &mut Calls) -> anyhow::Result<()> {
        let (new, gone) = self.namespaces.refresh()?;
        if new.is_empty() {
            calls.read().await?;
        } else {
            let before = self.namespaces.survey()?;
            calls.read().await?;
            let mut both = joined(before, self.namespaces.survey()?);
            for netns in new.iter().filter(|netns| !gone.contains_key(*netns)) {
                let Some(standing) = both.remove(netns) else { continue };
                // What came before the first look belongs to this one, or to one that had its number.
                self.verdict.elsewhere.add(calls.counted.take(*netns).bytes());
                self.start.insert(*netns, standing);
            }
        }
        for (netns, end) in &gone {
            self.report(calls, *netns, end);
        }
        Ok(())
    }

    fn report(&mut self, calls: &mut Calls, netns: u32, end: &Standing) {
        let payload = calls.counted.take(netns);
        let Some(start) = self.start.remove(&netns) else {
            self.verdict.elsewhere.add(payload.bytes());
            return;
        };
        let map_full = calls.counted.losses().map_full > 0;
        self.verdict.namespaces.push(namespace(netns, &payload, &start, end, map_full));
    }

    /// The last reading: again, until nothing moves on any connection, or often enough.
    async fn last(&mut self, calls: &mut Calls) -> anyhow::Result<HashMap<u32, Standing>> {
        self.tick(calls).await?;
        let mut rounds = 0;
        loop {
            rounds += 1;
            let before = self.namespaces.survey()?;
            calls.read().await?;
            let end = joined(before, self.namespaces.survey()?);
            self.verdict.open = compare(&calls.counted, &self.start, &end, is_sending);
            if self.verdict.open.checked == self.verdict.open.equal || rounds == ROUNDS {
                return Ok(end);
            }
            sleep(PAUSE).await;
        }
    }
}

/// A namespace that came between the two is in neither, and looked at the next time.
fn joined(before: HashMap<u32, Half>, mut after: HashMap<u32, Half>) -> HashMap<u32, Standing> {
    let both = before.into_iter().filter_map(|(netns, a)| Some((netns, a, after.remove(&netns)?)));
    both.map(|(netns, a, b)| (netns, a.with(b))).collect()
}
