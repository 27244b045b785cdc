//! Setup and uninstall: what is written, what it is worth, and that it works under a real systemd.
#![cfg(target_os = "linux")]

mod grades;
mod image;
mod namespaces;
mod package;
mod service;
mod terminal;

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Whoever moves bytes in this process has it: another test may be counting them.
static MOVING: Mutex<()> = Mutex::new(());

/// The program under test.
const WATCHER: &str = env!("CARGO_BIN_EXE_watcher");

/// Runs to the end with nobody to answer.
fn run(program: impl AsRef<Path>, args: &[&str]) -> Output {
    let mut command = Command::new(program.as_ref());
    command.args(args).stdin(Stdio::null());
    command.output().unwrap_or_else(|error| panic!("{}: {error}; try: cargo xtask setup", program.as_ref().display()))
}

fn alone() -> MutexGuard<'static, ()> {
    MOVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Exit code, standard output, standard error.
fn words(out: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}
