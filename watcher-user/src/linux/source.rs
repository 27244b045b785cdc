//! The collector as a [`Source`]: reads maps and ring, and puts what it read into an order that keeps promises.
//!
//! A process that a batch reports as ended has its final bytes in that same batch or an earlier one: ends are taken from
//! the ring *before* the maps are read, and ends that arrive meanwhile wait for the next batch.

use std::{
    collections::{HashMap, HashSet},
    io,
    time::{Duration, Instant},
};

use aya::maps::RingBuf;
use thiserror::Error;
use watcher_common::{BARE_EPOCH, FlowKey, Loss, ProcessExit, SocketKey, SocketRecord, flag, kind};
use watcher_core::{
    Batch, BootTime, DegradationReason, FlowState, Grade, Losses, ProcessEvent, ProcessId, Quality, SocketId, Source,
};

use super::{
    Config,
    bare::{Entries, Join, Shown, ends_with_process},
    census::Census,
    convert::{Converter, Stage, state},
    heads::Heads,
    host::{host, now_boot},
    ladder::{DATAGRAM_ENDS, LIFECYCLES, NAMES, PROCESSES, Way},
    load::{LoadError, Outcome, Probes, load},
    maps::Sockets,
    misses::{Hits, Misses},
    processes::Processes,
    ring::{Birth, Drained, Ring},
    unheard::Unheard,
    vanished::{self, Open},
};

/// Ticks by which the iterator's look back overlaps the run before: at least 0.3 s at any CONFIG_HZ.
const OVERLAP: u64 = 300;
/// How often the host's own addresses are asked for.
const ADDRESSES_EVERY: Duration = Duration::from_secs(5);
/// How often everything is read, changed or not.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// A reading failed.
#[derive(Debug, Error)]
#[error("reading {what}: {source}")]
pub struct ReadError {
    what: &'static str,
    source: io::Error,
}

fn reading(what: &'static str) -> impl FnOnce(io::Error) -> ReadError {
    move |source| ReadError { what, source }
}

/// How a socket ended, for the entries in the flow map that belong to it.
type Ended = HashMap<SocketKey, FlowState>;

/// The eBPF collector.
pub struct EbpfSource {
    probes: Probes,
    ring: Ring<Drained>,
    /// None while names are not looked for.
    heads: Option<Ring<Heads>>,
    processes: Processes,
    converter: Converter,
    quality: Quality,
    addresses_read: Option<Instant>,
    swept: Option<Instant>,
    /// Ends that came while the maps were being read.
    exits: Vec<ProcessExit>,
    unheard: Unheard,
    ended: Ended,
    open: Open,
    /// Calls are counted by programs that do not know the socket's record.
    bare: bool,
    /// The end of every socket is told of, and every one that is open is read.
    tells_ends: bool,
    join: Join,
    misses: Misses,
    hits: Hits,
    /// Ends of sockets that no program saw, and records that were none.
    untold_ends: u64,
    malformed: u64,
}

impl EbpfSource {
    /// Loads and attaches the programs, seeds the sockets and processes that exist. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the kernel or the lack of privilege does not allow it.
    pub fn start(config: &Config) -> Result<Self, LoadError> {
        let mut probes = load(config)?;
        let map = probes.ebpf.take_map("EVENTS").and_then(|map| RingBuf::try_from(map).ok());
        let ring = map.ok_or_else(|| LoadError::Refused("the object file has no ring buffer".to_owned()))?;
        let io = |source| LoadError::Io { doing: "watching the ring buffer", source };
        let ring = Ring::start(ring).map_err(io)?;
        let seen = probes.has(NAMES);
        let heads = probes.ebpf.take_map("HEADS").filter(|_| seen).and_then(|map| RingBuf::try_from(map).ok());
        let heads = heads.map(Ring::start).transpose().map_err(io)?;
        if config.log.is_some() {
            super::log::start(&mut probes.ebpf);
        }
        let quality = quality(&probes.outcomes);
        let bare = probes.outcomes.iter().filter_map(|outcome| outcome.way).any(Way::is_bare);
        let by_file = probes.traits.racy_storage_iterator;
        if by_file || config.tell_releases {
            probes.maps.tell_releases();
        }
        let tells_ends = !bare && !by_file && probes.has(DATAGRAM_ENDS) && probes.has(LIFECYCLES);
        let mut this = Self {
            probes,
            ring,
            heads,
            processes: Processes::default(),
            converter: Converter { complete_since: BootTime(now_boot()), ..Converter::default() },
            quality,
            addresses_read: None,
            swept: None,
            exits: Vec::new(),
            unheard: Unheard::new(),
            ended: Ended::new(),
            open: Open::default(),
            bare,
            tells_ends,
            join: Join::default(),
            misses: Misses::default(),
            hits: Hits::default(),
            untold_ends: 0,
            malformed: 0,
        };
        this.processes_running().map_err(|source| LoadError::Io { doing: "listing the processes that run", source })?;
        Ok(this)
    }

    /// How each capability was got.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.probes.outcomes
    }

    fn processes_running(&mut self) -> io::Result<()> {
        for fork in Census::take(&self.probes.ebpf)?.running {
            self.processes.born(&Birth::Fork(fork), &mut Vec::new());
        }
        Ok(())
    }

    /// The processes that run, now and then: some of the others may have ended unheard.
    fn census(&mut self) -> Result<Option<Census>, ReadError> {
        self.look_for_misses();
        if !self.unheard.is_due(self.events_lost()) {
            return Ok(None);
        }
        Census::take(&self.probes.ebpf).map(Some).map_err(reading("the processes that run"))
    }

    /// Ends that nobody told of, beside those that somebody did.
    fn unheard(&mut self, census: &Census, told: &HashSet<ProcessId>) -> Vec<ProcessExit> {
        if self.unheard.look(self.events_lost()) {
            self.processes.repair(&census.running);
        }
        if !census.whole {
            return Vec::new();
        }
        let missing = self.processes.missing(census).into_iter().filter(|missing| !told.contains(&missing.id));
        let ended = self.unheard.ended(missing, BootTime(now_boot()));
        ended.into_iter().map(|(id, at)| unheard_end(id, at)).collect()
    }

    /// Process events that nobody told of and that were counted.
    fn events_lost(&self) -> u64 {
        self.probes.maps.lost(Loss::ProcessEvent) + self.misses.events
    }

    fn read(&mut self) -> Result<Batch, ReadError> {
        let mut batch = Batch::default();
        self.refresh_addresses();
        let before = self.ring.take();
        let census = self.census()?;
        let mut exits = std::mem::take(&mut self.exits);
        exits.extend(&before.exits);
        let waiting = self.probes.maps.take_waiting().map_err(reading("the records that waited"))?;
        let unheard_of = self.probes.maps.lost(Loss::MapFull) + self.untold_ends;
        let looks = self.open.is_due(unheard_of);
        let since = if looks { 0 } else { self.since() };
        let begun = BootTime(now_boot());
        let Sockets { changed: live, untold, .. } = self.sockets(since)?;
        let looks = looks || (since == 0 && self.tells_ends && untold.is_some());
        let after = self.ring.take();
        self.malformed += before.malformed + after.malformed;
        let mut entries = Entries::new(self.probes.maps.flows().map_err(reading("the flow map"))?);
        // After the counters: what moved the bytes that they tell of is in it.
        batch.heard = self.heads.as_ref().map(Ring::take).unwrap_or_default();

        self.births(&before, &mut batch);
        for record in before.sockets.iter().chain(&waiting) {
            self.socket(record, Stage::Final, &mut entries, &mut batch);
        }
        for record in &live {
            self.socket(record, Stage::Live, &mut entries, &mut batch);
        }
        self.births(&after, &mut batch);
        for record in &after.sockets {
            self.socket(record, Stage::Final, &mut entries, &mut batch);
        }
        if looks {
            self.vanished(unheard_of, &live, &mut batch);
        }
        self.exits.extend(&after.exits);
        let mut gone: HashSet<ProcessId> = exits.iter().map(exited).collect();
        if let Some(census) = census {
            let unheard = self.unheard(&census, &gone);
            gone.extend(unheard.iter().map(exited));
            exits.extend(unheard);
        }
        self.flows(&entries, &gone, (since, begun), &mut batch)?;
        self.overflow(&mut batch)?;
        for exit in &exits {
            self.processes.exited(exited(exit));
            batch.processes.push(ProcessEvent::Exited { id: exited(exit), at: BootTime(exit.at) });
        }
        batch.losses = self.losses();
        batch.at = BootTime(now_boot());
        Ok(batch)
    }

    fn births(&mut self, drained: &Drained, batch: &mut Batch) {
        for birth in &drained.births {
            self.processes.born(birth, &mut batch.processes);
        }
    }

    /// Sockets whose end found no room anywhere.
    fn vanished(&mut self, unheard_of: u64, live: &[SocketRecord], batch: &mut Batch) {
        let end = FlowState::Closed { reason: watcher_core::CloseReason::Released, at: BootTime(now_boot()) };
        for key in self.open.vanished(unheard_of, live) {
            batch.vanished.push(SocketId { cookie: key.cookie, epoch: key.epoch });
            self.ended.insert(key, end);
            if self.bare {
                self.ended.insert(SocketKey { epoch: BARE_EPOCH, ..key }, end);
            }
        }
    }

    fn socket(&mut self, record: &SocketRecord, stage: Stage, entries: &mut Entries, batch: &mut Batch) {
        let mut record = *record;
        let released = record.flags & (flag::RELEASED | flag::FINAL) == flag::RELEASED;
        let stage = if released { Stage::Live } else { stage };
        if self.bare {
            self.join.complete(&mut record, stage, entries);
        }
        let shared = record.other_tx_bytes > 0 || record.other_rx_bytes > 0;
        if stage == Stage::Final && shared {
            let key = SocketKey { cookie: record.cookie, epoch: record.epoch, pad: 0 };
            self.ended.insert(key, state(&record, stage));
        }
        if stage == Stage::Final && self.bare && record.flags & flag::FINAL != 0 {
            let key = SocketKey { cookie: record.cookie, epoch: BARE_EPOCH, pad: 0 };
            self.ended.insert(key, state(&record, stage));
        }
        if stage == Stage::Final {
            self.open.end(vanished::key(&record));
        }
        let Some(sample) = self.converter.socket(&record, stage) else { return };
        if stage == Stage::Live {
            self.open.show(vanished::key(&record));
        }
        self.processes.introduce(sample.id.process, &record.comm, record.uid, &mut batch.processes);
        batch.flows.push(sample);
    }

    /// The flow map, read after the sockets. Entries of sockets and packet processes that have ended cannot change any more
    /// and are taken out. `since`: the tick from which on changes were asked for, and when the reading of the sockets began.
    fn flows(
        &mut self,
        entries: &Entries,
        gone: &HashSet<ProcessId>,
        since: (u64, BootTime),
        batch: &mut Batch,
    ) -> Result<(), ReadError> {
        let ended = std::mem::take(&mut self.ended);
        let mut over: Vec<FlowKey> = Vec::new();
        for (key, value) in entries.iter() {
            let socket = SocketKey { cookie: key.cookie, epoch: key.epoch, pad: 0 };
            let mut end = ended.get(&socket).copied();
            if end.is_none() && ends_with_process(key, value, |id| gone.contains(id)) {
                end = Some(FlowState::Closed { reason: watcher_core::CloseReason::Released, at: BootTime(now_boot()) });
            }
            if end.is_some() {
                over.push(*key);
            }
            if end.is_none() && value.last_jiffies < since.0 {
                continue;
            }
            let id = ProcessId { tgid: key.tgid, start: BootTime(key.start) };
            let last = end.is_some() || gone.contains(&id);
            let Shown::As(epoch) = self.join.shown(key, value, since.1, last) else { continue };
            self.processes.introduce(id, &value.comm, value.uid, &mut batch.processes);
            batch.flows.push(self.converter.flow(&FlowKey { epoch, ..*key }, value, end));
        }
        self.remove(&over)
    }

    fn overflow(&mut self, batch: &mut Batch) -> Result<(), ReadError> {
        for (key, value) in self.probes.maps.overflow().map_err(reading("the overflow entries"))? {
            let id = ProcessId { tgid: key.tgid, start: BootTime(key.start) };
            self.processes.introduce(id, &value.comm, value.uid, &mut batch.processes);
            let flow = FlowKey {
                cookie: 0,
                start: key.start,
                tgid: key.tgid,
                epoch: 0,
                remote: [0; 16],
                remote_port: 0,
                pad: [0; 3],
            };
            batch.flows.push(self.converter.flow(&flow, &value, None));
        }
        Ok(())
    }

    /// Every socket that changed since a tick.
    fn sockets(&mut self, since: u64) -> Result<Sockets, ReadError> {
        let swept = self.swept.replace(Instant::now()).filter(|at| at.elapsed() <= SWEEP_EVERY);
        if let Some(swept) = swept {
            self.swept = Some(swept);
        } else if self.converter.clock.is_known() {
            // Repairs what could not be seeded, such as a descriptor that was in flight at the start.
            self.probes.seed().map_err(|e| reading("the sockets")(io::Error::other(e)))?;
        }
        let sockets = self.probes.maps.sockets(since).map_err(reading("the sockets"))?;
        self.converter.clock.advance(sockets.tick, sockets.boot);
        let untold = sockets.untold.filter(|_| self.tells_ends).unwrap_or(0);
        if untold > self.untold_ends {
            self.untold_ends = untold;
            // Others may follow. A connection's bytes need not wait for its end.
            self.probes.maps.tell_releases();
        }
        Ok(sockets)
    }

    /// The tick from which on changes are asked for.
    fn since(&self) -> u64 {
        if self.bare || self.swept.is_none_or(|at| at.elapsed() > SWEEP_EVERY) {
            return 0;
        }
        self.converter.clock.tick.saturating_sub(OVERLAP)
    }

    fn remove(&mut self, keys: &[FlowKey]) -> Result<(), ReadError> {
        for key in keys {
            self.join.forget(key);
            self.probes.maps.forget_flow(key).map_err(reading("the flow map"))?;
        }
        Ok(())
    }

    fn look_for_misses(&mut self) {
        let Probes { ebpf, outcomes, traits, maps, kprobes } = &self.probes;
        if let Some(kprobes) = kprobes {
            let before = maps.runs();
            if let Some(profile) = kprobes.profile() {
                self.hits.look(profile, (before, maps.runs()));
            }
        }
        let programs = outcomes.iter().filter_map(|outcome| outcome.way).flat_map(|way| way.programs);
        self.misses.look(ebpf, programs, traits.preemptible_tracepoints);
    }

    fn losses(&mut self) -> Losses {
        self.look_for_misses();
        let maps = &self.probes.maps;
        Losses {
            ring_full: maps.lost(Loss::RingFull),
            map_full: maps.lost(Loss::MapFull),
            storage_failed: maps.lost(Loss::StorageFailed),
            // An end that the kernel had no instance for is in both, or, before it told of these, in the second.
            recursion_misses: self.misses.calls + self.hits.lost.max(maps.lost(Loss::Call)),
            process_events: self.events_lost().max(self.ends_lost()),
            state_changes: maps.lost(Loss::State),
            untold_ends: self.untold_ends + self.malformed,
            heads: maps.lost(Loss::Head),
            frames: 0,
            unattributed_tx_bytes: maps.lost(Loss::LostTx),
            unattributed_rx_bytes: maps.lost(Loss::LostRx),
        }
    }

    /// Ends that nobody told of, counted or not; where programs are there to tell of them.
    fn ends_lost(&self) -> u64 {
        if self.probes.has(PROCESSES) { self.unheard.found } else { 0 }
    }

    fn refresh_addresses(&mut self) {
        if self.addresses_read.is_some_and(|at| at.elapsed() < ADDRESSES_EVERY) {
            return;
        }
        self.addresses_read = Some(Instant::now());
        if let Some(host) = host() {
            self.converter.host = host;
        }
    }
}

impl Source for EbpfSource {
    type Error = ReadError;

    async fn collect(&mut self) -> Result<Batch, ReadError> {
        self.read()
    }

    fn quality(&self) -> &Quality {
        &self.quality
    }
}

fn unheard_end(id: ProcessId, at: BootTime) -> ProcessExit {
    ProcessExit { kind: kind::EXIT, tgid: id.tgid, start: id.start.0, at: at.0 }
}

fn exited(exit: &ProcessExit) -> ProcessId {
    ProcessId { tgid: exit.tgid, start: BootTime(exit.start) }
}

/// A capability got in another way than the best is as good: only one that is missing, or lacks a part, is a degradation.
fn quality(outcomes: &[Outcome]) -> Quality {
    let mut degraded = Vec::new();
    for outcome in outcomes {
        let missed = |symbol| outcome.way.is_none_or(|way| way.programs.iter().any(|p| p.symbol == symbol));
        for (what, why) in outcome.refused.iter().filter(|(symbol, _)| missed(*symbol)) {
            degraded.push(DegradationReason {
                capability: outcome.capability.name.to_owned(),
                why: format!("{what}: {why}"),
            });
        }
    }
    Quality { backend: "ebpf".into(), grade: Grade::Pid, degraded }
}
