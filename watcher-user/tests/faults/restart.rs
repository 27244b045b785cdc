//! kill -9, and what the next one makes of connections that are open.

use std::{
    collections::HashSet,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use jiff::tz::TimeZone;
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use watcher_core::history::{By, Choice, Query, Report as History, Sort};
use watcher_user::history;

use crate::{
    daemon::{Home, wait_for},
    far::Far,
    report::Report,
    scene::{sound, trial},
    stage::{Cue, Stage},
    suite::{Backend, Suite},
    verdict,
    watcher::Watcher,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("after_a_kill_a_connection_keeps_its_owner", || killed_amid(own)),
        trial("after_a_kill_a_forked_child_keeps_its_parents_connection", || killed_amid(of_parent)),
        trial("after_a_kill_who_was_passed_a_connection_keeps_it", || killed_amid(passed)),
        trial("what_was_written_before_a_kill_and_what_came_after_add_up", kill_under_load),
    ]
}

/// A conversation up to its pause: who is told to go on, and what of the server's counts is older than the pause.
struct Paused {
    going: Vec<Cue>,
    /// The server, and what it had sent and received.
    server: Option<(u32, u64, u64)>,
}

/// One watcher sees the beginning and is killed, another sees the rest: exactly that, of whoever makes the calls.
fn killed_amid(begin: fn(&mut Stage<'_>) -> Result<Paused>) -> Result<()> {
    let first = Watcher::start()?;
    let suite = Suite::with(None, Backend::Ebpf);
    let mut stage = Stage::new(&suite);
    let paused = begin(&mut stage)?;
    first.two_more_objects()?;
    first.kill()?;
    let next = Watcher::start()?;
    for cue in paused.going {
        stage.go(cue)?;
    }
    let reports = stage.gathered()?;
    let rest: Vec<Report> = reports
        .iter()
        .map(|r| match paused.server {
            Some((pid, tx, rx)) if pid == r.pid => r.without(tx, rx),
            _ => r.since_pause(),
        })
        .collect();
    verdict::equal(&next, &rest)?;
    next.two_more_objects()?;
    sound(&next.state())?;
    for r in rest.iter().filter(|r| r.tx + r.rx > 0) {
        let state = next.state();
        let seeded: HashSet<bool> = state.connections_of(r.pid).map(|c| c.seeded).collect();
        ensure!(seeded == HashSet::from([true]), "process {}: its connection is not marked as older", r.pid);
    }
    next.stop()
}

fn own(stage: &mut Stage<'_>) -> Result<Paused> {
    let (server, address) = stage.open("pausing-server v4")?;
    let (client, _) = stage.open(&format!("pausing-client {address}"))?;
    stage.announced(server)?;
    Ok(Paused { going: vec![server, client], server: None })
}

fn of_parent(stage: &mut Stage<'_>) -> Result<Paused> {
    let (server, address) = stage.open("turns-server v4 3000 500 3000 4000")?;
    let (parent, _) = stage.open(&format!("late-parent {address}"))?;
    Ok(Paused { going: vec![parent], server: Some((stage.pid(server), 500, 3_000)) })
}

fn passed(stage: &mut Stage<'_>) -> Result<Paused> {
    let (server, address) = stage.open("turns-server v4 3500 500 3000 4000")?;
    let (taker, name) = stage.open(&format!("late-taker faults-{}", std::process::id()))?;
    let giver = stage.start(&format!("late-giver {address} {name}"))?;
    // Its process is gone when the next watcher comes.
    stage.ended(giver)?;
    stage.announced(taker)?;
    Ok(Paused { going: vec![taker], server: Some((stage.pid(server), 500, 3_500)) })
}

fn written(home: &Home) -> History {
    let query = Query {
        from: None,
        until: None,
        by: By::Process,
        choice: Choice::default(),
        sort: Sort::Name,
        limit: 10_000,
        step: None,
        zone: None,
    };
    let mut file = history::History::open(&home.state().join(history::FILE), TimeZone::UTC).expect("a history");
    file.report(&query).expect("a report")
}

fn sent(home: &Home, pid: u32) -> u64 {
    let report = written(home);
    report
        .rows
        .iter()
        .filter(|row| row.process.as_ref().is_some_and(|p| p.pid == pid))
        .map(|row| row.amount.tx_bytes)
        .sum()
}

/// A process with one connection, and its other end.
struct Sender {
    child: Child,
    stream: TcpStream,
}

impl Sender {
    fn new(far: &Far, actor: &str) -> Result<Self> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &far.near]).arg(std::env::current_exe()?).args(["--actor", actor]);
        let child = command.arg(far.address().to_string()).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        Ok(Self { child, stream: far.accept() })
    }

    /// Sends so many bytes, which have arrived when this returns.
    fn send(&mut self, bytes: u64) -> Result<()> {
        writeln!(self.child.stdin.as_mut().context("no stdin")?, "{bytes}")?;
        let taken = std::io::copy(&mut (&mut self.stream).take(bytes), &mut std::io::sink())?;
        ensure!(taken == bytes, "{taken} of {bytes} bytes came");
        Ok(())
    }

    fn end(mut self) -> Result<u32> {
        drop(self.child.stdin.take());
        ensure!(self.stream.read(&mut [0])? == 0, "more came");
        ensure!(self.child.wait()?.success(), "it failed");
        Ok(self.child.id())
    }
}

/// How much a sender that never pauses had sent, and when.
type Log = Arc<Mutex<Vec<(Instant, u64)>>>;

/// Bytes between two answers.
const CHUNK: usize = 10_000;

/// Answers each chunk, until the end.
fn answer(mut stream: TcpStream, log: &Log) -> std::io::Result<()> {
    let (mut chunk, mut sum) = (vec![0; CHUNK], 0);
    while stream.read_exact(&mut chunk).is_ok() {
        sum += CHUNK as u64;
        log.lock().expect("no panic").push((Instant::now(), sum));
        stream.write_all(b"x")?;
    }
    Ok(())
}

/// What had been sent at a moment.
fn sent_at(log: &Log, moment: Instant) -> u64 {
    log.lock().expect("no panic").iter().take_while(|(at, _)| *at <= moment).last().map_or(0, |(_, sum)| *sum)
}

/// What a kill costs at most: the second since the last reading, an interval of the history, here a second too, and the writing that
/// was under way.
const COST: Duration = Duration::from_secs(3);

fn kill_under_load() -> Result<()> {
    let home = Home::new();
    home.configure("[collect]\nsample_interval = \"1s\"\n[history]\ninterval = \"1s\"\n");
    let far = Far::new();
    let daemon = home.run();
    let pouring = Sender::new(&far, "pour")?;
    let log = Log::default();
    let answering: JoinHandle<_> = std::thread::spawn({
        let (stream, log) = (pouring.stream.try_clone()?, log.clone());
        move || answer(stream, &log)
    });
    let mut open = Sender::new(&far, "drip")?;
    let mut early = Sender::new(&far, "drip")?;
    open.send(400_001)?;
    early.send(70_007)?;
    let pids = [open.child.id(), early.child.id(), pouring.child.id()];
    wait_for("what came before in the file", || {
        (home.state().join(history::FILE).exists() && [sent(&home, pids[0]), sent(&home, pids[1])] == [400_001, 70_007])
            .then_some(())
    });
    let mut before = 0;
    for _ in 0..4 {
        before = wait_for("more in the file", || Some(sent(&home, pids[2])).filter(|now| *now > before));
    }
    let killed = Instant::now();
    daemon.end(Signal::SIGKILL);
    // Nobody counts these.
    open.send(5_000_005)?;
    let daemon = home.run();
    let again = Instant::now();
    open.send(600_003)?;
    early.end()?;
    open.end()?;
    let Sender { mut child, .. } = pouring;
    drop(child.stdin.take());
    ensure!(child.wait()?.success(), "pour failed");
    answering.join().expect("no panic")?;
    daemon.end(Signal::SIGTERM);

    ensure!(
        [sent(&home, pids[0]), sent(&home, pids[1])] == [1_000_004, 70_007],
        "{} {}",
        sent(&home, pids[0]),
        sent(&home, pids[1])
    );
    let (seen, total) = (sent(&home, pids[2]), sent_at(&log, Instant::now()));
    // What had been written is there, and all that came after; of what moved while nobody counted, nothing.
    let after = total - sent_at(&log, again) - 2 * CHUNK as u64;
    ensure!(before >= sent_at(&log, killed - COST), "more than {COST:?} had not been written");
    ensure!(
        seen < total && seen >= before + after,
        "{seen} of {total} bytes; {before} had been written, {after} came after"
    );
    eprintln!("under load: {seen} of {total} bytes; {before} had been written, {after} came after");
    let lines = written(&home);
    ensure!(
        lines.total.tx_bytes == lines.rows.iter().map(|row| row.amount.tx_bytes).sum::<u64>(),
        "rows add up to the total"
    );
    Ok(())
}
