//! STUB: the collector on eBPF comes here.

use std::convert::Infallible;

use watcher_core::{Batch, Quality, Source};

/// How the programs are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Size of the ring buffer, bytes.
    pub ring_bytes: u32,
    /// Room in the flow map.
    pub max_flows: u32,
    /// Level of the programs' own diagnostics; `None` for none.
    pub log: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { ring_bytes: 8 << 20, max_flows: 262_144, log: None }
    }
}

/// STUB.
#[derive(Debug)]
pub struct EbpfSource(Infallible);

impl Source for EbpfSource {
    type Error = std::io::Error;

    async fn collect(&mut self) -> Result<Batch, Self::Error> {
        match self.0 {}
    }

    fn quality(&self) -> &Quality {
        match self.0 {}
    }
}

/// Loads the programs and begins to count.
///
/// # Errors
/// STUB: always.
pub fn open(_config: &Config) -> anyhow::Result<EbpfSource> {
    anyhow::bail!("STUB: there is no eBPF collector in this build")
}
