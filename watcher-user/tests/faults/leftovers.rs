//! What is left in the kernel of a watcher that has ended: nothing.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    maps::loaded_maps,
    programs::{loaded_links, loaded_programs},
};
use libtest_mimic::Trial;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    daemon::{Home, wait_for},
    scene::{descriptors, trial},
};

pub fn trials() -> Vec<Trial> {
    vec![trial("a_watcher_that_has_ended_leaves_no_program_map_link_or_probe", || {
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGKILL] {
            nothing_left_of("top", signal).with_context(|| format!("top, {signal}"))?;
            nothing_left_of("run", signal).with_context(|| format!("run, {signal}"))?;
        }
        Ok(())
    })]
}

/// Programs, maps and links, by the kernel's numbers, which it does not soon give again.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ids {
    programs: BTreeSet<u32>,
    maps: BTreeSet<u32>,
    links: BTreeSet<u32>,
}

impl Ids {
    /// What a process holds by its descriptors.
    fn of(pid: u32) -> Result<Self> {
        let mut ids = Self::default();
        for (key, value) in descriptors(pid)?.iter().flatten() {
            let set = match key.as_str() {
                "prog_id" => &mut ids.programs,
                "map_id" => &mut ids.maps,
                "link_id" => &mut ids.links,
                _ => continue,
            };
            set.insert(value.parse().with_context(|| format!("{key}: {value}"))?);
        }
        Ok(ids)
    }

    /// Those of them that the kernel still has.
    fn left(&self) -> Result<Self> {
        // One that goes while it is looked at is gone.
        let programs = loaded_programs().filter_map(Result::ok).map(|p| p.id());
        let maps = loaded_maps().filter_map(Result::ok).map(|m| m.id());
        let links = loaded_links().filter_map(Result::ok).map(|l| l.id());
        Ok(Self {
            programs: programs.filter(|id| self.programs.contains(id)).collect(),
            maps: maps.filter(|id| self.maps.contains(id)).collect(),
            links: links.filter(|id| self.links.contains(id)).collect(),
        })
    }
}

/// Loaded programs of this name that no process holds.
fn unheld() -> Result<Vec<String>> {
    let named: Vec<(u32, String)> = loaded_programs()
        .filter_map(Result::ok)
        .filter_map(|p| Some((p.id(), p.name_as_str()?.to_owned())))
        .filter(|(_, name)| name.starts_with("watcher_"))
        .collect();
    let mut held = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let pid = entry?.file_name().to_string_lossy().parse();
        // A process may end while it is looked at.
        held.extend(pid.ok().and_then(|pid| Ids::of(pid).ok()).unwrap_or_default().programs);
    }
    Ok(named.into_iter().filter(|(id, _)| !held.contains(id)).map(|(_, name)| name).collect())
}

/// Probes in tracefs that name a process.
fn probes(pid: u32) -> usize {
    let lists = ["kprobe_events", "uprobe_events", "dynamic_events"].map(|name| format!("/sys/kernel/tracing/{name}"));
    let lines = lists.iter().filter_map(|path| fs::read_to_string(path).ok());
    lines
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|l| l.contains(&format!("watcher_{pid}_")))
        .count()
}

/// Starts one, and returns when it counts.
fn start(verb: &str, home: &Home) -> Result<Child> {
    let mut command = match verb {
        "run" => home.command(&["run"]),
        _ => Command::new(env!("CARGO_BIN_EXE_watcher")),
    };
    if verb == "top" {
        command.args(["top", "--json", "--standalone", "--interval", "0.2"]);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // An object, or a line of the log.
    let (out, err) = (child.stdout.take().context("no stdout")?, child.stderr.take().context("no stderr")?);
    let mut first = String::new();
    let mut lines = BufReader::new(out);
    let mut log = BufReader::new(err);
    if verb == "top" {
        lines.read_line(&mut first)?;
    } else {
        log.read_line(&mut first)?;
    }
    ensure!(first.contains("\"exact\":true") || first.contains("counting"), "it said: {first}");
    // Read on, so that it can write.
    std::thread::spawn(move || lines.lines().map_while(Result::ok).for_each(drop));
    std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(drop));
    Ok(child)
}

fn nothing_left_of(verb: &str, signal: Signal) -> Result<()> {
    let home = Home::new();
    let mut child = start(verb, &home)?;
    let pid = child.id();
    let ids = Ids::of(pid)?;
    let there = ids.left()?;
    ensure!(there == ids, "the listing does not show what it holds: {there:?} of {ids:?}");
    ensure!(ids.programs.len() > 10 && ids.maps.len() > 10 && ids.links.len() > 10, "too little to be it: {ids:?}");
    kill(Pid::from_raw(pid.cast_signed()), signal)?;
    wait_for("its end", || child.try_wait().ok()?);
    // The kernel frees them a grace period after their last holder has gone.
    wait_for("the end of what it loaded", || (ids.left().ok()? == Ids::default()).then_some(()));
    wait_for("the end of programs that nobody holds", || unheld().ok()?.is_empty().then_some(()));
    if signal == Signal::SIGKILL && probes(pid) > 0 {
        // These are not the kernel's to clean up, but the next one's.
        let mut next = start("top", &home)?;
        kill(Pid::from_raw(next.id().cast_signed()), Signal::SIGTERM)?;
        wait_for("the next one's end", || next.try_wait().ok()?);
    }
    ensure!(probes(pid) == 0, "{} probes are left", probes(pid));
    let ids = [ids.programs.len(), ids.maps.len(), ids.links.len()];
    eprintln!("{verb}, {signal}: {ids:?} programs, maps and links, none left");
    Ok(())
}
