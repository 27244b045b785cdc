//! docs/peers.md and its chart, and docs/peers-kprobes.md.

use std::fmt::Write as _;

use anyhow::Result;

use super::contestants::{ALL, Contestant, Layer, Scope};
use super::trial::Measured;
use super::{Shown, better};
use crate::bench::stats::median;
use crate::bench::{Plan, ratio};
use crate::chart::bars::{self, Bars, figure};

const MEBIBYTE: u64 = 1024 * 1024;

/// What a page says of how its figures came about.
pub struct Head {
    /// What it is of.
    about: &'static str,
    /// What happens where.
    places: &'static str,
}

/// Figures of this machine.
pub const HERE: Head = Head {
    about: "\
# Beside other programs

Written by `cargo xtask bench peers --write`; not to be edited. Programs that say who uses the network, each alone beside the same
traffic, and between any two of them the same traffic beside nobody. What needs kprobes is measured on a kernel that has them:
[peers-kprobes.md](peers-kprobes.md).

![Share of bytes under the right process, by program and job](peers.svg)
",
    places: "
Traffic runs between network namespaces joined by veth pairs. Programs that see one namespace are started in the client's (for the forked
server in its own, for the container in its host's); those that see the whole machine on the machine. All run as root.
",
};

/// Those of an emulated one.
pub const EMULATED: Head = Head {
    about: "\
# Beside other programs, on a kernel with kprobes

Written by `cargo xtask vm --peers --write`; not to be edited. Programs that see the TCP of a whole machine, each alone beside the same
traffic, as in [peers.md](peers.md) but with less of it: this is an emulated machine (QEMU's TCG, no KVM). What a program takes of a
processor there and how much it slows traffic means nothing elsewhere, and is not told. Shares of bytes do, each of one run. From run to
run tcptop's vary by hundredths, since what it loses depends on when its second is over, and tcplife's by more, since the end of a
connection finds one process on the processor or another.
",
    places: "
Traffic runs between network namespaces joined by veth pairs; programs are started outside of them, as root.
",
};

const MEANING: &str = "
*True* is what the processes' own calls moved. Who counts headers too is held against the bytes that the network device counted, so nobody loses
or gains by headers. *Reported* is not cut off: above 1 are bytes that were reported twice. *Right* is, with each process: more than it
moved is somebody else's.
";

/// What a table tells of a program.
struct Column {
    name: &'static str,
    unit: &'static str,
    says: &'static str,
    /// Nothing where that was not measured.
    of: fn(&Contestant, &Measured) -> Option<String>,
}

const COLUMNS: &[Column] = &[
    Column {
        name: "reported / true",
        unit: "",
        says: "all that the program reported, of what it would report if it missed nothing",
        of: |_, measured| Some(figure(measured.reported_share())),
    },
    Column {
        name: "right / true",
        unit: "",
        says: "the part of that under the process that moved it",
        of: |contestant, measured| {
            Some(if contestant.names_processes { figure(measured.right_share()) } else { "-".into() })
        },
    },
    Column {
        name: "processor",
        unit: "s",
        says: "seconds, from just before the traffic to the last figures; what eBPF programs take within the calls of others is in *speed*",
        of: |_, measured| Some(format!("{:.2}", measured.times?.cpu)),
    },
    Column {
        name: "memory",
        unit: "MiB",
        says: "MiB: the most that was resident, and what the kernel held in eBPF maps",
        of: |_, measured| Some(memory(measured)),
    },
    Column {
        name: "speed",
        unit: "",
        says: "throughput beside the program, of that beside nobody: 1 is no effect. One pair of runs: on a machine whose processors others share it varies by tenths",
        of: |_, measured| Some(format!("{:.2}", measured.times?.speed)),
    },
];

impl Column {
    fn heading(&self) -> String {
        if self.unit.is_empty() { self.name.into() } else { format!("{}, {}", self.name, self.unit) }
    }
}

fn memory(measured: &Measured) -> String {
    let resident = format!("{:.1}", ratio(measured.resident, MEBIBYTE));
    match measured.maps {
        0 => resident,
        maps => format!("{resident} + {:.1}", ratio(maps, MEBIBYTE)),
    }
}

/// In a row of a table on a terminal.
pub fn told(contestant: &Contestant, measured: &Measured) -> String {
    let figures = COLUMNS.iter().filter_map(|column| {
        let figure = (column.of)(contestant, measured)?;
        Some(format!("{} {figure} {}", column.name, column.unit).trim_end().to_owned())
    });
    figures.collect::<Vec<_>>().join(", ")
}

/// A page that begins with `head`. What no program was measured in has no column.
pub fn markdown(head: &Head, machine: &str, all: &[Shown], plan: &Plan) -> String {
    let measured: Vec<_> = all.iter().flat_map(measured).collect();
    let is_told = |column: &&Column| measured.iter().any(|(contestant, one)| (column.of)(contestant, one).is_some());
    let columns: Vec<&Column> = COLUMNS.iter().filter(is_told).collect();
    let mut page = format!("{}\n| column | what it says |\n| --- | --- |\n", head.about);
    for column in &columns {
        let _ = writeln!(page, "| {} | {} |", column.name, column.says);
    }
    let _ = write!(page, "{MEANING}{}\nMeasured on {machine}.\n\n", head.places);
    programs(&mut page, all, plan);
    for shown in all {
        job(&mut page, shown, &columns, plan);
    }
    page.push_str("\n## Where another program does better than watcher\n\nOut of the tables above, differences within a rounding left out.\n\n");
    let items = better::than_watcher(all);
    for item in &items {
        let _ = writeln!(page, "- {item}");
    }
    if items.is_empty() {
        page.push_str("Nowhere.\n");
    }
    page
}

fn measured(shown: &Shown) -> impl Iterator<Item = (&'static Contestant, &Measured)> {
    shown.cells.iter().filter_map(|(contestant, cell)| Some((*contestant, cell.as_ref().ok()?)))
}

fn job(page: &mut String, shown: &Shown, columns: &[&Column], plan: &Plan) {
    let Shown { job, cells } = shown;
    let _ = write!(page, "\n## {}{}\n\n{}", job.name[..1].to_uppercase(), &job.name[1..], (job.what)(&plan.work));
    let alone: Vec<f64> = measured(shown).filter_map(|(_, one)| Some(one.times?.alone)).collect();
    if !alone.is_empty() {
        let _ = write!(page, " Beside nobody that took {:.1} s.", median(&alone));
    }
    let headings: Vec<String> = columns.iter().map(|column| column.heading()).collect();
    let _ = writeln!(page, "\n\n| program | {} |\n| ---{} |", headings.join(" | "), " | ---".repeat(columns.len()));
    for (contestant, cell) in cells {
        let words: Vec<String> = match cell {
            Ok(one) => columns.iter().map(|column| (column.of)(contestant, one).unwrap_or_default()).collect(),
            Err(why) => {
                vec![format!("left out: {}{}", why.replace('|', "\\|"), " |".repeat(columns.len().saturating_sub(1)))]
            }
        };
        let _ = writeln!(page, "| {} | {} |", contestant.name, words.join(" | "));
    }
}

fn programs(page: &mut String, all: &[Shown], plan: &Plan) {
    page.push_str(
        "| program | version | sees | counts | flags | beside that |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    let programs = || all.iter().take(1).flat_map(|shown| shown.cells.iter().map(|(one, _)| *one));
    for one in programs() {
        let version = one.program(plan).map_or_else(|| "-".into(), |program| one.version(&program));
        let sees = match one.sees {
            Scope::Namespace => "one network namespace",
            Scope::Machine => "the machine",
        };
        let counts = match one.counts {
            Layer::Payload => "payload",
            Layer::Transport => "payload and headers of TCP and UDP",
            Layer::Ip => "packets of IP",
            Layer::Frame => "frames",
        };
        let flags = if one.args.is_empty() { "-".into() } else { format!("`{}`", one.args.join(" ")) };
        let _ = writeln!(page, "| {} | {version} | {sees} | {counts} | {flags} | {} |", one.name, one.note);
    }
    if programs().any(|one| one.args.contains(&"DEVICE")) {
        page.push_str("\n`DEVICE` is the device that the traffic passes.\n");
    }
}

/// Of the programs that could be tried.
pub fn chart(all: &[Shown]) -> Result<String> {
    let mut rows = Vec::new();
    for (number, contestant) in ALL.iter().enumerate() {
        let cells: Vec<_> = all.iter().map(|shown| &shown.cells[number].1).collect();
        let cell = |cell: &&Result<Measured, String>| match cell {
            Ok(_) if !contestant.names_processes => bars::Cell::None("no names"),
            Ok(measured) => bars::Cell::Share(measured.right_share()),
            Err(_) => bars::Cell::None("left out"),
        };
        if cells.iter().any(|cell| cell.is_ok()) {
            rows.push(bars::Row { name: contestant.name.into(), cells: cells.iter().map(cell).collect() });
        }
    }
    bars::svg(&Bars {
        title: "Share of bytes under the right process".into(),
        explained: "Each program alone beside the same traffic; 1 is every byte. Costs and versions: docs/peers.md"
            .into(),
        columns: all.iter().map(|shown| shown.job.name.into()).collect(),
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::super::said::Bytes;
    use super::super::trial::Times;
    use super::super::{emulated, jobs};
    use super::*;

    #[test]
    fn what_was_timed_has_columns_and_says_how_long_it_took() {
        let payload = Bytes { received: 1 << 20, sent: 0 };
        let times = Some(Times { cpu: 0.5, speed: 0.98, alone: 7.4 });
        let (bytes, maps) = (payload.sum(), 1 << 20);
        let one =
            Measured { reported: payload, right: bytes, payload, expected: bytes, resident: 3 << 20, maps, times };
        let cells = ALL.iter().map(|contestant| (contestant, Err("a | b".to_owned())));
        let mut cells: Vec<_> = cells.collect();
        cells[0].1 = Ok(one);
        let all = [Shown { job: &jobs::ALL[0], cells }];
        let page = markdown(&HERE, "a machine", &all, &emulated::plan("/nowhere/watcher".into()));
        let table = " Beside nobody that took 7.4 s.\n\n\
            | program | reported / true | right / true | processor, s | memory, MiB | speed |\n\
            | --- | --- | --- | --- | --- | --- |\n\
            | watcher | 1.000 | 1.000 | 0.50 | 3.0 + 1.0 | 0.98 |\n\
            | watcher --backend pcap | left out: a \\| b | | | | |\n";
        assert!(page.contains(table), "{page}");
        assert!(page.contains("\n`DEVICE` is the device"), "{page}");
    }
}
