//! What the daemon's commands take.

use std::path::PathBuf;

use clap::Args;

use super::CollectorArgs;
use crate::{
    agent::{LogFormat, Options},
    config::Mode,
};

/// Which daemon is meant: its configuration and its state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct Which {
    /// The configuration file [default: /etc/watcher/config.toml, where it exists].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The state directory [default: /var/lib/watcher for root].
    #[arg(long, visible_alias = "state-dir", value_name = "DIR")]
    pub state: Option<PathBuf>,
}

impl Which {
    /// Without the environment's and the file's word, which come later.
    #[must_use]
    pub fn options(&self) -> Options {
        let flag = |path: &PathBuf| ("--state".to_owned(), "paths.state".to_owned(), path.display().to_string());
        Options {
            config: self.config.clone(),
            mode: Mode::Normal,
            flags: self.state.iter().map(flag).collect(),
            log: LogFormat::default(),
            sandbox: true,
        }
    }

    /// The same as arguments, for another process.
    fn arguments(&self) -> Vec<String> {
        let both = [("--config", &self.config), ("--state", &self.state)];
        let given = both.iter().filter_map(|(flag, path)| path.as_ref().map(|path| (flag, path)));
        given.flat_map(|(flag, path)| [(*flag).to_owned(), path.display().to_string()]).collect()
    }
}

/// What `run` takes.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
    /// Short windows of 15 seconds, to see soon whether uploading works.
    #[arg(long)]
    pub test: bool,
    /// How lines of the log look.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// How the programs are loaded.
    #[command(flatten)]
    pub collector: CollectorArgs,
}

impl RunArgs {
    /// For the daemon.
    #[must_use]
    pub fn options(&self) -> Options {
        let mode = if self.test { Mode::Test } else { Mode::Normal };
        Options { mode, log: self.log_format, ..self.which.options() }
    }
}

/// What `start` and `restart` take.
#[derive(Debug, Clone, Args)]
pub struct StartArgs {
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
    /// Short windows of 15 seconds, to see soon whether uploading works.
    #[arg(long)]
    pub test: bool,
}

impl StartArgs {
    /// For the daemon.
    #[must_use]
    pub fn options(&self) -> Options {
        let mode = if self.test { Mode::Test } else { Mode::Normal };
        Options { mode, ..self.which.options() }
    }

    /// The arguments of `run` that say the same.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = self.which.arguments();
        arguments.extend(self.test.then(|| "--test".to_owned()));
        arguments
    }
}

/// What `status` takes.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What `upload` takes: exactly one of three.
#[derive(Debug, Clone, Args)]
pub struct UploadArgs {
    /// Print exactly the next body, and on standard error where it would go. Nothing is sent.
    #[arg(long, required_unless_present_any = ["now", "what"], conflicts_with_all = ["now", "what"])]
    pub dry_run: bool,
    /// Send everything that waits, and what was refused before.
    #[arg(long, conflicts_with = "what")]
    pub now: bool,
    /// Show the spool, the last success and the last error.
    #[arg(value_enum, value_name = "status")]
    pub what: Option<UploadWhat>,
    /// One JSON object.
    #[arg(long, requires = "what")]
    pub json: bool,
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
}

/// The word after `upload`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum UploadWhat {
    /// How it goes.
    Status,
}
