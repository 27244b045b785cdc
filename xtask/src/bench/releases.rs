//! Rows: whether the kernel runs what is attached to the end of a socket at the end of every one, and whether watcher says how many
//! it passed over. On some machines there are tasks in whose context it runs nothing that is attached: docs/verify.md.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, Result, ensure};

use super::Plan;
use super::actors::Actor;
use super::kernel::{BpfStats, Runs, program_runs, runs_between};
use super::subject::Watcher;
use super::table::Row;

mod blind;

/// Sockets of one datagram each, in all.
const DATAGRAMS: u64 = 30_000_000;
/// Connections, in all: each is two sockets.
const CONNECTIONS: u64 = 4_000_000;
/// Processes that make them.
const ACTORS: u64 = 2;
/// What a connection of the actor `churn` carries.
const REQUEST: u64 = 100;

/// Datagrams, then connections; other programs start and end all the time.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let starting = scope.spawn(|| start_programs(&over));
        let rows = datagrams(plan).and_then(|mut rows| {
            rows.extend(connections(plan)?);
            rows.push(blind::row());
            Ok(rows)
        });
        over.store(true, Ordering::Relaxed);
        let started =
            starting.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the thread that starts programs has died")))?;
        let mut rows = rows?;
        rows.push(Row::told("programs that were started beside", started.to_string()));
        Ok(rows)
    })
}

/// How many, until it is over.
fn start_programs(over: &AtomicBool) -> Result<u64> {
    let mut started = 0;
    while !over.load(Ordering::Relaxed) {
        let mut command = Command::new("true");
        let status = command.stdin(Stdio::null()).status().context("cannot start `true`")?;
        ensure!(status.success(), "`true` ended with {status}");
        started += 1;
    }
    Ok(started)
}

fn datagrams(plan: &Plan) -> Result<Vec<Row>> {
    let share = (plan.scaled(DATAGRAMS) / ACTORS).to_string();
    let sink = Actor::start(&["sink"])?;
    let to = format!("127.0.0.1:{}", sink.ready);
    let ran = ran(plan, &["sockets", &to, &share])?;
    let sent: u64 = ran.said.iter().sum();
    let sockets = plan.scaled(DATAGRAMS);
    let [made, released] = ["watcher_sock_create", "watcher_sock_release"].map(|name| ran.of(name));
    let missing = ran.missing(sent)? / (sent / sockets);
    Ok(vec![
        // The whole machine's: one that listens makes others that are released and were not made.
        Row::told(format!("{sockets} sockets of a datagram: made, released"), format!("{made}, {released}")),
        ran.verdict(missing),
    ])
}

fn connections(plan: &Plan) -> Result<Vec<Row>> {
    let share = plan.scaled(CONNECTIONS) / ACTORS;
    let ran = ran(plan, &["churn", &share.to_string()])?;
    let connections = share * ACTORS;
    let [released, destroyed] = ["watcher_sock_release", "watcher_tcp_destroy_sock"].map(|name| ran.of(name));
    let missing = ran.missing(connections * REQUEST)? / REQUEST;
    Ok(vec![
        Row::told(
            format!("{connections} connections: sockets released, destroyed"),
            format!("{released}, {destroyed} of {}", 2 * connections),
        ),
        ran.verdict(missing),
    ])
}

/// What came out of a load.
struct Ran {
    /// By each actor.
    said: Vec<u64>,
    runs: BTreeMap<String, Runs>,
    /// Bytes sent by the actors, by watcher.
    counted: u64,
    untold: u64,
}

impl Ran {
    /// How often a program ran; where it is attached.
    fn of(&self, program: &str) -> u64 {
        // The kernel keeps 15 bytes of a name; bpftool finds the rest in BTF, where there is any.
        let is_it = |name: &str| name.split('#').next().is_some_and(|name| name == program);
        self.runs.iter().filter(|(name, _)| is_it(name)).map(|(_, runs)| runs.count).sum()
    }

    /// Bytes that were sent and not counted.
    fn missing(&self, sent: u64) -> Result<u64> {
        sent.checked_sub(self.counted).with_context(|| format!("watcher counted {} of {sent} bytes", self.counted))
    }

    /// Watcher must say at least how many sockets' bytes it has not got; nothing is missing where it says nothing.
    fn verdict(&self, missing: u64) -> Row {
        Row::must(
            "sockets whose bytes are missing, and untold ends",
            missing <= self.untold,
            format!("{missing}, {}", self.untold),
        )
    }
}

fn ran(plan: &Plan, actor: &[&str]) -> Result<Ran> {
    let _stats = BpfStats::enable()?;
    let watcher = Watcher::start(&plan.subject)?;
    let mut actors = (0..ACTORS).map(|_| Actor::start(actor)).collect::<Result<Vec<_>>>()?;
    let before = program_runs(watcher.pid())?;
    for actor in &mut actors {
        actor.go()?;
    }
    let said = actors.iter_mut().map(|actor| actor.numbers().map(|[number]| number)).collect::<Result<Vec<_>>>()?;
    // The last ones may be in the line after the next one.
    let heard = watcher.after_lines(3)?;
    let runs = runs_between(&before, &program_runs(watcher.pid())?);
    watcher.stop()?;
    let untold = heard.totals["losses"]["untold_ends"].as_u64().context("no totals.losses.untold_ends")?;
    let sent = |actor: &Actor| heard.processes.get(&actor.pid()).map_or(0, |(_, sent)| *sent);
    Ok(Ran { said, runs, counted: actors.iter().map(sent).sum(), untold })
}
