//! Where the daemon's time goes while many flows are active: a flame graph and the functions that take most, for
//! docs/overhead.md.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};
use inferno::collapse::Collapse as _;
use inferno::collapse::perf::{Folder, Options as Folding};
use inferno::flamegraph::{self, Options as Drawing};

use super::daemon::Daemon;
use super::overhead::{Piece, made_by};
use super::subject::Subject;
use super::table::Row;
use super::{Plan, ratio, scaling};
use crate::repo;
use crate::run::{cargo, quiet, run};

/// The one that is drawn, and the one where what grows faster than the flows shows.
const FLOWS: [u64; 2] = [10_000, 100_000];
/// Samples a second of processor time.
const FREQUENCY: &str = "4999";
/// Functions in the table.
const MOST: usize = 8;
/// Percent of the width; what is narrower could not be read.
const NARROWEST: f64 = 0.3;

/// Said below the tables.
const SUPER_LINEAR: &str = "
What grows faster than the flows is the kernel's iterator over socket storage, `bpf_sk_storage_map_seq_find_next`: where it goes
on after it was stopped, it walks its bucket from the start again, and a storage map has as many buckets as the machine has
processors. An iterator's own file stops it after each 32 KiB, 93 sockets that have moved something; watcher's programs put
them into a shared array instead, and stop it after 5,952. So beside what each flow takes, a reading walks past as many sockets as
flows ÷ processors ÷ 2, once for each 5,952 flows that moved.
";

/// Builds what is measured: as users get it, but with symbols and without the long link-time optimisation.
pub fn build() -> Result<()> {
    let mut cargo = cargo();
    cargo.args(["build", "--release", "--package", "watcher-user", "--bin", "watcher"]);
    cargo.arg("--target-dir").arg(folder());
    cargo.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only").env("CARGO_PROFILE_RELEASE_STRIP", "none");
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    run(&mut cargo)
}

fn folder() -> PathBuf {
    repo::target_dir().join("flame")
}

/// Records, draws, and leaves the table for the page.
pub fn rows(plan: &Plan) -> Result<Vec<Row>> {
    let piece = Piece::named("flame");
    let picture = piece.picture()?;
    let seconds = plan.scaled(15).max(4);
    let mut text = "`perf record` of `watcher run` on its processor clock, built with symbols and without link-time \
                    optimisation; the share of\nits processor time in which a function itself was running, kernel included.\n"
        .to_owned();
    let mut rows = Vec::new();
    for flows in FLOWS.map(|flows| plan.scaled(flows)) {
        let folded = recorded(flows, seconds)?;
        let whole: u64 = stacks(&folded).map(|(_, time)| time).sum();
        if flows == plan.scaled(FLOWS[0]) {
            draw(&folded, flows, &picture)?;
        }
        let milliseconds = whole / 1_000_000;
        text += &format!("\n| function, {flows} active flows, {milliseconds} ms | share |\n| --- | ---: |\n");
        let most = most(&folded);
        text.extend(most.iter().take(MOST).map(|(name, time)| format!("| `{name}` | {} |\n", share(*time, whole))));
        let first = most.first().map_or_else(String::new, |(name, time)| format!("{name} {}", share(*time, whole)));
        rows.push(Row::told(format!("most of the daemon's time with {flows} flows"), first));
    }
    text += &format!("\n[![flame graph of the daemon with {} active flows](flame.svg)](flame.svg)\n", FLOWS[0]);
    text += SUPER_LINEAR;
    piece.write(&text, &made_by("bench flame", plan.quick))?;
    Ok(rows)
}

fn share(part: u64, of: u64) -> String {
    format!("{:.1} %", 100.0 * ratio(part, of))
}

/// Stacks of the daemon, a line for each: functions from the outermost, and nanoseconds.
fn recorded(flows: u64, seconds: u64) -> Result<String> {
    let state = std::env::temp_dir().join(format!("watcher-bench-flame-{}", std::process::id()));
    let data = folder().join("perf.data");
    let done = beside_daemon(flows, seconds, &state, &data);
    fs::remove_dir_all(&state)?;
    done?;
    let mut script = Command::new("perf");
    script.args(["script", "--no-inline", "--input"]).arg(&data).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut script = script.spawn().context("cannot start `perf script`")?;
    let stacks = script.stdout.take().context("the child's output was asked for")?;
    let mut folded = Vec::new();
    Folder::from(Folding::default())
        .collapse(std::io::BufReader::new(stacks), &mut folded)
        .context("cannot make sense of what `perf script` printed")?;
    script.wait()?;
    fs::remove_file(&data)?;
    String::from_utf8(folded).context("a function's name is no text")
}

fn beside_daemon(flows: u64, seconds: u64, state: &Path, data: &Path) -> Result<()> {
    let daemon = Daemon::start(&Subject { program: folder().join("release/watcher") }, state)?;
    let mut actors = scaling::flows(flows, seconds + 2)?;
    sleep(Duration::from_secs(2));
    for actor in &mut actors {
        actor.go()?;
    }
    let mut perf = Command::new("perf");
    // The event is there in virtual machines as well, where the processor's own counters often are not.
    perf.args(["record", "--quiet", "--event", "cpu-clock", "--freq", FREQUENCY, "--call-graph", "dwarf"]);
    perf.args(["--pid", &daemon.pid().to_string(), "--output"]).arg(data);
    perf.args(["--", "sleep", &seconds.to_string()]);
    quiet(&mut perf)?;
    daemon.stop().map(drop)
}

fn draw(folded: &str, flows: u64, to: &Path) -> Result<()> {
    let mut options = Drawing::default();
    options.title = format!("watcher run, {flows} active flows");
    options.min_width = NARROWEST;
    options.deterministic = true;
    options.count_name = "ns".to_owned();
    let file = File::create(to).with_context(|| format!("cannot write {}", to.display()))?;
    flamegraph::from_lines(&mut options, folded.lines(), file).context("cannot draw the flame graph")
}

fn stacks(folded: &str) -> impl Iterator<Item = (&str, u64)> {
    folded.lines().filter_map(|line| line.rsplit_once(' ').and_then(|(stack, time)| Some((stack, time.parse().ok()?))))
}

/// Functions by how long they were the innermost one.
fn most(folded: &str) -> Vec<(&str, u64)> {
    let mut times: HashMap<&str, u64> = HashMap::new();
    for (stack, time) in stacks(folded) {
        *times.entry(stack.rsplit(';').next().unwrap_or(stack)).or_default() += time;
    }
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_by_key(|(name, time)| (std::cmp::Reverse(*time), *name));
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_function_is_whose_sample_it_is() {
        let folded = "watcher;main;read 3\nwatcher;main;read;copy 4\nwatcher;main;write;copy 2\n";
        assert_eq!(most(folded), [("copy", 6), ("read", 3)]);
    }
}
