//! Starting, stopping and asking after a daemon, from another process.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Lock, Options, make_private};
use crate::{
    control::{
        Answer, Ask, Status,
        client::{AskError, Client},
        socket_path,
    },
    setup::Manager,
    text::printable,
};

/// A daemon must count by then.
const START_WITHIN: Duration = Duration::from_secs(30);
/// It promises two seconds.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What a detached daemon says.
const LOG: &str = "watcher.log";

/// Starts a daemon: through systemd or launchd where it is installed as a service, else detached.
///
/// # Errors
/// It runs already, or does not come up.
pub fn start(options: &Options, arguments: &[String]) -> anyhow::Result<ExitCode> {
    let state = Options::state(&options.configuration()?)?;
    if let Some(pid) = Lock::holder(&state)? {
        println!("watcher runs already (process {pid})");
        return Ok(ExitCode::SUCCESS);
    }
    match Manager::of_installed_service().filter(|_| arguments.is_empty()) {
        Some(manager) => manager.begin()?,
        None => detach(&state, arguments)?,
    }
    let pid = Lock::holder(&state)?.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    println!("watcher runs (process {pid}); what it counts: watcher top, watcher summary");
    Ok(ExitCode::SUCCESS)
}

fn detach(state: &Path, arguments: &[String]) -> anyhow::Result<()> {
    make_private(state).with_context(|| format!("making the state directory {}", state.display()))?;
    let path = state.join(LOG);
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let log = log.with_context(|| format!("opening {}", path.display()))?;
    let from = log.metadata()?.len();
    let program = std::env::current_exe().context("finding this program")?;
    let mut command = Command::new(program);
    command.arg("run").args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).current_dir("/");
    // SAFETY: setsid is async-signal-safe and touches no memory of this process.
    unsafe { command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(Into::into)) };
    let mut child = command.spawn().context("starting the daemon")?;
    wait_until_it_counts(&mut child, state, &path, from)
}

fn wait_until_it_counts(child: &mut Child, state: &Path, log: &Path, from: u64) -> anyhow::Result<()> {
    let deadline = Instant::now() + START_WITHIN;
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("the daemon ended with {status}: {}", said_since(log, from));
        }
        if ask(state, Ask::Status).is_ok() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the daemon does not answer after {START_WITHIN:?}; what it said is in {}", log.display());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The end of the log that is new.
fn said_since(log: &Path, from: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(4096).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    read().unwrap_or_else(|e| format!("(its log cannot be read: {e})"))
}

/// Stops the daemon and waits until it is gone.
///
/// # Errors
/// It may not be stopped by this user, or does not end.
pub fn stop(options: &Options) -> anyhow::Result<ExitCode> {
    let state = Options::state(&options.configuration().or_else(|_| options.without_file())?)?;
    let Some(pid) = Lock::holder(&state)? else {
        println!("watcher does not run");
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(manager) = Manager::of_installed_service().filter(|manager| manager.main_process() == Some(pid)) {
        manager.end()?;
        println!("watcher is stopped (process {pid}, a service of {})", manager.name());
        return Ok(ExitCode::SUCCESS);
    }
    // Who holds the lock wrote its own number there, and cannot have ended meanwhile: then it would not hold it.
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM).with_context(|| format!("stopping process {pid}"))?;
    let begun = Instant::now();
    while Lock::holder(&state)? == Some(pid) {
        if begun.elapsed() > STOP_WITHIN {
            bail!("process {pid} was told to stop and still runs after {STOP_WITHIN:?}; try: kill -9 {pid}");
        }
        std::thread::sleep(LOOK_EVERY);
    }
    println!("watcher is stopped (process {pid}, after {:.1} s)", begun.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// Stops it if it runs, and starts it.
///
/// # Errors
/// As [`stop`] and [`start`].
pub fn restart(options: &Options, arguments: &[String]) -> anyhow::Result<ExitCode> {
    stop(options)?;
    start(options, arguments)
}

/// Has the daemon read its configuration again, and says what came of it.
///
/// # Errors
/// None runs, or it does not take the configuration.
pub fn reload(options: &Options) -> anyhow::Result<ExitCode> {
    // The configuration may be what is wrong: where the daemon is must be found all the same.
    let state = Options::state(&options.configuration().or_else(|_| options.without_file())?)?;
    match ask(&state, Ask::Reload)? {
        Answer::Done(said) => println!("{said}"),
        _ => bail!("the daemon answered something else than was asked"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells how the daemon is. Exit code 1 when none runs.
///
/// # Errors
/// It runs and does not answer, or the output cannot be written.
pub fn status(options: &Options, json: bool) -> anyhow::Result<ExitCode> {
    let state = Options::state(&options.configuration().or_else(|_| options.without_file())?)?;
    let mut out = std::io::stdout().lock();
    match ask(&state, Ask::Status) {
        Ok(Answer::Status(status)) => {
            if json {
                writeln!(out, "{}", watcher_core::json::to_string(&*status)?)?;
            } else {
                write!(out, "{}", in_words(&status, &state))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Ok(_) => bail!("the daemon answered something else than was asked"),
        Err(AskError::NotRunning(_)) => {
            if json {
                writeln!(out, "{{\"running\":false}}")?;
            } else {
                writeln!(out, "watcher does not run; try: sudo watcher start")?;
            }
            Ok(ExitCode::FAILURE)
        }
        Err(e) => Err(e.into()),
    }
}

/// Asks the daemon of a state directory.
///
/// # Errors
/// As [`Client`].
pub fn ask(state: &Path, ask: Ask) -> Result<Answer, AskError> {
    Client::connect(&socket_path(state))?.ask(ask)
}

fn in_words(status: &Status, state: &Path) -> String {
    let mut text = String::new();
    let mut line = |what: &str, said: String| text.push_str(&format!("{what:<10} {}\n", printable(&said)));
    line("running", format!("process {}, version {}", status.pid, status.version));
    line("since", format!("{:.0}", status.started_at));
    line("counting", format!("{}, {}", status.backend, if status.exact { "exact" } else { "not exact" }));
    for why in &status.degraded {
        line("", why.clone());
    }
    line("polls", status.polls.to_string());
    line("window", format!("ends {:.0}", status.window_ends_at));
    line("config", status.config_file.clone().unwrap_or_else(|| "defaults".to_owned()));
    if let Some(why) = &status.config_error {
        line("", why.clone());
    }
    line("sandbox", status.sandbox.as_ref().map_or_else(|| "off".to_owned(), ToString::to_string));
    for why in status.sandbox.iter().flat_map(|sandbox| &sandbox.missing) {
        line("", why.clone());
    }
    line("state", state.display().to_string());
    match &status.upload.to {
        None => line("upload", "off".to_owned()),
        Some(to) => {
            let upload = &status.upload;
            let counts = format!("{} waiting, {} refused, {} given up", upload.waiting, upload.parked, upload.dropped);
            line("upload", format!("to {to}: {counts}"));
        }
    }
    text
}
