//! Real sockets of real processes, and who is said to own them. Linux: other systems list sockets in other ways.
#![cfg_attr(target_os = "linux", expect(clippy::unwrap_used, reason = "a test without the harness that clippy knows"))]

#[cfg(target_os = "linux")]
mod actor;
#[cfg(target_os = "linux")]
mod cases;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == actor::WORD) {
        actor::main(&arguments[2..]);
        return std::process::ExitCode::SUCCESS;
    }
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), cases::all()).exit_code()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
