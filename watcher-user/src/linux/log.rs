//! Diagnostics from inside the programs (aya-log), when `--log` asks for them: one line each on standard error.

use aya::Ebpf;
use aya_log::EbpfLogger;
use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

static STDERR: Stderr = Stderr;

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &Record<'_>) {
        eprintln!("[{} {}] {}", record.level(), record.target(), record.args());
    }
    fn flush(&self) {}
}

/// Prints what the programs log from now on. Must be called within a tokio runtime.
pub fn start(ebpf: &mut Ebpf) {
    let logger = match EbpfLogger::init_with_logger(ebpf, &STDERR) {
        Ok(logger) => logger,
        Err(e) => {
            eprintln!("watcher: the programs' log cannot be read: {e}");
            return;
        }
    };
    log::set_max_level(LevelFilter::Trace);
    // SAFETY: the logger owns its descriptor for as long as the registration lives.
    match unsafe { tokio::io::unix::AsyncFd::register(logger) } {
        Ok(fd) => drop(tokio::spawn(follow(fd))),
        Err(e) => eprintln!("watcher: the programs' log cannot be followed: {e}"),
    }
}

async fn follow<L: Log>(mut fd: tokio::io::unix::AsyncFd<EbpfLogger<L>>) {
    while let Ok(mut guard) = fd.readable_mut().await {
        guard.get_inner_mut().flush();
        guard.clear_ready();
    }
}
