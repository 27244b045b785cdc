//! `cargo xtask vm`: the exactness suite on other kernels, each in a virtual machine of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::run::capture;
use crate::{repo, setup};

mod apt;
mod arch;
mod boot;
mod build;
mod console;
pub mod cost;
mod errand;
mod image;
mod kernels;
mod outcome;
mod peers;
mod table;
mod userland;
mod variants;

use arch::Arch;
use boot::{Clock, Machine};
use console::{Console, Verdict};
use image::Contents;
use kernels::Kernel;
use table::Row;
use variants::{Expected, VARIANTS, Variant, Without};

/// What `cargo xtask vm --help` prints.
pub const HELP: &str = "\
cargo xtask vm [MACHINE…] [--filter F | --suspend] [--jobs N] [--timeout SECONDS] [--watcher-args ARGS]
cargo xtask vm [--read] --write
cargo xtask vm --cost [MACHINE…] [--watcher PATH]
cargo xtask vm --peers [--read] [--watcher PATH] [--write]
cargo xtask vm --list

Downloads kernels, boots each in an emulated machine (no KVM, no root), and runs `watcher
doctor` and the exactness suite there. Prints a table. Where eBPF cannot be had, watcher has to
say so, and the suite runs by packets.

  MACHINE            see --list (default: all that are not by name only)
  --list             what there is
  --filter F         only tests whose names contain F
  --suspend          only the test that suspends the machine: not every emulated one comes back
  --jobs N           so many machines at once (default: one for each core of this machine, at
                     most 4)
  --timeout SECONDS  of one boot (default: 3000)
  --watcher-args ARGS  more arguments for the `watcher` that is tried
  --cost             instead, count the instructions of each program's runs, for docs/overhead.md
  --peers            instead, put tcplife, tcptop and watcher beside the same traffic, as
                     `cargo xtask bench peers` does where there are no kprobes
  --watcher PATH     with --cost, --peers: this binary instead of the release build
  --read             boot nothing: take the consoles of earlier boots
  --write            write docs/kernels.md from the last whole boot of every machine; with
                     --peers docs/peers-kprobes.md

Consoles are kept in target/vm/MACHINE/console.log, of a part of the suite in part.log.
";

/// What an emulated machine cannot show: the image has no nginx; 5 GiB take longer than the test waits; and where datagrams
/// come faster than the reader reads, some are dropped, which iperf3's figures do not allow for.
const SKIPPED: &[&str] = &["curl_and_nginx", "counters_go_past_4_gib", "iperf3_udp"];

/// What machines are booted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Suite,
    Cost,
    Peers,
}

/// What of the suite is run.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// All that runs by itself.
    Whole,
    /// Tests whose names contain this.
    Named(String),
    /// The test that suspends the machine, which is left out otherwise.
    Suspending,
}

impl Part {
    /// What the harness is asked for.
    fn filter(&self) -> Option<&str> {
        match self {
            Self::Whole => None,
            Self::Named(name) => Some(name),
            Self::Suspending => Some("a_machine_that_was_suspended"),
        }
    }
}

struct Options {
    variants: Vec<&'static Variant>,
    part: Part,
    jobs: usize,
    at_most: Duration,
    watcher: String,
    task: Task,
    program: Option<PathBuf>,
    list: bool,
    read: bool,
    write: bool,
}

impl Options {
    /// Whether what comes out is the whole suite's.
    fn is_whole(&self) -> bool {
        self.part == Part::Whole && self.watcher.is_empty()
    }
}

/// Runs the verb.
pub fn main(args: lexopt::Parser) -> Result<()> {
    let Some(options) = options(args)? else {
        print!("{HELP}");
        return Ok(());
    };
    if options.list {
        print!("{}", variants::list());
        return Ok(());
    }
    match options.task {
        Task::Suite => try_suite(&options),
        Task::Cost => cost::measure(&options.variants, options.jobs, options.program),
        Task::Peers => {
            let asked = peers::Asked { read: options.read, write: options.write };
            peers::measure(options.program, &asked)
        }
    }
}

fn try_suite(options: &Options) -> Result<()> {
    let rows = if options.read { earlier(&options.variants)? } else { boot_all(options)? };
    print!("{}", table::summary(&rows));
    if options.write {
        let page = repo::root().join("docs/kernels.md");
        let mut known = earlier(&VARIANTS.iter().collect::<Vec<_>>())?;
        known.retain(|(_, console)| !console.filtered && console.ended && !console.tree.is_empty());
        fs::write(&page, table::page(&known)).with_context(|| format!("cannot write {}", page.display()))?;
    }
    let mut bad = Vec::new();
    for (variant, console) in &rows {
        for objection in outcome::objections(console, variant.expected) {
            eprintln!("vm: {}: {objection}", variant.name);
            bad.push(variant.name);
        }
    }
    bad.dedup();
    if rows.is_empty() || !bad.is_empty() {
        bail!("not good on {}: see target/vm/MACHINE/", bad.join(", "));
    }
    Ok(())
}

fn options(mut args: lexopt::Parser) -> Result<Option<Options>> {
    let mut options = Options {
        variants: Vec::new(),
        part: Part::Whole,
        jobs: thread::available_parallelism().map_or(1, |n| n.get().min(4)),
        at_most: Duration::from_secs(3000),
        watcher: String::new(),
        task: Task::Suite,
        program: None,
        list: false,
        read: false,
        write: false,
    };
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("filter") => options.part = Part::Named(args.value()?.to_string_lossy().into_owned()),
            lexopt::Arg::Long("suspend") => options.part = Part::Suspending,
            lexopt::Arg::Long("jobs") => options.jobs = args.value()?.to_string_lossy().parse::<usize>()?.max(1),
            lexopt::Arg::Long("timeout") => {
                options.at_most = Duration::from_secs(args.value()?.to_string_lossy().parse()?);
            }
            lexopt::Arg::Long("watcher-args") => options.watcher = args.value()?.to_string_lossy().into_owned(),
            lexopt::Arg::Long("cost") => options.task = Task::Cost,
            lexopt::Arg::Long("peers") => options.task = Task::Peers,
            lexopt::Arg::Long("watcher") => options.program = Some(PathBuf::from(args.value()?)),
            lexopt::Arg::Long("list") => options.list = true,
            lexopt::Arg::Long("read") => options.read = true,
            lexopt::Arg::Long("write") => options.write = true,
            lexopt::Arg::Value(name) => options.variants.push(Variant::named(&name.to_string_lossy())?),
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    if options.variants.is_empty() {
        options.variants = match options.task {
            Task::Suite => VARIANTS.iter().filter(|v| v.by_default || options.read).collect(),
            Task::Cost => cost::machines()?,
            Task::Peers => Vec::new(),
        };
    } else if options.task == Task::Peers {
        bail!("--peers has a machine of its own");
    }
    Ok(Some(options))
}

/// What is left of earlier boots.
fn earlier(variants: &[&'static Variant]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for variant in variants {
        let log = repo::target_dir().join("vm").join(variant.name).join("console.log");
        if log.exists() {
            let text = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
            rows.push((*variant, Console::of(&String::from_utf8_lossy(&text))));
        }
    }
    Ok(rows)
}

/// Prepares one after the other, then boots several at once.
fn boot_all(options: &Options) -> Result<Vec<Row>> {
    let missing = setup::install_packages(setup::Purpose::Vm)?;
    if !missing.is_empty() {
        bail!("could not be had: {}", missing.join(", "));
    }
    let waiting = Mutex::new(prepare(options)?);
    let first = first_lines(options)?;
    let rows = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
    thread::scope(|scope| {
        let work = || -> Result<()> {
            while let Some((variant, machine)) = next() {
                let console = attempt(variant, &machine, &first, options.at_most)
                    .with_context(|| format!("trying {}", variant.name))?;
                rows.lock().unwrap_or_else(PoisonError::into_inner).push((variant, console));
            }
            Ok(())
        };
        let workers: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
    })?;
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    table::sort(&mut rows);
    Ok(rows)
}

/// Which sources, and whether all of the suite: what a console does not say itself.
fn first_lines(options: &Options) -> Result<String> {
    let mut git = Command::new("git");
    let tree = capture(git.current_dir(repo::root()).args(["describe", "--always", "--dirty", "--exclude", "*"]))?;
    Ok(format!("@@tree {tree}{}", if options.is_whole() { "" } else { "\n@@filtered" }))
}

/// Builds, downloads and packs, the last machine first.
fn prepare(options: &Options) -> Result<Vec<(&'static Variant, Machine)>> {
    let cache = repo::target_dir().join("vm");
    let mut executables: Vec<(Arch, Vec<PathBuf>, Option<PathBuf>)> = Vec::new();
    let mut machines = Vec::new();
    for variant in options.variants.iter().rev() {
        let kernel = Kernel::named(variant.kernel)?;
        if !executables.iter().any(|(arch, ..)| *arch == kernel.arch) {
            let foreign = if kernel.arch == Arch::HOST { None } else { Some(userland::foreign(kernel.arch, &cache)?) };
            executables.push((kernel.arch, build::executables(kernel.arch)?, foreign));
        }
        let (_, built, foreign) =
            executables.iter().find(|(arch, ..)| *arch == kernel.arch).context("nothing was built")?;
        let unpacked = kernel.fetch(&cache)?;
        let folder = cache.join(variant.name);
        fs::create_dir_all(&folder)?;
        let settings = settings(variant, options);
        let contents = Contents { built, settings: &settings, foreign: foreign.as_deref() };
        let initramfs = image::pack(&unpacked, &contents, &folder)?;
        let log = folder.join(if options.is_whole() { "console.log" } else { "part.log" });
        let (processors, clock) = (variant.processors, Clock::Real);
        machines.push((*variant, Machine { kernel: unpacked, initramfs, processors, clock, log }));
    }
    Ok(machines)
}

/// What the machine's first process is told.
fn settings(variant: &Variant, options: &Options) -> String {
    let skipped = SKIPPED.iter().flat_map(|name| ["--skip", name]);
    let suite: Vec<&str> = skipped.chain(options.part.filter()).collect();
    let watcher = format!("{} {}", variant.arguments, options.watcher);
    let without = match variant.without {
        Without::Nothing => "",
        Without::Btf => "btf",
        Without::Cgroup2 => "cgroup2",
    };
    let packets = if matches!(variant.expected, Expected::Packets(_)) { "yes" } else { "" };
    let quoted = |text: &str| format!("'{}'", text.trim().replace('\'', r"'\''"));
    format!(
        "WITHOUT={}\nWATCHER={}\nSUITE={}\nPACKETS={}\nSUSPEND={}\n",
        quoted(without),
        quoted(&watcher),
        quoted(&suite.join(" ")),
        quoted(packets),
        quoted(if options.part == Part::Suspending { "yes" } else { "" })
    )
}

/// Boots one, and says how far it is.
fn attempt(variant: &Variant, machine: &Machine, first: &str, at_most: Duration) -> Result<Console> {
    let name = variant.name;
    eprintln!("vm: {name}: booting {}", machine.kernel.release);
    let begun = Instant::now();
    let (mut console, mut told) = (Console::default(), 0);
    machine.boot(first, at_most, |line| {
        console.read(line);
        if console.tests.len() >= told + 25 {
            told = console.tests.len();
            let failed = console.count(Verdict::Failed);
            let of = console.announced.unwrap_or_default();
            eprintln!("vm: {name}: {told} of {of} tests, {failed} failed, {:.0} s", begun.elapsed().as_secs_f64());
        }
    })?;
    // The log has what this end wrote into it, too.
    let console = Console::of(&String::from_utf8_lossy(&fs::read(&machine.log)?));
    let verdict = if outcome::objections(&console, variant.expected).is_empty() { "good" } else { "NOT good" };
    eprintln!("vm: {name}: ended after {:.0} s, {verdict}", begun.elapsed().as_secs_f64());
    Ok(console)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_process_is_told_what_to_take_away() {
        let options = Options {
            variants: Vec::new(),
            part: Part::Named("a'b".to_owned()),
            jobs: 1,
            at_most: Duration::ZERO,
            watcher: "--x".to_owned(),
            task: Task::Suite,
            program: None,
            list: false,
            read: false,
            write: false,
        };
        let told = settings(Variant::named("6.1-no-btf").unwrap(), &options);
        assert!(told.starts_with("WITHOUT='btf'\nWATCHER='--x'\nSUITE='--skip curl_and_nginx"), "{told}");
        assert!(told.ends_with("a'\\''b'\nPACKETS='yes'\nSUSPEND=''\n"), "{told}");
    }
}
