//! What `replay` takes.

use std::{net::IpAddr, path::PathBuf};

use clap::Args;

use crate::replay::{Options, View};

pub(super) const NOTES: &str = "\
Examples:
  watcher replay capture.pcapng
  watcher replay --host 192.0.2.1 --host 2001:db8::1 capture.pcap
  watcher replay --connections capture.pcap
  watcher replay --json capture.pcap | jq .totals

A file that is damaged or cut off is shown as far as it goes; then the exit code is 1.";

/// What `replay` takes.
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// The capture: pcap or pcapng, not compressed.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// An address of the machine that it is seen from; may be given again [default: those that most packets have].
    #[arg(long = "host", value_name = "ADDRESS")]
    hosts: Vec<IpAddr>,
    /// Every connection, newest first.
    #[arg(long)]
    connections: bool,
    /// All of it as one window of docs/rollup.md, as JSON.
    #[arg(long, conflicts_with_all = ["connections", "json"])]
    rollup: bool,
    /// One object as of `top --json --by connection`; with --connections one per line.
    #[arg(long)]
    json: bool,
}

impl ReplayArgs {
    /// What they mean together.
    #[must_use]
    pub fn options(&self) -> Options {
        let view = match (self.connections, self.rollup) {
            (true, _) => View::Connections,
            (false, true) => View::Rollup,
            (false, false) => View::Summary,
        };
        Options { file: self.file.clone(), hosts: self.hosts.clone(), view, json: self.json }
    }
}
