//! `cargo xtask test`: every test there is, against an eBPF object built from source just now.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::ebpf::build::{build, host_arch, prebuilt_object};
use crate::ebpf::toolchain::Toolchain;
use crate::privilege::is_root;
use crate::run::{capture, cargo, on_path, run};
use crate::{build_ebpf, setup};

/// What `cargo xtask test --help` prints.
pub const HELP: &str = "\
cargo xtask test [--build | FILTER]

Gets what the tests need, builds the eBPF object from source, and runs every test of the
workspace against it, as root (through sudo): the exactness suite loads real programs and
moves real bytes. Fails too when the committed object is not that of the sources.

  FILTER   only tests whose names contain this
  --build  only gets what is missing and builds the tests

With CI=true whatever cannot be had is a failure; elsewhere it is said, and the rest runs.
";

/// Runs the verb.
pub fn main(mut args: lexopt::Parser) -> Result<()> {
    let mut filter: Option<OsString> = None;
    let mut only_build = false;
    while let Some(arg) = args.next()? {
        match arg {
            // The suites with a harness of their own take one.
            lexopt::Arg::Value(value) if filter.is_none() && !only_build => filter = Some(value),
            lexopt::Arg::Long("build") if filter.is_none() => only_build = true,
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let mut report = Report::new();
    report.step("setup", get_packages);
    let object = report.step("build the eBPF object from source", build_object).flatten();
    if only_build {
        report.step("build the tests", || run(cargo_test(object.as_deref()).arg("--no-run")));
        return report.verdict();
    }
    report.step("is the committed eBPF object fresh?", || build_ebpf::check(host_arch()));
    report.step("cargo test", || run_tests(object.as_deref(), filter.as_ref(), &[]));
    if cfg!(target_os = "linux") {
        report.step("the exactness suite, counting as on the newest kernels", || {
            run_tests(object.as_deref(), filter.as_ref(), NEWEST)
        });
        report.step("the exactness suite, by packets", || run_tests(object.as_deref(), filter.as_ref(), PACKETS));
    }
    report.verdict()
}

/// Makes `watcher` take the ways of the ladder that Linux 7 needs, whatever runs here.
const NEWEST: &[&str] = &["--assume-traits"];
/// Makes `watcher` count packets, as where eBPF is refused.
const PACKETS: &[&str] = &["--backend", "pcap"];

fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// In CI an error; elsewhere said in one line.
fn lacking(error: &anyhow::Error, consequence: &str) -> Result<()> {
    if in_ci() {
        bail!("{error:#}");
    }
    eprintln!("note: {error:#}; {consequence}");
    Ok(())
}

fn get_packages() -> Result<()> {
    let missing = match setup::install_packages(setup::Purpose::Test) {
        Ok(missing) if missing.is_empty() => return Ok(()),
        Ok(missing) => anyhow::anyhow!("could not be had: {}", missing.join(", ")),
        Err(error) => error,
    };
    lacking(&missing, "tests that use them will fail")
}

/// The object built from source. None where nothing here can build it, and where it is the committed one to the byte: then
/// watcher needs no build of its own for the tests, and has been built with it for packages and emulated machines.
fn build_object() -> Result<Option<PathBuf>> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    if let Err(error) = setup::install_bpf_toolchain() {
        return lacking(&error, "the tests run with the committed eBPF object").map(|()| None);
    }
    let toolchain = Toolchain::find().context("setup found a toolchain for the eBPF target, and now it is gone")?;
    let built = build(&toolchain, host_arch())?;
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    let is_committed = fs::read(prebuilt_object(host_arch())).is_ok_and(|committed| committed == bytes);
    Ok((!is_committed).then_some(built))
}

/// `cargo test` of everything, with this eBPF object in `watcher`, or the committed one.
fn cargo_test(object: Option<&Path>) -> Command {
    let mut cargo = everything("test");
    match object {
        Some(object) => cargo.env("WATCHER_EBPF_OBJECT", object),
        None => cargo.env_remove("WATCHER_EBPF_OBJECT"),
    };
    cargo
}

/// Everything, or, with arguments for `watcher`, the exactness suite with a `watcher` that was given these.
fn run_tests(object: Option<&Path>, filter: Option<&OsString>, arguments: &[&str]) -> Result<()> {
    let mut cargo = cargo_test(object);
    cargo.arg("--no-fail-fast");
    if !arguments.is_empty() {
        cargo.args(["--test", "exactness"]).env("WATCHER_ARGS", arguments.join(" "));
    }
    as_root(&mut cargo)?;
    if let Some(filter) = filter {
        cargo.arg("--").arg(filter);
    }
    run(&mut cargo)
}

/// Cargo over the whole workspace, with what is optional. Tests, packages and emulated machines ask for it alike, so that one
/// build serves all three: other packages or features would be another one.
pub fn everything(verb: &str) -> Command {
    let mut cargo = cargo();
    cargo.args([verb, "--workspace", "--features", "watcher-user/pcap"]);
    cargo
}

/// Has Cargo start test executables as root: through sudo unless root already. Only what was built runs as root, never
/// the build.
pub fn as_root(cargo: &mut Command) -> Result<()> {
    if is_root() || !cfg!(target_os = "linux") {
        return Ok(());
    }
    if !on_path("sudo") {
        bail!("the tests load eBPF programs, which takes root, and there is no sudo here: run this as root");
    }
    cargo.env(runner_variable(&host_triple()?), "sudo -E");
    Ok(())
}

fn host_triple() -> Result<String> {
    let verbose = capture(Command::new("rustc").arg("-vV"))?;
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` does not name its host")
}

/// The variable that tells Cargo what to start a test executable with.
fn runner_variable(triple: &str) -> String {
    format!("CARGO_TARGET_{}_RUNNER", triple.to_uppercase().replace(['-', '.'], "_"))
}

/// What was done, how long it took, and what went wrong.
struct Report {
    begun: Instant,
    failed: Vec<&'static str>,
}

impl Report {
    fn new() -> Self {
        Self { begun: Instant::now(), failed: Vec::new() }
    }

    /// Does one step; a failure is noted and the next step still runs, so that one run shows everything.
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        eprintln!("== {name}");
        let begun = Instant::now();
        let result = work();
        let seconds = begun.elapsed().as_secs_f64();
        match result {
            Ok(value) => {
                eprintln!("== {name}: ok, {seconds:.1} s");
                Some(value)
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                eprintln!("== {name}: FAILED, {seconds:.1} s");
                self.failed.push(name);
                None
            }
        }
    }

    /// The last line.
    fn verdict(self) -> Result<()> {
        let seconds = self.begun.elapsed().as_secs_f64();
        if self.failed.is_empty() {
            eprintln!("cargo xtask test: ok, {seconds:.0} s");
            return Ok(());
        }
        bail!("cargo xtask test FAILED in {seconds:.0} s: {}", self.failed.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_reads_the_runner_of_a_triple_from_this_variable() {
        assert_eq!(runner_variable("x86_64-unknown-linux-gnu"), "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER");
    }

    #[test]
    fn a_failed_step_does_not_stop_the_next_and_is_in_the_verdict() {
        let mut report = Report::new();
        assert!(report.step("one", || -> Result<()> { bail!("no") }).is_none());
        assert_eq!(report.step("two", || Ok(2)), Some(2));
        assert!(report.verdict().unwrap_err().to_string().ends_with(": one"));
    }
}
