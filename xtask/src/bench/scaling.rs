//! What watcher takes with more and more flows and processes: rows, a table for docs/overhead.md and its plot.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::actors::Actor;
use super::daemon::Daemon;
use super::kernel::{BpfStats, cpu_seconds, map_bytes, own_memory, program_runs};
use super::overhead::{self, Piece};
use super::subject::Watcher;
use super::table::Row;
use super::{Plan, ratio};
use crate::chart::lines::draw;

mod page;

use page::{CPU, MEMORY, line, panel, table};

const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// How much a flow may cost more when there are ten times as many before that is called super-linear.
const GROWTH: f64 = 1.3;

/// Connections of one process, which may not have a hundred thousand descriptors everywhere.
const CONNECTIONS: u64 = 5_000;

/// Up to so many, each second has its reading.
const SURELY_IN_TIME: u64 = 10_000;

/// What there is more and more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    Flows,
    Processes,
}

impl Load {
    fn name(self) -> &'static str {
        match self {
            Self::Flows => "flows",
            Self::Processes => "processes",
        }
    }

    /// One flow is that of one process; of a TCP connection both ends are here, and each is a flow.
    fn actors(self, count: u64, seconds: u64) -> Result<Vec<Actor>> {
        if self == Self::Processes || count == 1 {
            return Ok(vec![Actor::start(&["crowd", &count.to_string(), &seconds.to_string()])?]);
        }
        flows(count, seconds)
    }
}

/// Processes with so many flows, that are active each second.
pub fn flows(count: u64, seconds: u64) -> Result<Vec<Actor>> {
    let connections = count / 2;
    let actors = connections.div_ceil(CONNECTIONS);
    let (each, seconds) = ((connections / actors).to_string(), seconds.to_string());
    (0..actors).map(|_| Actor::start(&["flows", &each, &seconds])).collect()
}

const LOADS: [(Load, &[u64]); 2] = [(Load::Flows, &[1, 100, 10_000, 100_000]), (Load::Processes, &[1, 100, 10_000])];

/// Which watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Top,
    Daemon,
}

const KINDS: [Kind; 2] = [Kind::Top, Kind::Daemon];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Top => "`top --json`",
            Self::Daemon => "`run`",
        }
    }
}

/// One measurement.
#[derive(Debug, Clone)]
struct Point {
    kind: Kind,
    load: Load,
    count: u64,
    /// How often each flow moved something, per second.
    rounds: f64,
    /// Readings per second, where they were counted: what is asked for is one.
    readings: Option<f64>,
    seconds: f64,
    percent: f64,
    own: f64,
    maps: f64,
}

impl Point {
    /// Processor time of a reading, in seconds. At least that much where none came to its end.
    fn reading(&self) -> f64 {
        self.percent / 100.0 / self.readings.map_or(1.0, |readings| readings.max(1.0 / self.seconds))
    }
}

/// Measures, and leaves the table and the plot for the page.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let seconds = plan.scaled(15).max(4);
    let mut points = Vec::new();
    for (load, counts) in LOADS {
        for &count in counts {
            for kind in KINDS {
                let point = point(plan, kind, load, plan.scaled(count).max(1), seconds)?;
                eprintln!("  {}", line(&point, None));
                points.push(point);
            }
        }
    }
    let piece = Piece::named("scaling");
    draw(&piece.picture()?, &[panel(&points, Load::Flows, CPU), panel(&points, Load::Flows, MEMORY)])?;
    Piece::named("scaling-processes").picture().and_then(|path| {
        draw(&path, &[panel(&points, Load::Processes, CPU), panel(&points, Load::Processes, MEMORY)])
    })?;
    piece.write(&table(&points, seconds), &overhead::made_by("bench scaling", plan.quick))?;
    Ok(points.iter().flat_map(|point| limits(point, &points)).collect())
}

fn point(plan: &Plan, kind: Kind, load: Load, count: u64, seconds: u64) -> Result<Point> {
    match kind {
        Kind::Top => {
            let watcher = Watcher::start_unheard(&plan.subject, &[])?;
            let point = measured(kind, load, count, seconds, watcher.pid(), || Ok(Some(watcher.lines())))?;
            watcher.stop()?;
            Ok(point)
        }
        Kind::Daemon => {
            let state = std::env::temp_dir().join(format!("watcher-bench-scaling-{}", std::process::id()));
            let point = beside_daemon(plan, load, count, seconds, &state);
            std::fs::remove_dir_all(&state)?;
            point
        }
    }
}

fn beside_daemon(plan: &Plan, load: Load, count: u64, seconds: u64, state: &Path) -> Result<Point> {
    let daemon = Daemon::start(&plan.subject, state)?;
    // Timing programs takes time itself, so only where readings may be late.
    let _stats = (count > SURELY_IN_TIME).then(BpfStats::enable).transpose()?;
    let readings = || if count > SURELY_IN_TIME { readings(daemon.pid()).map(Some) } else { Ok(None) };
    let point = measured(Kind::Daemon, load, count, seconds, daemon.pid(), readings)?;
    daemon.stop()?;
    Ok(point)
}

/// How often a daemon has read. Of what did not fit anywhere there is nothing as a rule; then the program that reads it runs
/// once.
fn readings(pid: u32) -> Result<u64> {
    let programs = program_runs(pid)?;
    let reader = programs.iter().find(|(name, _)| name.starts_with("watcher_read_overflow"));
    reader.map(|(_, runs)| runs.count).context("the daemon has no program that reads")
}

fn measured(
    kind: Kind,
    load: Load,
    count: u64,
    seconds: u64,
    pid: u32,
    readings: impl Fn() -> Result<Option<u64>>,
) -> Result<Point> {
    let mut actors = load.actors(count, seconds)?;
    // What is new is looked at more closely; that is another matter.
    sleep(Duration::from_secs(2));
    let first = readings()?;
    let (begun, before) = (Instant::now(), cpu_seconds(pid)?);
    actors.iter_mut().try_for_each(Actor::go)?;
    for actor in &mut actors {
        actor.line()?;
    }
    let (took, spent) = (begun.elapsed().as_secs_f64(), cpu_seconds(pid)? - before);
    let mebibytes = |bytes: u64| ratio(bytes, 1) / MEBIBYTE;
    let point = Point {
        kind,
        load,
        count,
        rounds: ratio(seconds, 1) / took,
        readings: readings()?.zip(first).map(|(last, first)| ratio(last - first, 1) / took),
        seconds: took,
        percent: 100.0 * spent / took,
        own: mebibytes(own_memory(pid)?),
        maps: mebibytes(map_bytes(pid)?),
    };
    // Processes are all gone before the next ones come.
    for actor in &mut actors {
        actor.go()?;
        actor.ended();
    }
    Ok(point)
}

/// The same with a tenth as much, or nearly: the point before it.
fn before<'a>(point: &Point, points: &'a [Point]) -> Option<&'a Point> {
    let same = |other: &&Point| other.kind == point.kind && other.load == point.load && other.count < point.count;
    points.iter().rfind(same)
}

/// Microseconds of processor time for one flow or process and reading.
fn each(point: &Point) -> f64 {
    point.reading() * 1e6 / ratio(point.count, 1)
}

fn limits(point: &Point, points: &[Point]) -> Vec<Row> {
    let what = format!("{}, {} {}", point.kind.name(), point.count, point.load.name());
    let mut rows = Vec::new();
    if point.load == Load::Flows && point.count == 10_000 {
        let note = format!("{:.1} own, {:.1} in the kernel's maps", point.own, point.maps);
        rows.push(Row::at_most(format!("{what}: CPU"), 5.0, point.percent, "% of a core", ""));
        rows.push(Row::at_most(format!("{what}: memory, maps included"), 40.0, point.own + point.maps, "MiB", &note));
    }
    if let Some(before) = before(point, points).filter(|_| point.count > 1000) {
        let growth = each(point) / each(before);
        let what = format!("{what}: CPU for each and reading, over that with {}", before.count);
        rows.push(Row::at_most(what, GROWTH, growth, "times", ""));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(count: u64, percent: f64) -> Point {
        Point {
            kind: Kind::Top,
            load: Load::Flows,
            count,
            rounds: 1.0,
            readings: Some(1.0),
            seconds: 15.0,
            percent,
            own: 10.0,
            maps: 5.0,
        }
    }

    #[test]
    fn what_rises_faster_than_its_load_is_a_missed_limit() {
        let points = [point(100, 0.1), point(10_000, 4.0), point(100_000, 80.0)];
        let met: Vec<bool> = points.iter().flat_map(|point| limits(point, &points)).map(|row| row.met).collect();
        assert_eq!(met, [true, true, true, false]);
        assert!(line(&points[2], Some(&points[1])).contains("| **8.00** |"));
        assert!(line(&points[1], Some(&points[0])).contains("| 4.00 |"));
    }
}
