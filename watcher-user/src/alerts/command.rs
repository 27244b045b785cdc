//! The command of an alert: a program, no shell, little environment, a time limit.

use std::{ffi::OsStr, io, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use thiserror::Error;
use tokio::{process::Command, time::timeout};

/// Where commands look for programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What is passed on of watcher's own environment, which may hold a token.
const KEPT: &[&str] = &["HOME", "USER", "LOGNAME", "LANG", "TZ", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

/// How a command failed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// It did not start.
    #[error("{program} cannot be started: {source}")]
    NotStarted {
        /// Its path.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It said that it failed, or was killed by somebody else.
    #[error("{program} failed: {status}")]
    Failed {
        /// Its path.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// It took too long.
    #[error("{program} ran for {within:?} and was killed")]
    Killed {
        /// Its path.
        program: String,
        /// What it had.
        within: Duration,
    },
}

/// Where what a command prints goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Nowhere.
    Dropped,
    /// Where watcher's own goes.
    Shown,
}

/// Runs it to its end, at most for `within`; then it is killed, with whatever it started in its process group.
pub async fn run(
    words: &[String],
    environment: &[(impl AsRef<OsStr> + Clone, String)],
    within: Duration,
    output: Output,
) -> Result<(), CommandError> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let stdio = || if output == Output::Shown { Stdio::inherit() } else { Stdio::null() };
    let kept = KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH).envs(kept).envs(environment.iter().cloned());
    command.current_dir("/").stdin(Stdio::null()).stdout(stdio()).stderr(stdio()).process_group(0);
    let not_started = |source| CommandError::NotStarted { program: program.clone(), source };
    let mut child = command.spawn().map_err(not_started)?;
    let group = Group::of(child.id());
    let ended = timeout(within, child.wait()).await;
    match ended {
        Ok(status) => {
            // Its number may be another's from now on.
            group.let_go();
            let status = status.map_err(not_started)?;
            if status.success() { Ok(()) } else { Err(CommandError::Failed { program: program.clone(), status }) }
        }
        Err(_) => {
            drop(group);
            child.wait().await.ok();
            Err(CommandError::Killed { program: program.clone(), within })
        }
    }
}

/// A process group that is killed unless it is over. Its leader has not been waited for, so its number is still its own.
struct Group(Option<Pid>);

impl Group {
    fn of(leader: Option<u32>) -> Self {
        Self(leader.and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw))
    }

    fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            killpg(group, Signal::SIGKILL).ok();
        }
    }
}
