//! The end of a window: the heaviest processes, remotes and connections, and what is said about all.

use std::{cmp::Reverse, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Names, Rollup, SCHEMA_VERSION, Window, fit,
    processes::{Process as Used, ProcessKey},
    schema::{
        Collector, Connection, ConnectionCounters, Domain, DomainCounters, DomainNames, Hardware, Machine, Period,
        Process, ProcessCounters, ProtocolSource, Summary, System,
    },
    window::{Exchange, Group, Lives, Peer},
};
use crate::{BootTime, Quality};

/// Processes in a rollup.
pub const MAX_PROCESSES: usize = 12;
/// Of those, chosen by bytes; the others by CPU.
const BY_BYTES: usize = 6;
/// Remotes in a rollup.
pub const MAX_DOMAINS: usize = 20;
/// Groups of connections in a rollup.
pub const MAX_CONNECTIONS: usize = 20;

const MIB: f64 = 1_048_576.0;

/// What the machine is, before the policy has looked at it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// As it calls itself.
    pub hostname: String,
    /// What runs on it.
    pub system: System,
    /// What it is.
    pub hardware: Hardware,
}

/// What a window cannot know by itself.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// New for each window.
    pub upload_id: Uuid,
    /// The wall clock at its start.
    pub started_at: Timestamp,
    /// The wall clock at its end.
    pub ended_at: Timestamp,
    /// The time between, by the clock that nobody sets.
    pub duration: Duration,
    /// The moment of boot on the wall clock.
    pub booted_at: Timestamp,
    /// Whether collection goes on.
    pub running: bool,
    /// The machine.
    pub machine: &'a Profile,
    /// What the collector promised all through the window.
    pub quality: &'a Quality,
    /// The version of watcher.
    pub version: &'a str,
}

impl Window {
    /// Ends the window. `names` may know by now what addresses are called. `sent_at` is the end of the window until
    /// somebody sends it.
    #[must_use]
    pub fn finish<N: Names + ?Sized>(self, frame: &Frame<'_>, names: &N) -> Rollup {
        let mut rollup = Rollup {
            schema_version: SCHEMA_VERSION,
            upload_id: Some(frame.upload_id),
            sent_at: frame.ended_at,
            period: Period {
                started_at: frame.started_at,
                ended_at: frame.ended_at,
                duration_seconds: frame.duration.as_secs(),
                polls: self.polls(),
            },
            machine: Machine {
                hostname: self.policy.hostname(&frame.machine.hostname),
                system: frame.machine.system.clone(),
                hardware: frame.machine.hardware.clone(),
            },
            collector: Some(self.collector(frame)),
            summary: self.summary(frame),
            processes: self.top_processes(frame),
            domains: self.top_domains(names),
            connections: self.top_connections(names),
        };
        fit::fit(&mut rollup);
        rollup
    }

    fn collector(&self, frame: &Frame<'_>) -> Collector {
        let (losses, truth) = (&self.losses, &self.truth);
        let unattributed_rx_bytes = losses.unattributed_rx_bytes + truth.unattributed_rx;
        let unattributed_tx_bytes = losses.unattributed_tx_bytes + truth.unattributed_tx;
        Collector {
            name: "watcher".to_owned(),
            version: frame.version.to_owned(),
            backend: frame.quality.backend.clone().into_owned(),
            exact: frame.quality.is_exact() && losses.is_exact() && truth.unbalanced == 0,
            unattributed_rx_bytes,
            unattributed_tx_bytes,
            dropped_events: losses.dropped_events(),
        }
    }

    fn summary(&self, frame: &Frame<'_>) -> Summary {
        let totals = &self.totals;
        Summary {
            running: frame.running,
            poll_count: self.polls(),
            tracked_process_count: self.processes.count(),
            tracked_domain_count: self.domains.keys_seen(),
            tracked_connection_count: self.connections.keys_seen(),
            total_rx_bytes: totals.network.rx.saturating_add(totals.loopback.rx),
            total_tx_bytes: totals.network.tx.saturating_add(totals.loopback.tx),
            loopback_rx_bytes: totals.loopback.rx,
            loopback_tx_bytes: totals.loopback.tx,
            packet_rx_bytes: totals.packet.rx,
            packet_tx_bytes: totals.packet.tx,
        }
    }

    /// The heaviest six by bytes, then by average CPU, then by memory, until twelve. Six are chosen by bytes only among
    /// those that moved any.
    fn top_processes(&self, frame: &Frame<'_>) -> Vec<Process> {
        let named = self.processes.iter().filter(|(_, process)| !self.policy.hides_process(&process.name));
        let mut rows: Vec<(&ProcessKey, &Used)> = named.collect();
        rows.sort_unstable_by_key(|(key, process)| (Reverse(process.bytes()), **key));
        let heavy = rows.iter().take(BY_BYTES).take_while(|(_, process)| process.bytes() > 0).count();
        rows[heavy..].sort_unstable_by(|(a_key, a), (b_key, b)| {
            let by_cpu = b.average_cpu().total_cmp(&a.average_cpu());
            let by_memory = || b.average_rss().total_cmp(&a.average_rss());
            by_cpu.then_with(by_memory).then_with(|| b.bytes().cmp(&a.bytes())).then_with(|| a_key.cmp(b_key))
        });
        let disclosed = rows.into_iter().take(MAX_PROCESSES).filter_map(|(key, process)| {
            let names = self.policy.process(key.tgid, &process.name, &process.command)?;
            Some(Process { names, counters: used(process, frame.booted_at) })
        });
        disclosed.collect()
    }

    fn top_domains<N: Names + ?Sized>(&self, names: &N) -> Vec<Domain> {
        let mut rows: Vec<(&Peer, &Exchange)> = self.domains.iter().collect();
        rows.sort_unstable_by(|(a_peer, a), (b_peer, b)| {
            b.bytes().cmp(&a.bytes()).then_with(|| a_peer.order().cmp(&b_peer.order()))
        });
        let disclosed = rows.into_iter().filter_map(|(peer, exchange)| {
            let counters = self.exchanged(exchange);
            Some(Domain { names: self.disclose(peer, names)?, counters })
        });
        disclosed.take(MAX_DOMAINS).collect()
    }

    fn top_connections<N: Names + ?Sized>(&self, names: &N) -> Vec<Connection> {
        let mut rows: Vec<(&Group, &Lives)> = self.connections.iter().collect();
        rows.sort_unstable_by(|(a_group, a), (b_group, b)| {
            let begun = |lives: &Lives| lives.opened + lives.failed;
            let by_bytes = b.exchange.bytes().cmp(&a.exchange.bytes()).then_with(|| begun(b).cmp(&begun(a)));
            by_bytes.then_with(|| a_group.order().cmp(&b_group.order()))
        });
        let disclosed = rows.into_iter().filter_map(|(group, lives)| {
            let process = self.processes.get(&group.process).map_or("", |process| &process.name);
            let remote = self.disclose(&group.peer, names);
            let names = self.policy.connection(group.process.tgid, process, remote, group.peer.source(names))?;
            let mean = lives.mean_duration().map(|mean| u64::try_from(mean.as_millis()).unwrap_or(u64::MAX));
            let counters = ConnectionCounters {
                protocol: group.protocol.as_str().to_owned(),
                protocol_source: Some(if lives.seen { ProtocolSource::Seen } else { ProtocolSource::Port }),
                traffic: self.exchanged(&lives.exchange),
                opened: lives.opened,
                closed: lives.closed,
                failed: lives.failed,
                mean_duration_ms: mean,
            };
            Some(Connection { names, counters })
        });
        disclosed.take(MAX_CONNECTIONS).collect()
    }

    fn disclose<N: Names + ?Sized>(&self, peer: &Peer, names: &N) -> Option<DomainNames> {
        match peer {
            Peer::Address(address) => self.policy.address(*address, names.of_address(*address).as_deref()),
            Peer::Name(name) => self.policy.named(name),
        }
    }

    /// What happened after the last poll belongs to no poll.
    fn exchanged(&self, exchange: &Exchange) -> DomainCounters {
        let polls_seen = exchange.polls_seen.min(self.polls());
        DomainCounters { rx_bytes: exchange.rx, tx_bytes: exchange.tx, polls_seen }
    }
}

impl Peer {
    /// Any order, as long as it is always the same.
    fn order(&self) -> (Option<std::net::IpAddr>, Option<&str>) {
        match self {
            Self::Address(address) => (Some(*address), None),
            Self::Name(name) => (None, Some(name.domain())),
        }
    }

    fn source<N: Names + ?Sized>(&self, names: &N) -> crate::names::NameSource {
        match self {
            Self::Address(address) => {
                names.of_address(*address).map_or(crate::names::NameSource::Address, |name| name.source())
            }
            Self::Name(name) => name.source(),
        }
    }
}

impl Group {
    fn order(&self) -> (ProcessKey, crate::names::Label, (Option<std::net::IpAddr>, Option<&str>)) {
        (self.process, self.protocol, self.peer.order())
    }
}

fn used(process: &Used, booted_at: Timestamp) -> ProcessCounters {
    ProcessCounters {
        average_cpu_percent: hundredths(process.average_cpu()),
        peak_cpu_percent: hundredths(process.peak_cpu()),
        average_memory_rss_mb: hundredths(process.average_rss() / MIB),
        peak_memory_rss_mb: hundredths(process.rss_peak as f64 / MIB),
        polls_seen: process.polls_seen,
        rx_bytes: process.rx,
        tx_bytes: process.tx,
        connections: process.connections,
        started_at: started_at(process.start, booted_at),
    }
}

/// `None` for the kernel itself.
fn started_at(start: BootTime, booted_at: Timestamp) -> Option<Timestamp> {
    let wall = booted_at.as_nanosecond() + i128::from(start.0);
    Timestamp::from_nanosecond(wall).ok().filter(|_| start != BootTime::default())
}

/// Two decimals: JSON has no room for digits that nobody measured.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
