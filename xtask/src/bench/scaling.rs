//! What watcher takes with more and more flows and processes: rows, a table for docs/overhead.md and its plot.

use std::fmt::Write as _;
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
use crate::chart::lines::{Line, Panel, draw};

const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// The smallest processor time that /proc tells of, over the length of a run, would be no point on a logarithmic axis.
const LEAST_PERCENT: f64 = 0.05;
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
    percent: f64,
    own: f64,
    maps: f64,
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
    point.percent * 1e4 / ratio(point.count, 1) / point.readings.filter(|readings| *readings > 0.0).unwrap_or(1.0)
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

const ABOUT: &str = "\
Each flow moves something once a second: one flow is a UDP socket that sends a byte to itself, more are the two ends of TCP
connections over loopback, 5,000 in a process; each process has a UDP socket that sends a byte to itself. `top --json` reads and
prints once a second and lists processes, `run` reads once a second and keeps the history. Rounds and readings are slower where
the machine cannot keep up. 1 % of a core at 1 Hz is 10 ms for a reading. Own memory is what is resident without the kernel's
maps. Bold: each costs more than 1.3 times what it cost with fewer.
";
const HEADER: &str = "\
| watcher | load | rounds/s | readings/s | CPU, % of a core | CPU for each and reading, µs | own, MiB | maps, MiB |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
";

fn table(points: &[Point], seconds: u64) -> String {
    let mut text = format!("{ABOUT}Measured for {seconds} s each.\n\n{HEADER}");
    for (load, _) in LOADS {
        for kind in KINDS {
            for point in points.iter().filter(|point| point.kind == kind && point.load == load) {
                let _ = writeln!(text, "{}", line(point, before(point, points)));
            }
        }
    }
    text + "\n![processor time and memory by flows](scaling.svg)\n![the same by processes](scaling-processes.svg)\n"
}

/// A cost that rises is set in bold.
fn line(point: &Point, before: Option<&Point>) -> String {
    let readings = point.readings.map_or_else(|| "-".to_owned(), |readings| format!("{readings:.2}"));
    let rises = point.count > 1000 && before.is_some_and(|before| each(point) > GROWTH * each(before));
    let bold = if rises { "**" } else { "" };
    format!(
        "| {} | {} {} | {:.2} | {readings} | {:.2} | {bold}{:.2}{bold} | {:.1} | {:.1} |",
        point.kind.name(),
        point.count,
        point.load.name(),
        point.rounds,
        point.percent,
        each(point),
        point.own,
        point.maps
    )
}

/// What is drawn: a title, and the value of a point.
type Shown = (&'static str, fn(&Point) -> f64);
const CPU: Shown = ("processor time, % of a core", |point| point.percent.max(LEAST_PERCENT));
const MEMORY: Shown = ("memory with maps, MiB", |point| point.own + point.maps);

fn panel(points: &[Point], load: Load, (title, value): Shown) -> Panel {
    let line = |kind: Kind| -> Line {
        let own = points.iter().filter(|point| point.kind == kind && point.load == load);
        (kind.name().replace('`', ""), own.map(|point| (ratio(point.count, 1), value(point))).collect())
    };
    Panel { title: title.to_owned(), across: format!("active {}", load.name()), lines: KINDS.map(line).to_vec() }
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
