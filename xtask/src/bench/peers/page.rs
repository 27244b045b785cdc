//! docs/peers.md and its chart.

use std::fmt::Write as _;

use anyhow::Result;

use super::contestants::{ALL, Contestant, Layer, Scope};
use super::trial::Measured;
use super::{Shown, better, machine};
use crate::bench::stats::median;
use crate::bench::{Plan, ratio};
use crate::chart::bars::{self, Bars, figure};

const MEBIBYTE: u64 = 1024 * 1024;

const HEAD: &str = "\
# Beside other programs

Written by `cargo xtask bench peers --write`; not to be edited. Programs that say who uses the network, each alone beside the same
traffic, and between any two of them the same traffic beside nobody.

![Share of bytes under the right process, by program and job](peers.svg)

| column | what it says |
| --- | --- |
| reported / true | all that the program reported, of what it would report if it missed nothing |
| right / true | the part of that under the process that moved it |
| processor | seconds, from just before the traffic to the last figures; what eBPF programs take within the calls of others is in *speed* |
| memory | MiB: the most that was resident, and what the kernel held in eBPF maps |
| speed | throughput beside the program, of that beside nobody: 1 is no effect. One pair of runs: on a machine whose processors others share it varies by tenths |

*True* is what the processes' own calls moved. Who counts headers too is held against the bytes that the network device counted, so nobody loses
or gains by headers. *Reported* is not cut off: above 1 are bytes that were reported twice. *Right* is, with each process: more than it
moved is somebody else's.

Traffic runs between network namespaces joined by veth pairs. Programs that see one namespace are started in the client's (for the forked
server in its own, for the container in its host's); those that see the whole machine on the machine. All run as root.
";

/// In a row of a table on a terminal.
pub fn told(contestant: &Contestant, measured: &Measured) -> String {
    let [reported, right, cpu, memory, speed] = columns(contestant, measured);
    format!("reported {reported}, right {right}; {cpu} s of a processor, {memory} MiB; speed {speed}")
}

fn columns(contestant: &Contestant, measured: &Measured) -> [String; 5] {
    let right = if contestant.names_processes { figure(measured.right_share()) } else { "-".into() };
    let mut memory = format!("{:.1}", ratio(measured.resident, MEBIBYTE));
    if measured.maps > 0 {
        let _ = write!(memory, " + {:.1}", ratio(measured.maps, MEBIBYTE));
    }
    let (cpu, speed) = (format!("{:.2}", measured.cpu), format!("{:.2}", measured.speed));
    [figure(measured.reported_share()), right, cpu, memory, speed]
}

/// The page.
pub fn markdown(all: &[Shown], plan: &Plan) -> String {
    let mut page = HEAD.to_owned();
    programs(&mut page, plan);
    for Shown { job, cells } in all {
        let alone: Vec<f64> = cells.iter().filter_map(|(_, cell)| Some(cell.as_ref().ok()?.alone)).collect();
        let (title, what) = (format!("{}{}", job.name[..1].to_uppercase(), &job.name[1..]), (job.what)(plan));
        let _ = write!(page, "\n## {title}\n\n{what} Beside nobody that took {:.1} s.\n\n", median(&alone));
        page.push_str("| program | reported / true | right / true | processor, s | memory, MiB | speed |\n");
        page.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for (contestant, cell) in cells {
            let _ = match cell {
                Ok(measured) => {
                    writeln!(page, "| {} | {} |", contestant.name, columns(contestant, measured).join(" | "))
                }
                Err(why) => writeln!(page, "| {} | left out: {} | | | | |", contestant.name, why.replace('|', "\\|")),
            };
        }
    }
    page.push_str("\n## Where another program does better than watcher\n\nOut of the tables above, differences within a rounding left out.\n\n");
    for item in better::than_watcher(all) {
        let _ = writeln!(page, "- {item}");
    }
    page
}

fn programs(page: &mut String, plan: &Plan) {
    let _ = write!(page, "\nMeasured on {}.\n\n", machine::described());
    page.push_str(
        "| program | version | sees | counts | flags | beside that |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for one in ALL {
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
    page.push_str("\n`DEVICE` is the device that the traffic passes.\n");
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
