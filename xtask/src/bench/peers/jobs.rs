//! What is done while others look on.

use anyhow::{Context as _, Result};

use super::said::Bytes;
use super::stage::{Moved, Outcome, Stage, children};
use crate::bench::actors::Actor;
use crate::bench::netns::{CLIENT, SERVER, Veth};
use crate::bench::ratio;
use crate::repo;

const GIBIBYTE: u64 = 1024 * 1024 * 1024;
const CONNECTIONS: u64 = 8;
/// Of the flood: datagrams a second at most, bytes of payload.
const FLOOD: (u64, u64) = (1_000_000, 32);
/// The example that speaks QUIC, of `watcher-user`.
pub const QUIC: &str = "quic_transfer";

/// How much is done.
#[derive(Debug)]
pub struct Work {
    /// Bytes each way, of TCP and of QUIC.
    bulk: u64,
    quic: u64,
    requests: u64,
    processes: u64,
    /// Of the flood, seconds.
    flood: u64,
}

/// One of them.
pub struct Job {
    /// In tables and in the chart.
    pub name: &'static str,
    /// Whether all of its traffic is TCP's.
    pub is_tcp: bool,
    /// What happens, and whose bytes are asked for.
    pub what: fn(&Work) -> String,
    pub set: fn(&Work) -> Result<Stage>,
}

/// All, in the order of the page.
pub const ALL: &[Job] = &[
    Job {
        name: "bulk",
        is_tcp: true,
        what: |work| format!("{} over one TCP connection, as much each way at the same time.", gibibytes(work.bulk)),
        set: bulk,
    },
    Job {
        name: "short requests",
        is_tcp: true,
        what: |work| {
            format!(
                "{} requests of 100 bytes by one process, answers of 1,000, each over a TCP connection of its own.",
                work.requests
            )
        },
        set: requests,
    },
    Job {
        name: "short processes",
        is_tcp: true,
        what: |work| {
            format!("{} processes, one after the other, each with one such request and then its end.", work.processes)
        },
        set: processes,
    },
    Job {
        name: "UDP flood",
        is_tcp: false,
        what: |work| {
            let ((_, size), seconds) = (FLOOD, work.flood);
            format!("Datagrams of {size} bytes to one address, as fast as they go, for {seconds} seconds.")
        },
        set: flood,
    },
    Job {
        name: "QUIC",
        is_tcp: false,
        what: |work| {
            format!(
                "{} over one connection of quinn, as much each way at the same time. Payload is what its UDP socket moved.",
                gibibytes(work.quic)
            )
        },
        set: quic,
    },
    Job {
        name: "loopback",
        is_tcp: true,
        what: |work| {
            format!("As bulk, {}, over loopback. Both processes' bytes are asked for.", gibibytes(work.part_of_bulk()))
        },
        set: loopback,
    },
    Job {
        name: "container",
        is_tcp: true,
        what: |work| {
            format!(
                "As bulk, {}, by a process in a network namespace of its own, which the one where others look on forwards for.",
                gibibytes(work.part_of_bulk())
            )
        },
        set: container,
    },
    Job {
        name: "forked server",
        is_tcp: true,
        what: |work| {
            format!(
                "A server accepts {CONNECTIONS} TCP connections and starts a child for each, which moves {} each way. The children's \
                 bytes are asked for.",
                gibibytes(work.part_of_bulk() / CONNECTIONS)
            )
        },
        set: forked,
    },
];

impl Work {
    /// Of a whole run with so many GiB of bulk, or of a quick one.
    pub fn asked(gib: Option<u64>, quick: bool) -> Self {
        let scaled = |amount: u64| if quick { amount / 10 } else { amount };
        Self {
            bulk: gib.map_or_else(|| scaled(20 * GIBIBYTE), |gib| gib * GIBIBYTE),
            quic: scaled(GIBIBYTE / 2),
            requests: scaled(100_000),
            processes: scaled(1_000),
            flood: scaled(5).max(2),
        }
    }

    /// For a processor that is emulated.
    pub fn emulated() -> Self {
        Self { bulk: 160 << 20, quic: 16 << 20, requests: 2_000, processes: 100, flood: 2 }
    }

    fn part_of_bulk(&self) -> u64 {
        self.bulk / 5
    }
}

fn gibibytes(bytes: u64) -> String {
    let tenths = (bytes * 10 + GIBIBYTE / 2) / GIBIBYTE;
    if tenths >= 10 { format!("{:.1} GiB", ratio(bytes, GIBIBYTE)) } else { format!("{} MiB", bytes >> 20) }
}

/// Two namespaces that say nothing by themselves.
fn network() -> Result<Veth> {
    let veth = Veth::new()?;
    veth.without_ipv6()?;
    Ok(veth)
}

fn stage(veth: Veth, [client, server]: [Actor; 2], act: fn(&mut Stage) -> Result<Outcome>) -> Stage {
    let (elsewhere, device) = (vec![server.pid()], veth.client_device().to_owned());
    Stage { client, server, act, elsewhere, device, _container: None, veth }
}

fn bulk(work: &Work) -> Result<Stage> {
    let (veth, bytes) = (network()?, work.bulk.to_string());
    let server = Actor::start_by(|program| veth.server(program), &["stream-server", &bytes, "1"])?;
    let to = format!("{SERVER}:{}", server.ready);
    let client = Actor::start_by(|program| veth.client(program), &["stream-client", &to, &bytes, "1"])?;
    Ok(stage(veth, [client, server], |stage| stage.client_moves("bench-client")))
}

fn requests(work: &Work) -> Result<Stage> {
    let (veth, count) = (network()?, work.requests.to_string());
    let server = Actor::start_by(|program| veth.server(program), &["request-server", &count])?;
    let to = format!("{SERVER}:{}", server.ready);
    let client = Actor::start_by(|program| veth.client(program), &["request-client", &to, &count])?;
    Ok(stage(veth, [client, server], |stage| stage.client_moves("bench-client")))
}

fn processes(work: &Work) -> Result<Stage> {
    let (veth, count) = (network()?, work.processes.to_string());
    let server = Actor::start_by(|program| veth.server(program), &["request-server", &count])?;
    let to = format!("{SERVER}:{}", server.ready);
    let crowd = Actor::start_by(|program| veth.client(program), &["request-crowd", &to, &count])?;
    Ok(stage(veth, [crowd, server], |stage| {
        stage.client.go()?;
        let (moved, microseconds) = children(&mut stage.client, "bench-one")?;
        Ok(Outcome { work: moved.iter().map(|one| one.bytes.sum()).sum(), microseconds, moved })
    }))
}

fn flood(work: &Work) -> Result<Stage> {
    let (veth, (rate, size)) = (network()?, FLOOD);
    let sink = Actor::start_by(|program| veth.server(program), &["sink"])?;
    let to = format!("{SERVER}:{}", sink.ready);
    let words = ["datagrams", &to, &rate.to_string(), &work.flood.to_string(), &size.to_string()];
    let sender = Actor::start_by(|program| veth.client(program), &words)?;
    Ok(stage(veth, [sender, sink], |stage| {
        stage.client.go()?;
        let [sent, datagrams, microseconds] = stage.client.numbers()?;
        let bytes = Bytes { received: 0, sent };
        let moved = Moved { pid: stage.client.pid(), name: "bench-client", bytes };
        Ok(Outcome { moved: vec![moved], work: datagrams, microseconds })
    }))
}

fn quic(work: &Work) -> Result<Stage> {
    let (veth, bytes) = (network()?, work.quic.to_string());
    let program = repo::target_dir().join("release/examples").join(QUIC);
    let mut server = veth.server(&program);
    server.args(["serve", &bytes]);
    let server = Actor::start_program(server)?;
    let (port, certificate) = server.ready.split_once(' ').context("no port and certificate")?;
    let mut client = veth.client(&program);
    client.args(["fetch", &format!("{SERVER}:{port}"), certificate, &bytes]);
    let client = Actor::start_program(client)?;
    Ok(stage(veth, [client, server], |stage| stage.client_moves(QUIC)))
}

fn loopback(work: &Work) -> Result<Stage> {
    let (veth, bytes) = (network()?, work.part_of_bulk().to_string());
    let server = Actor::start_by(|program| veth.client(program), &["stream-server", &bytes, "1"])?;
    let to = format!("127.0.0.1:{}", server.ready);
    let client = Actor::start_by(|program| veth.client(program), &["stream-client", &to, &bytes, "1"])?;
    let mut stage = stage(veth, [client, server], |stage| {
        let mut outcome = stage.client_moves("bench-client")?;
        outcome.moved.push(stage.server_moved("bench-server")?);
        Ok(outcome)
    });
    stage.elsewhere.clear();
    stage.device = "lo".into();
    Ok(stage)
}

fn container(work: &Work) -> Result<Stage> {
    let (veth, bytes) = (network()?, work.part_of_bulk().to_string());
    let container = veth.container()?;
    let server = Actor::start_by(|program| veth.server(program), &["stream-server", &bytes, "1"])?;
    let to = format!("{SERVER}:{}", server.ready);
    let client = Actor::start_by(|program| container.command(program), &["stream-client", &to, &bytes, "1"])?;
    let stage = stage(veth, [client, server], |stage| stage.client_moves("bench-client"));
    Ok(Stage { _container: Some(container), ..stage })
}

fn forked(work: &Work) -> Result<Stage> {
    let (veth, bytes, connections) =
        (network()?, (work.part_of_bulk() / CONNECTIONS).to_string(), CONNECTIONS.to_string());
    let parent = Actor::start_by(|program| veth.client(program), &["stream-parent", &bytes, &connections])?;
    let to = format!("{CLIENT}:{}", parent.ready);
    let client = Actor::start_by(|program| veth.server(program), &["stream-client", &to, &bytes, &connections])?;
    let mut stage = stage(veth, [client, parent], |stage| {
        let outcome = stage.client_moves("bench-client")?;
        let (moved, _) = children(&mut stage.server, "bench-child")?;
        Ok(Outcome { moved, ..outcome })
    });
    stage.elsewhere = vec![stage.client.pid()];
    Ok(stage)
}
