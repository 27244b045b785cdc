//! The eBPF collector: the only part of the program that knows aya.

mod bare;
mod btf;
mod census;
mod cgroups;
mod convert;
pub mod doctor;
mod heads;
mod host;
mod iterate;
mod kprobes;
pub mod ladder;
pub mod load;
mod log;
mod maps;
mod misses;
mod offsets;
pub mod owners;
mod preallocate;
mod processes;
mod raw;
mod refusal;
mod ring;
mod source;
mod ticks;
pub mod traits;
mod unheard;
mod vanished;
pub mod verify;

pub use source::{EbpfSource, ReadError};

/// How much diagnostics the programs themselves print (aya-log).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the usual names")]
pub enum LogLevel {
    Error = 1,
    Warn = 2,
    Info = 3,
    Debug = 4,
    Trace = 5,
}

impl std::str::FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            other => Err(format!("'{other}' is none of error, warn, info, debug, trace")),
        }
    }
}

/// Ways of the ladder that are left out, for the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Without {
    /// Those by the length tracepoints.
    Lengths,
    /// Those by BPF trampolines.
    Fexit,
    /// Datagrams where they are taken: in the functions that receive them instead.
    Taken,
    /// Probes by tracefs: by perf instead.
    Tracefs,
    /// What tells of processes: nobody hears of their ends.
    Processes,
}

/// Sizes of the maps, and diagnostics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Ring buffer, bytes: a power of two, at least a page.
    pub ring_bytes: u32,
    /// Entries for what socket storage cannot hold: other processes on a socket, remotes of unconnected sockets.
    pub max_flows: Option<u32>,
    /// Final records that may wait while the ring buffer is full.
    pub max_waiting: u32,
    /// Processes whose bytes may be kept without detail when everything else is full.
    pub max_overflow: u32,
    /// Diagnostics from the programs; `None` costs nothing.
    pub log: Option<LogLevel>,
    /// Copy the first bytes of flows, for names.
    pub names: bool,
    /// Also attach a program that does nothing, for `cargo xtask bench`.
    pub floor: bool,
    /// Take the ways that are meant for kernels with all of [`traits::Traits`].
    pub assume_traits: bool,
    /// Be told of the release of TCP sockets as well as of their end, from the start: else only once an end went untold.
    pub tell_releases: bool,
    /// Leave these ways out.
    pub without: Vec<Without>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ring_bytes: 4 << 20,
            max_flows: None,
            max_waiting: 8_192,
            max_overflow: 4_096,
            log: None,
            names: true,
            floor: false,
            assume_traits: false,
            tell_releases: false,
            without: Vec::new(),
        }
    }
}

/// Loads the programs and begins to count. Must be called within a tokio runtime.
///
/// # Errors
/// When the kernel or the lack of privilege does not allow it: [`load::LoadError`] says which and what to try.
pub fn open(config: &Config) -> anyhow::Result<EbpfSource> {
    Ok(EbpfSource::start(config)?)
}
