//! The collector as a [`Source`]: reads maps and ring, and puts what it read into an order that keeps promises.
//!
//! A process that a batch reports as ended has its final bytes in that same batch or an earlier one: ends are taken from
//! the ring *before* the maps are read, and ends that arrive meanwhile wait for the next batch.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use aya::maps::{Array, Map, MapData, PerCpuArray, RingBuf};
use thiserror::Error;
use watcher_common::{
    FlowCounters, FlowKey, Loss, OverflowKey, ProcessExit, ProcessFork, SocketKey, SocketRecord, kind, reading,
};
use watcher_core::{
    Batch, BootTime, DegradationReason, FlowState, Grade, Losses, ProcessEvent, ProcessId, Quality, Source,
};

use super::{
    Config,
    convert::{Converter, Stage, state},
    host::{host, now_boot},
    iterate::read_records,
    load::{LoadError, Outcome, Probes, load},
    processes::{Census, Processes},
    raw,
    ring::{Birth, Drained, Ring},
};

/// Ticks by which the iterator's look back overlaps the run before: at least 0.3 s at any CONFIG_HZ.
const OVERLAP: u64 = 300;
/// How often the host's own addresses are asked for.
const ADDRESSES_EVERY: Duration = Duration::from_secs(5);
/// How often everything is read, changed or not.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// A reading failed.
#[derive(Debug, Error)]
#[error("{doing}: {source}")]
pub struct ReadError {
    doing: &'static str,
    source: io::Error,
}

/// How a socket ended, for the entries in the flow map that belong to it.
type Ended = HashMap<SocketKey, FlowState>;

/// The eBPF collector.
pub struct EbpfSource {
    probes: Probes,
    ring: Ring,
    processes: Processes,
    converter: Converter,
    quality: Quality,
    first_clock: Option<(u64, u64)>,
    addresses_read: Option<Instant>,
    swept: Option<Instant>,
    /// Ends that came while the maps were being read.
    exits: Vec<ProcessExit>,
    /// Process events that had got lost when the processes were last listed.
    events_lost: u64,
    ended: Ended,
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
        if config.log.is_some() {
            super::log::start(&mut probes.ebpf);
        }
        let quality = quality(&probes.outcomes);
        let mut this = Self {
            probes,
            ring,
            processes: Processes::default(),
            converter: Converter::default(),
            quality,
            first_clock: None,
            addresses_read: None,
            swept: None,
            exits: Vec::new(),
            events_lost: 0,
            ended: Ended::new(),
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
        for fork in self.tasks()? {
            self.processes.born(&Birth::Fork(fork), &mut Vec::new());
        }
        Ok(())
    }

    /// Every process that runs; none where the kernel cannot tell.
    fn tasks(&self) -> io::Result<Vec<ProcessFork>> {
        let mut found = Vec::new();
        let Some(aya::programs::Program::Iter(program)) = self.probes.ebpf.program("watcher_read_tasks") else {
            return Ok(found);
        };
        let Ok(fd) = program.fd() else { return Ok(found) };
        let link = raw::iterate(fd.as_fd())?;
        read_records(File::from(raw::run_iterator(link.as_fd())?), |fork| found.push(fork))?;
        Ok(found)
    }

    /// The processes that run, when events got lost since the last time: some of the others may have ended unheard.
    fn census(&mut self) -> Result<Option<Census>, ReadError> {
        let lost = self.lost(Loss::ProcessEvent)?;
        if lost == self.events_lost {
            return Ok(None);
        }
        self.events_lost = lost;
        let at = BootTime(now_boot());
        let running = self.tasks().map_err(|source| ReadError { doing: "listing the processes that run", source })?;
        // Without a list nobody is known to have ended.
        Ok((!running.is_empty()).then_some(Census { at, running }))
    }

    fn read(&mut self) -> Result<Batch, ReadError> {
        let mut batch = Batch::default();
        self.refresh_addresses();
        let before = self.ring.take();
        let census = self.census()?;
        let mut exits = std::mem::take(&mut self.exits);
        exits.extend(&before.exits);
        self.finals(&before, &mut batch);
        self.waiting(&mut batch)?;
        let gone: HashSet<ProcessId> = exits.iter().map(exited).collect();
        self.flows(&gone, &mut batch)?;
        self.overflow(&mut batch)?;
        self.sockets(&mut batch)?;
        let after = self.ring.take();
        self.finals(&after, &mut batch);
        self.exits.extend(&after.exits);
        let unheard = census.map(|census| self.processes.reconcile(&census)).unwrap_or_default();
        exits.extend(unheard.iter().map(|id| unheard_end(*id)));
        for exit in &exits {
            self.processes.exited(exited(exit));
            batch.processes.push(ProcessEvent::Exited { id: exited(exit), at: BootTime(exit.at) });
        }
        batch.losses = self.losses()?;
        batch.at = BootTime(now_boot());
        Ok(batch)
    }

    /// Births and final records, in the order they came.
    fn finals(&mut self, drained: &Drained, batch: &mut Batch) {
        for birth in &drained.births {
            self.processes.born(birth, &mut batch.processes);
        }
        for record in &drained.sockets {
            self.socket(record, Stage::Final, batch);
        }
    }

    fn socket(&mut self, record: &SocketRecord, stage: Stage, batch: &mut Batch) {
        let shared = record.other_tx_bytes > 0 || record.other_rx_bytes > 0;
        if stage == Stage::Final && shared {
            let key = SocketKey { cookie: record.cookie, epoch: record.epoch, pad: 0 };
            self.ended.insert(key, state(record, stage));
        }
        let Some(sample) = self.converter.socket(record, stage) else { return };
        self.processes.introduce(sample.id.process, &record.comm, record.uid, &mut batch.processes);
        batch.flows.push(sample);
    }

    /// Final records that found the ring full.
    fn waiting(&mut self, batch: &mut Batch) -> Result<(), ReadError> {
        for (_, record) in self.hash::<SocketKey, SocketRecord>("WAITING", true)? {
            self.socket(&record, Stage::Final, batch);
        }
        Ok(())
    }

    /// The flow map. Entries of sockets and packet processes that have ended cannot change any more and are taken out.
    fn flows(&mut self, gone: &HashSet<ProcessId>, batch: &mut Batch) -> Result<(), ReadError> {
        let ended = std::mem::take(&mut self.ended);
        let entries = self.hash::<FlowKey, FlowCounters>("FLOWS", false)?;
        let since = self.since();
        let mut over: Vec<FlowKey> = Vec::new();
        for (key, value) in &entries {
            let socket = SocketKey { cookie: key.cookie, epoch: key.epoch, pad: 0 };
            let mut end = ended.get(&socket).copied();
            let id = ProcessId { tgid: key.tgid, start: BootTime(key.start) };
            if end.is_none() && value.family == libc::AF_PACKET as u16 && gone.contains(&id) {
                end = Some(FlowState::Closed { reason: watcher_core::CloseReason::Released, at: BootTime(now_boot()) });
            }
            if end.is_none() && value.last_jiffies < since {
                continue;
            }
            self.processes.introduce(id, &value.comm, value.uid, &mut batch.processes);
            batch.flows.push(self.converter.flow(key, value, end));
            if end.is_some() {
                over.push(*key);
            }
        }
        self.remove(&over)
    }

    fn overflow(&mut self, batch: &mut Batch) -> Result<(), ReadError> {
        for (key, value) in self.hash::<OverflowKey, FlowCounters>("OVERFLOW", false)? {
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

    /// Every socket that changed, through the iterator.
    fn sockets(&mut self, batch: &mut Batch) -> Result<(), ReadError> {
        let io = |source| ReadError { doing: "reading the sockets", source };
        let since = self.since();
        if since == 0 && self.first_clock.is_some() {
            // Repairs what could not be seeded, such as a descriptor that was in flight at the start.
            self.probes.seed().map_err(|e| io(io::Error::other(e)))?;
        }
        self.exchange(Some(since)).map_err(io)?;
        let run = raw::run_iterator(self.probes.reader.as_fd()).map_err(io)?;
        let mut records: Vec<SocketRecord> = Vec::new();
        read_records(File::from(run), |record| records.push(record)).map_err(io)?;
        let (tick, boot) = self.exchange(None).map_err(io)?;
        let first = *self.first_clock.get_or_insert((tick, boot));
        self.converter.clock = self.converter.clock.advance(tick, boot, first);
        for record in &records {
            self.socket(record, Stage::Live, batch);
        }
        Ok(())
    }

    /// The tick from which on changes are asked for.
    fn since(&mut self) -> u64 {
        if self.swept.is_none_or(|at| at.elapsed() > SWEEP_EVERY) {
            return 0;
        }
        self.converter.clock.tick.saturating_sub(OVERLAP)
    }

    /// Sets the iterator's parameter, or reads what it left behind.
    fn exchange(&mut self, since: Option<u64>) -> io::Result<(u64, u64)> {
        let map = self.probes.ebpf.map_mut("READING").ok_or_else(|| io::Error::other("no such map"))?;
        let mut array: Array<&mut MapData, u64> = Array::try_from(map).map_err(io::Error::other)?;
        if let Some(since) = since {
            array.set(reading::SINCE, since, 0).map_err(io::Error::other)?;
            if since == 0 {
                self.swept = Some(Instant::now());
            }
            return Ok((0, 0));
        }
        let get = |index| array.get(&index, 0).map_err(io::Error::other);
        Ok((get(reading::JIFFIES)?, get(reading::BOOT)?))
    }

    fn hash<K: aya::Pod, V: aya::Pod>(&self, name: &'static str, take: bool) -> Result<Vec<(K, V)>, ReadError> {
        let error = |source| ReadError { doing: name, source };
        let Some(Map::HashMap(map)) = self.probes.ebpf.map(name) else {
            return Err(error(io::Error::other("no such map")));
        };
        let most = map.info().map_err(|e| error(io::Error::other(e)))?.max_entries();
        raw::read_hash(map.fd().as_fd(), most, take).map_err(error)
    }

    fn remove(&mut self, keys: &[FlowKey]) -> Result<(), ReadError> {
        if keys.is_empty() {
            return Ok(());
        }
        let error = |e| ReadError { doing: "FLOWS", source: io::Error::other(e) };
        let Some(map) = self.probes.ebpf.map_mut("FLOWS") else { return Ok(()) };
        let mut map = aya::maps::HashMap::<_, FlowKey, FlowCounters>::try_from(map).map_err(error)?;
        for key in keys {
            map.remove(key).map_err(error)?;
        }
        Ok(())
    }

    fn losses(&self) -> Result<Losses, ReadError> {
        Ok(Losses {
            ring_full: self.lost(Loss::RingFull)?,
            map_full: self.lost(Loss::MapFull)?,
            storage_failed: self.lost(Loss::StorageFailed)?,
            recursion_misses: self.recursion_misses(),
            process_events: self.lost(Loss::ProcessEvent)?,
            unattributed_tx_bytes: self.lost(Loss::LostTx)?,
            unattributed_rx_bytes: self.lost(Loss::LostRx)?,
        })
    }

    /// One loss counter, over all CPUs.
    fn lost(&self, what: Loss) -> Result<u64, ReadError> {
        let error = |e: aya::maps::MapError| ReadError { doing: "LOSSES", source: io::Error::other(e) };
        let Some(map) = self.probes.ebpf.map("LOSSES") else { return Ok(0) };
        let array: PerCpuArray<_, u64> = PerCpuArray::try_from(map).map_err(error)?;
        array.get(&(what as u32), 0).map(|cpus| cpus.iter().sum()).map_err(error)
    }

    fn recursion_misses(&self) -> u64 {
        let misses =
            |program: &aya::programs::Program| program.fd().ok().and_then(|fd| raw::recursion_misses(fd.as_fd()).ok());
        self.probes.ebpf.programs().filter_map(|(_, program)| misses(program)).sum()
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

/// Nobody knows when; now is the latest that it can have been.
fn unheard_end(id: ProcessId) -> ProcessExit {
    ProcessExit { kind: kind::EXIT, tgid: id.tgid, start: id.start.0, at: now_boot() }
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
    Quality { backend: "ebpf", grade: Grade::Pid, degraded }
}
