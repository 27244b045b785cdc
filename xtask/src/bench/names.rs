//! Rows: what names cost, and how many bytes have one.

use std::process::{Child, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

use super::actors::Actor;
use super::alternate::rested;
use super::kernel::{BpfStats, Runs, program_runs, runs_between};
use super::netns::{SERVER, Veth};
use super::stats::median;
use super::subject::Watcher;
use super::table::Row;
use super::{Plan, ratio};

mod browsing;
mod site;

const CALLS: u64 = 400_000;

/// Bulk throughput with names on is the row of `bulk`: they are on unless somebody switches them off.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let mut rows = vec![later_packets(plan)?, handshakes(plan)?];
    rows.extend(browsing::row(plan)?);
    Ok(rows)
}

/// What each packet costs once a flow's beginning has passed.
fn later_packets(plan: &Plan) -> Result<Row> {
    let _stats = BpfStats::enable()?;
    let watcher = Watcher::start_with(&plan.subject, &["--floor"])?;
    let calls = plan.scaled(CALLS).to_string();
    let mut actor = Actor::start(&["calls", "tcp", "1", &calls])?;
    actor.go()?;
    actor.line()?;
    let before = program_runs(watcher.pid())?;
    actor.go()?;
    let [_] = actor.numbers()?;
    let between = runs_between(&before, &program_runs(watcher.pid())?);
    watcher.stop()?;
    let of = |prefix: &str| {
        let runs = between.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, runs)| *runs);
        runs.fold(Runs::default(), |sum, runs| Runs {
            nanoseconds: sum.nanoseconds + runs.nanoseconds,
            count: sum.count + runs.count,
        })
    };
    // The kernel keeps 15 characters of a program's name.
    let (heads, floor) = (of("watcher_head"), of("watcher_floor"));
    if heads.count == 0 || floor.count == 0 {
        bail!("the programs did not run");
    }
    let (own, empty) = (ratio(heads.nanoseconds, heads.count), ratio(floor.nanoseconds, floor.count));
    let note = format!("{own:.1} ns × {}, of which an empty program takes {empty:.1} ns", heads.count);
    Ok(Row::at_most("added cost of a later packet for names, above an empty program", 50.0, own - empty, "ns", &note))
}

/// Clients at once: as many as keep both processors of a small machine busy, so that the rate is what work costs and not how
/// soon somebody wakes up.
const CLIENTS: usize = 4;
/// Runs are short and many: the rate drifts by more than what is looked for.
const MORE_ROUNDS: usize = 4;

/// New TLS connections a second.
fn handshakes(plan: &Plan) -> Result<Row> {
    let veth = Veth::new()?;
    let folder = site::Folder::new()?;
    let _web = site::Web::start(&veth, &folder)?;
    let seconds = plan.scaled(20).div_ceil(10).max(1).to_string();
    let mut measure = || {
        // The server says nothing that could be awaited: try until it listens.
        for _ in 0..50 {
            if let Some(rate) = connect(&veth, &seconds)? {
                return Ok(rate);
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("openssl could not reach its server")
    };
    let mut rounds: [Vec<f64>; 3] = Default::default();
    for round in 0..plan.pairs * MORE_ROUNDS {
        for arm in (0..3).map(|at| (at + round) % 3) {
            let watcher = match arm {
                0 => None,
                1 => Some(Watcher::start_unheard(&plan.subject, &["--no-passive"])?),
                _ => Some(Watcher::start_unheard(&plan.subject, &[])?),
            };
            rounds[arm].push(rested(&mut measure)?);
            watcher.map_or(Ok(()), Watcher::stop)?;
        }
        let newest = rounds.each_ref().map(|arm| arm.last().copied().unwrap_or(f64::NAN));
        eprintln!(
            "  round {}: {:.0} without, {:.0} without names, {:.0} with",
            round + 1,
            newest[0],
            newest[1],
            newest[2]
        );
    }
    let ratios = |arm: usize, to: usize| {
        let pairs = rounds[arm].iter().zip(&rounds[to]);
        median(&pairs.map(|(with, without)| with / without).collect::<Vec<_>>())
    };
    let note = format!(
        "{:.0} of {:.0} a second; with watcher and without names {:.3}, names alone {:.3}",
        median(&rounds[2]),
        median(&rounds[0]),
        ratios(1, 0),
        ratios(2, 1)
    );
    Ok(Row::at_least("new TLS connections a second, with / without", 0.95, ratios(2, 0), &note))
}

/// What all clients together got; `None` when one got none.
///
/// Time is taken here: `s_time` ends with a whole second of the wall clock and divides by whole seconds (OpenSSL's apps/s_time.c),
/// so its own rate depends by a third on where in a second it was started, which is not the same beside watcher and without.
fn connect(veth: &Veth, seconds: &str) -> Result<Option<f64>> {
    let clients = (0..CLIENTS).map(|_| {
        let mut client = veth.client("openssl");
        client.args(["s_time", "-connect", &format!("{SERVER}:443"), "-new", "-time", seconds]);
        client.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Ok((Instant::now(), client.spawn().context("cannot start openssl")?))
    });
    let clients = clients.collect::<Result<Vec<_>>>()?;
    // Each is waited for by a thread of its own: they end when they like.
    let waiters = clients.into_iter().map(|(started, client)| {
        thread::spawn(move || {
            let printed = client.wait_with_output().context("cannot wait for openssl")?.stdout;
            let seconds = started.elapsed().as_secs_f64();
            Ok(connections(&String::from_utf8_lossy(&printed)).map(|made| made / seconds))
        })
    });
    let waiters: Vec<JoinHandle<Result<Option<f64>>>> = waiters.collect();
    let rates = waiters.into_iter().map(|w| w.join().map_err(|_| anyhow!("a thread panicked"))?);
    Ok(rates.collect::<Result<Vec<_>>>()?.into_iter().sum())
}

/// From `1234 connections in 4 real seconds, 0 bytes read per connection`; `None` when there were none.
fn connections(printed: &str) -> Option<f64> {
    let line = printed.lines().find(|line| line.contains("real seconds"))?;
    let made: f64 = line.split_whitespace().next()?.parse().ok()?;
    (made > 0.0).then_some(made)
}

/// A child that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::connections;

    #[test]
    fn openssl_says_how_many_connections_it_made() {
        let printed = "Collecting connection statistics for 4 seconds\n*****\n\n\
            3210 connections in 1.99s; 1613.07 connections/user sec, bytes read 0\n\
            3210 connections in 5 real seconds, 0 bytes read per connection\n";
        assert_eq!(connections(printed), Some(3210.0));
        assert_eq!(connections("0 connections in 5 real seconds"), None);
        assert_eq!(connections("no"), None);
    }
}
