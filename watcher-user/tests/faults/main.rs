//! Faults: watcher is killed, stopped, starved of room, and the machine under it changes as fast as it can. Each test ends in
//! an equality; docs/faults.md is the list.
//!
//! The actors are those of the exactness suite: the executable is the test runner and, started again with `--actor`, every
//! process whose bytes are counted. Each test has a watcher of its own; they run one after the other, since some of them load
//! the whole machine.
#![cfg_attr(target_os = "linux", expect(dead_code, reason = "the stage is that of the exactness suite"))]

#[cfg(target_os = "linux")]
#[path = "../exactness/actors/mod.rs"]
#[expect(unused_imports, reason = "likewise")]
mod actors;
#[cfg(target_os = "linux")]
mod churn;
#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
#[path = "../views/daemon.rs"]
mod daemon;
#[cfg(target_os = "linux")]
#[path = "../views/endpoint.rs"]
mod endpoint;
#[cfg(target_os = "linux")]
mod ends;
#[cfg(target_os = "linux")]
#[path = "../views/faketime.rs"]
mod faketime;
#[cfg(target_os = "linux")]
#[path = "../views/far.rs"]
mod far;
#[cfg(target_os = "linux")]
mod leftovers;
#[cfg(target_os = "linux")]
#[path = "../exactness/netns.rs"]
mod netns;
#[cfg(target_os = "linux")]
#[path = "../exactness/packets.rs"]
mod packets;
#[cfg(target_os = "linux")]
#[path = "../exactness/patience.rs"]
mod patience;
#[cfg(target_os = "linux")]
mod pids;
#[cfg(target_os = "linux")]
#[path = "../exactness/report.rs"]
mod report;
#[cfg(target_os = "linux")]
mod restart;
#[cfg(target_os = "linux")]
mod room;
#[cfg(target_os = "linux")]
mod scene;
#[cfg(target_os = "linux")]
#[path = "../exactness/stage.rs"]
mod stage;
#[cfg(target_os = "linux")]
#[path = "../exactness/state.rs"]
mod state;
#[cfg(target_os = "linux")]
#[path = "../exactness/suite.rs"]
mod suite;
#[cfg(target_os = "linux")]
#[path = "../exactness/sys/mod.rs"]
mod sys;
#[cfg(target_os = "linux")]
mod untold;
#[cfg(target_os = "linux")]
#[path = "../exactness/verdict.rs"]
mod verdict;
#[cfg(target_os = "linux")]
#[path = "../exactness/watcher.rs"]
mod watcher;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    if let Some(code) = actors::played() {
        return code;
    }
    let mut args = libtest_mimic::Arguments::from_args();
    args.test_threads = Some(1);
    let trials = [
        room::trials(),
        ends::trials(),
        pids::trials(),
        churn::trials(),
        restart::trials(),
        clock::trials(),
        leftovers::trials(),
        untold::trials(),
    ];
    libtest_mimic::run(&args, trials.into_iter().flatten().collect()).exit_code()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("faults is a test of the eBPF collector: Linux only");
}
