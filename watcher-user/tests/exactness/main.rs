//! Exactness: real processes move real bytes through real sockets, count for themselves what each call returned, and
//! watcher must say the same for each of them, to the byte.
//!
//! `cargo test -p watcher-user --test exactness [filter]`. The executable is the test runner and, started again with
//! `--actor`, every process whose bytes are counted. One watcher looks on during the whole run; the truth equations are
//! looked at after each test, which is why tests never run at the same time.

#[cfg(target_os = "linux")]
mod actors;
#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod netns;
#[cfg(target_os = "linux")]
mod packets;
#[cfg(target_os = "linux")]
mod patience;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod state;
#[cfg(target_os = "linux")]
mod suite;
#[cfg(target_os = "linux")]
mod suspend;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod verdict;
#[cfg(target_os = "linux")]
mod watcher;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    if let Some(code) = actors::played() {
        return code;
    }
    cases::run(libtest_mimic::Arguments::from_args())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("exactness is a test of the eBPF collector: Linux only");
}
