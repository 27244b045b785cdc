//! `cargo xtask soak`: real programs that nobody here wrote, for a long time, and the kernel's own counters beside what
//! watcher counts of them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::bench::netns::Veth;
use crate::privilege::{as_root, is_root};
use crate::run::{cargo, run};
use crate::{repo, setup};

mod clients;
mod place;
mod says;
mod servers;
mod table;
mod watcher;

use place::Place;
use says::Said;
use watcher::Watcher;

/// What `cargo xtask soak --help` prints.
pub const HELP: &str = "\
cargo xtask soak [--minutes N] [--watcher PROGRAM]

Runs iperf3, nginx with wrk and curl, dnsmasq with dig, Postgres with pgbench, Redis with
redis-benchmark, ssh, scp and rsync in two network namespaces of its own, and beside them
`watcher doctor --verify --json`. Prints tables; fails when a byte is unexplained. Wants root
for the namespaces, and says so first.

  --minutes N          how long the programs run, from 1 to 1440 (default: 30)
  --watcher PROGRAM    this watcher, instead of building one (cargo build --release)
";

struct Options {
    time: Duration,
    watcher: Option<PathBuf>,
}

/// Runs the verb.
pub fn main(args: lexopt::Parser) -> Result<()> {
    let Some(options) = options(args)? else {
        print!("{HELP}");
        return Ok(());
    };
    let missing = setup::install_packages(setup::Purpose::Soak)?;
    if !missing.is_empty() {
        bail!("could not be had: {}", missing.join(", "));
    }
    let program = match &options.watcher {
        Some(program) => program.clone(),
        None => build()?,
    };
    if !is_root() {
        let mut again = as_root(std::env::current_exe().context("cannot tell where xtask itself lies")?)?;
        let minutes = (options.time.as_secs() / 60).to_string();
        return run(again.args(["soak", "--minutes", &minutes, "--watcher"]).arg(&program));
    }
    soak(&program, options.time)
}

fn options(mut args: lexopt::Parser) -> Result<Option<Options>> {
    let mut options = Options { time: Duration::from_secs(30 * 60), watcher: None };
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("minutes") => {
                let minutes: u64 = args.value()?.to_string_lossy().parse().context("--minutes is a whole number")?;
                if !(1..=1440).contains(&minutes) {
                    bail!("--minutes is from 1 to 1440");
                }
                options.time = Duration::from_secs(60 * minutes);
            }
            lexopt::Arg::Long("watcher") => options.watcher = Some(args.value()?.into()),
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(options))
}

fn build() -> Result<PathBuf> {
    run(cargo().args(["build", "--release", "--locked", "--package", "watcher-user", "--bin", "watcher"]))?;
    Ok(repo::target_dir().join("release/watcher"))
}

fn soak(program: &std::path::Path, time: Duration) -> Result<()> {
    let place = Place::new(Veth::new()?)?;
    // From before the first byte until after the last: every connection is seen from its beginning to its end.
    let mut watcher = Watcher::start(program, time)?;
    let ran = traffic(&place, &mut watcher, time);
    let verdict = watcher.verdict();
    let said = ran?;
    let (verdict, usage) = verdict?;
    print!("{}", table::all(&place, &verdict, &usage, &said)?);
    let (unexplained, _) = table::unexplained(&verdict, place.namespaces()?);
    if !unexplained.is_empty() {
        bail!("unexplained: {unexplained:?}");
    }
    table::demand_equality(&place, &verdict, &said)
}

/// Every program at once, each again and again. Returns what they said of themselves, once all have ended.
fn traffic(place: &Place, watcher: &mut Watcher, time: Duration) -> Result<Said> {
    let servers = servers::start(place)?;
    let until = Instant::now() + time;
    let stop = AtomicBool::new(false);
    let jobs = clients::all();
    let mut said = thread::scope(|scope| -> Result<Said> {
        let over = || stop.load(Ordering::Relaxed) || Instant::now() >= until;
        let threads: Vec<_> =
            jobs.iter().map(|job| scope.spawn(move || clients::again_and_again(job, place, over))).collect();
        while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            watcher.sample()?;
            if threads.iter().any(thread::ScopedJoinHandle::is_finished) && Instant::now() < until {
                // One has failed: the others need not go on.
                stop.store(true, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_secs(1));
        }
        let mut said = Said::default();
        for thread in threads {
            said.add(thread.join().map_err(|_| anyhow::anyhow!("a client's thread panicked"))??);
        }
        Ok(said)
    })?;
    servers.stop(place, &mut said)?;
    Ok(said)
}
