//! The programs' maps, as user space reads them: by iterators and by memory, never by bpf(2) calls on a map.
//!
//! Such a call raises the CPU's `bpf_prog_active` and may be preempted there; until it goes on, the kernel passes over every
//! tracepoint program on that CPU (`SHARED` in `watcher-ebpf/src/maps.rs`). An iterator does not.

use std::{
    array,
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use aya::{
    Ebpf,
    maps::{Map, MapData},
    programs::{Program, ProgramFd},
};
use watcher_common::{FlowCounters, FlowKey, Loss, OverflowKey, SocketKey, SocketRecord, forget, reading, runs};

use super::{
    iterate::{read_entries, run_on},
    raw::{self, Words},
};

/// Words of a socket's record.
const RECORD: usize = size_of::<SocketRecord>() / size_of::<u64>();
const _: () = assert!(size_of::<SocketRecord>().is_multiple_of(size_of::<u64>()));

/// Sockets, as one reading found them.
pub struct Sockets {
    /// Those that changed.
    pub changed: Vec<SocketRecord>,
    /// The moment, in ticks.
    pub tick: u64,
    /// The same, in nanoseconds since boot.
    pub boot: u64,
    /// Sockets that moved bytes, are gone, and whose end the programs did not see: so many at least. `None` where the reading
    /// had to stop on the way: where it goes on, it may pass over some.
    pub untold: Option<u64>,
}

/// Ways to read each of them.
pub struct Maps {
    sockets: OwnedFd,
    flows: OwnedFd,
    waiting: OwnedFd,
    overflow: OwnedFd,
    forget: ProgramFd,
    losses: Words,
    reading: Words,
    changed: Words,
    runs: Runs,
}

impl Maps {
    /// Binds the reading programs, which must have been loaded, to their maps.
    ///
    /// # Errors
    /// When the kernel refuses; what, is in the error.
    pub fn bind(ebpf: &Ebpf) -> io::Result<Self> {
        Ok(Self {
            sockets: sockets(ebpf)?,
            flows: bind(ebpf, "watcher_read_flows", "FLOWS")?,
            waiting: bind(ebpf, "watcher_read_waiting", "WAITING")?,
            overflow: bind(ebpf, "watcher_read_overflow", "OVERFLOW")?,
            forget: program(ebpf, "watcher_forget")?.try_clone()?,
            losses: Words::map(map(ebpf, "LOSSES")?, Loss::COUNT)?,
            reading: Words::map(map(ebpf, "READING")?, reading::COUNT)?,
            changed: Words::map(map(ebpf, "CHANGED")?, reading::ROOM * RECORD as u32)?,
            runs: runs(ebpf)?,
        })
    }

    /// Every socket that changed since a tick.
    pub fn sockets(&self, since: u64) -> io::Result<Sockets> {
        self.reading.store(reading::SINCE, since);
        self.reading.store(reading::OPEN, 0);
        let mut changed: Vec<SocketRecord> = Vec::new();
        let mut run = run(&self.sockets)?;
        let begun = self.reading.load(reading::BEGUN);
        let mut stopped = false;
        loop {
            self.reading.store(reading::CHANGED, 0);
            let has_ended = run_on(&mut run)?;
            for at in 0..self.reading.load(reading::CHANGED) as usize {
                changed.push(self.changed(at)?);
            }
            if has_ended {
                // What begins or ends meanwhile makes it less, never more.
                let untold = begun.saturating_sub(self.reading.load(reading::OPEN) + self.reading.load(reading::ENDED));
                return Ok(Sockets {
                    changed,
                    tick: self.reading.load(reading::JIFFIES),
                    boot: self.reading.load(reading::BOOT),
                    untold: (!stopped).then_some(untold),
                });
            }
            stopped = true;
        }
    }

    fn changed(&self, at: usize) -> io::Result<SocketRecord> {
        let words: [_; RECORD] = array::from_fn(|word| self.changed.load((at * RECORD + word) as u32).to_ne_bytes());
        raw::record(words.as_flattened()).ok_or_else(|| io::Error::other("short record"))
    }

    /// From now on the release of TCP sockets is told as well as their end.
    pub fn tell_releases(&self) {
        self.reading.store(reading::RELEASES, 1);
    }

    /// The flow map.
    pub fn flows(&self) -> io::Result<Vec<(FlowKey, FlowCounters)>> {
        read_entries(run(&self.flows)?)
    }

    /// What is kept of processes without detail.
    pub fn overflow(&self) -> io::Result<Vec<(OverflowKey, FlowCounters)>> {
        read_entries(run(&self.overflow)?)
    }

    /// Final records that found the ring full; they are taken out.
    pub fn take_waiting(&self) -> io::Result<Vec<SocketRecord>> {
        let found: Vec<(SocketKey, SocketRecord)> = read_entries(run(&self.waiting)?)?;
        for (key, _) in &found {
            self.call([forget::WAITING, key.cookie, u64::from(key.epoch), 0, 0, 0, 0])?;
        }
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    /// Takes an entry out of the flow map.
    pub fn forget_flow(&self, key: &FlowKey) -> io::Result<()> {
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let (front, back) = key.remote.split_at(8);
        let word = |bytes: &[u8]| raw::record(bytes).ok_or_else(|| io::Error::other("short key"));
        let rest = u64::from(key.remote_port);
        self.call([forget::FLOW, key.cookie, key.start, pair(key.tgid, key.epoch), word(front)?, word(back)?, rest])
    }

    fn call(&self, words: [u64; 7]) -> io::Result<()> {
        raw::call(self.forget.as_fd(), &words)
    }

    /// How often the programs at functions ran.
    pub fn runs(&self) -> u64 {
        self.runs.sum()
    }

    /// One loss counter.
    pub fn lost(&self, what: Loss) -> u64 {
        self.losses.load(what as u32)
    }
}

/// How often the programs at functions ran, CPU by CPU.
pub struct Runs(Words);

/// The programs' own count of themselves.
pub fn runs(ebpf: &Ebpf) -> io::Result<Runs> {
    Ok(Runs(Words::map(map(ebpf, "RUNS")?, runs::CPUS * runs::STRIDE)?))
}

impl Runs {
    /// On all CPUs.
    pub fn sum(&self) -> u64 {
        (0..runs::CPUS).map(|cpu| self.0.load(cpu * runs::STRIDE)).sum()
    }
}

const _: () = assert!(cfg!(target_endian = "little"), "the words of a key are put together in this order");

/// By the storage or by the files of processes, whichever program was loaded.
fn sockets(ebpf: &Ebpf) -> io::Result<OwnedFd> {
    match program(ebpf, "watcher_read_files") {
        Ok(by_file) => raw::iterate(by_file.as_fd()),
        Err(_) => bind(ebpf, "watcher_read_sockets", "SOCKETS"),
    }
}

fn bind(ebpf: &Ebpf, symbol: &str, name: &str) -> io::Result<OwnedFd> {
    raw::iterate_map(program(ebpf, symbol)?.as_fd(), map(ebpf, name)?)
}

fn run(link: &OwnedFd) -> io::Result<File> {
    raw::run_iterator(link.as_fd()).map(File::from)
}

fn program<'e>(ebpf: &'e Ebpf, symbol: &str) -> io::Result<&'e ProgramFd> {
    let fd = match ebpf.program(symbol) {
        Some(Program::Iter(program)) => program.fd(),
        Some(Program::RawTracePoint(program)) => program.fd(),
        _ => return Err(io::Error::other(format!("the object file has no {symbol}"))),
    };
    fd.map_err(io::Error::other)
}

fn map<'e>(ebpf: &'e Ebpf, name: &str) -> io::Result<BorrowedFd<'e>> {
    let data: &MapData = match ebpf.map(name) {
        Some(Map::SkStorage(data) | Map::HashMap(data) | Map::Array(data)) => data,
        _ => return Err(io::Error::other(format!("the object file has no {name}"))),
    };
    Ok(data.fd().as_fd())
}
