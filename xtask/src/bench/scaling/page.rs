//! The table and the plots of docs/overhead.md.

use std::fmt::Write as _;

use super::{GROWTH, KINDS, Kind, LOADS, Load, Point, before, each};
use crate::bench::ratio;
use crate::chart::lines::{Line, Panel};

/// Milliseconds: the smallest processor time that /proc tells of, over the length of a run, would be no point on a logarithmic
/// axis.
const LEAST: f64 = 0.5;

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

/// The table, and the pictures below it.
pub fn table(points: &[Point], seconds: u64) -> String {
    let mut text = format!("{ABOUT}Measured for {seconds} s each.\n\n{HEADER}");
    for (load, _) in LOADS {
        for kind in KINDS {
            for point in points.iter().filter(|point| point.kind == kind && point.load == load) {
                let _ = writeln!(text, "{}", line(point, before(point, points)));
            }
        }
    }
    text + "\n![processor time of a reading, and memory, by flows](scaling.svg)\n![the same by processes](scaling-processes.svg)\n"
}

/// A row. A cost that rises is set in bold.
pub fn line(point: &Point, before: Option<&Point>) -> String {
    let readings = point.readings.map_or_else(|| "-".to_owned(), |readings| format!("{readings:.2}"));
    let rises = point.count > 1000 && before.is_some_and(|before| each(point) > GROWTH * each(before));
    let bold = if rises { "**" } else { "" };
    let least = if point.readings == Some(0.0) { "> " } else { "" };
    format!(
        "| {} | {} {} | {:.2} | {readings} | {:.2} | {bold}{least}{:.2}{bold} | {:.1} | {:.1} |",
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
pub type Shown = (&'static str, fn(&Point) -> f64);
/// Of one reading, which comes later where the machine cannot keep up.
pub const CPU: Shown = ("processor time of a reading, ms", |point| (point.reading() * 1e3).max(LEAST));
/// All of it.
pub const MEMORY: Shown = ("memory with maps, MiB", |point| point.own + point.maps);

/// One curve for each watcher.
pub fn panel(points: &[Point], load: Load, (title, value): Shown) -> Panel {
    let line = |kind: Kind| -> Line {
        let own = points.iter().filter(|point| point.kind == kind && point.load == load);
        (kind.name().replace('`', ""), own.map(|point| (ratio(point.count, 1), value(point))).collect())
    };
    Panel { title: title.to_owned(), across: format!("active {}", load.name()), lines: KINDS.map(line).to_vec() }
}
