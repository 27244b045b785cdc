//! The command line: what may be said, and what it means. Parsing ends here; behind it every value is valid.

mod agent;
#[cfg(test)]
mod tests;
mod views;

use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser, Subcommand, error::ErrorKind};

pub use agent::{RunArgs, StartArgs, StatusArgs, UploadArgs, Which};
pub use views::{ConnectionsArgs, SummaryArgs};

use crate::{
    by::By,
    filter::Filter,
    setup::args::{PackageFilesArgs, SetupArgs, UninstallArgs},
    sort::Key,
    units::Units,
};

const SHORTEST: f64 = 0.1;
const LONGEST: f64 = 86_400.0;

/// Which process sent how many bytes to whom: exactly, and live.
///
/// watcher asks the kernel at the moment a process sends or receives. Nothing is sampled, guessed or scaled.
#[derive(Debug, Parser)]
#[command(name = "watcher", version, arg_required_else_help = true, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  sudo watcher top                  live table of processes
  sudo watcher top --json -d 5      one JSON object every five seconds
  sudo watcher start                count all day; then these need no root:
  watcher summary                   the short report
  watcher connections --follow      connections as they begin and end
  sudo watcher doctor               what works on this machine, and why not more

Exit codes: 0 good, 1 failed, 2 wrong usage.";

const TOP_EXAMPLES: &str = "\
Examples:
  watcher top                          the screen; q ends it, ? shows its keys
  watcher top --plain 2 5              five tables, two seconds apart
  watcher top --once --limit 10        the ten busiest processes over one second
  watcher top --by remote --sort rx    remote addresses, most received first
  watcher top --filter firefox         rows with that text in the name, command, user or remote
  watcher top --filter 443             rows with that port or pid
  watcher top --filter '!^(ssh|scp)'   rows that the regular expression matches
  watcher top --json | jq -c '.processes[] | select(.tx_rate > 1e6) | .name'

Sort keys:
  process     rate rx-rate tx-rate bytes rx tx pid user name connections
  app         rate rx-rate tx-rate bytes rx tx name processes connections
  connection  rate rx-rate tx-rate bytes rx tx pid name local remote protocol state age
  remote      rate rx-rate tx-rate bytes rx tx remote processes connections

When the output is no terminal, tables are written instead of the screen.";

const CONNECTIONS_EXAMPLES: &str = "\
Examples:
  watcher connections                          the newest hundred
  watcher connections --follow                 each as it begins and ends
  watcher connections --state refused --since 1h
  watcher connections --app firefox --remote 443
  watcher connections --json | jq -r 'select(.tx_bytes > 1e6) | .remote'

All of them are those that the daemon has seen: sudo watcher start.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show live traffic by process, application, connection or remote.
    #[command(after_help = TOP_EXAMPLES)]
    Top(Box<TopArgs>),
    /// Show what matters in short: what runs, who moved most, and with whom.
    Summary(SummaryArgs),
    /// Show connections, newest first: who, with whom, how long, how many bytes, and how they ended.
    #[command(after_help = CONNECTIONS_EXAMPLES)]
    Connections(ConnectionsArgs),
    /// Collect all day in the foreground: what systemd and launchd start.
    Run(Box<RunArgs>),
    /// Start the daemon: as a service where it is installed as one, else detached.
    Start(StartArgs),
    /// Stop the daemon and wait until it is gone.
    Stop(Which),
    /// Stop the daemon if it runs, and start it.
    Restart(StartArgs),
    /// Have the daemon read its configuration again.
    Reload(Which),
    /// Say whether the daemon runs, since when, and how it does.
    Status(StatusArgs),
    /// Show what would be sent, send it now, or show how sending goes.
    Upload(UploadArgs),
    /// Install watcher as a service of this machine: asks, or takes --yes.
    Setup(SetupArgs),
    /// Stop watcher and remove what setup installed.
    Uninstall(UninstallArgs),
    /// Write the files that a package holds.
    #[command(hide = true)]
    PackageFiles(PackageFilesArgs),
    /// Say what works on this machine, what does not, why, and what to do.
    Doctor(DoctorArgs),
    /// Print the version.
    Version,
    /// Print completions for a shell, to be saved where the shell looks for them.
    ///
    /// For bash: watcher completions bash > /usr/share/bash-completion/completions/watcher
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What `doctor` takes.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
    /// Also what the verifier said of each program.
    #[arg(long, short)]
    pub verbose: bool,
    /// How the programs are loaded.
    #[command(flatten)]
    pub collector: CollectorArgs,
}

/// How the collector is set up.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Collector")]
pub struct CollectorArgs {
    /// Diagnostics from inside the kernel, on standard error.
    #[cfg(target_os = "linux")]
    #[arg(long, value_name = "LEVEL")]
    pub log: Option<crate::linux::LogLevel>,
    /// Size of the ring buffer for events, a power of two.
    #[arg(long, value_name = "BYTES", value_parser = ring_bytes)]
    pub ring_bytes: Option<u32>,
    /// Also attach a program that does nothing, to know what that costs.
    #[arg(long, hide = true)]
    pub floor: bool,
    /// Count as on the newest kernels (Linux 7.0), for the tests.
    #[arg(long, hide = true)]
    pub assume_traits: bool,
    /// Count without ways that the kernel has, for the tests.
    #[cfg(target_os = "linux")]
    #[arg(long, hide = true)]
    pub without: Vec<crate::linux::Without>,
    /// Room for flows in the kernel; what does not fit is counted per process.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=16_777_216))]
    pub max_flows: Option<u32>,
}

/// What `top` takes.
#[derive(Debug, Clone, Args)]
pub struct TopArgs {
    /// Seconds between updates; the same as --interval.
    #[arg(value_name = "INTERVAL", value_parser = seconds, conflicts_with = "interval")]
    position_interval: Option<Duration>,
    /// How many updates; the same as --count.
    #[arg(value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "count")]
    position_count: Option<u64>,
    /// Seconds between updates, from 0.1 to 86400; fractions are fine [default: 1].
    #[arg(long, short = 'd', value_name = "SECONDS", value_parser = seconds)]
    interval: Option<Duration>,
    /// End after so many updates.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// One update over one interval, and end.
    #[arg(long, conflicts_with_all = ["count", "position_count"])]
    once: bool,
    /// What a row stands for.
    #[arg(long, value_enum, default_value_t)]
    by: By,
    /// Order of rows, see below [default: rate].
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
    /// Only rows with this text in the name, command, user or remote, or this pid or port; after '!' a regular expression.
    #[arg(long, value_name = "TEXT", value_parser = Filter::parse)]
    filter: Option<Filter>,
    /// Only this process; may be given again for more.
    #[arg(long = "pid", short, value_name = "PID")]
    pids: Vec<u32>,
    /// At most so many rows.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Also what stays within this machine.
    #[arg(long)]
    include_loopback: bool,
    /// Numbers instead of user names.
    #[arg(long, short = 'n')]
    no_names: bool,
    /// How amounts are written; JSON is always in bytes.
    #[arg(long, short, value_enum, default_value_t)]
    units: Units,
    /// One JSON object per interval and line (docs/json.md).
    #[arg(long, conflicts_with = "plain")]
    json: bool,
    /// One table per interval, even on a terminal.
    #[arg(long)]
    plain: bool,
    /// Show what a running daemon counts, and nothing else.
    #[arg(long, conflicts_with = "standalone")]
    attach: bool,
    /// Count with probes of its own, even where a daemon runs.
    #[arg(long)]
    standalone: bool,
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
    /// How the programs are loaded: not by a daemon, so each of these means --standalone.
    #[command(flatten)]
    pub collector: CollectorArgs,
}

/// Who counts for `top`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// The daemon where one runs, else probes of this process's own.
    Either,
    /// The daemon.
    Daemon,
    /// Probes of this process's own.
    Own,
}

/// What `top` is asked for.
#[derive(Debug, Clone)]
pub struct Top {
    /// Between two updates.
    pub interval: Duration,
    /// After how many to end.
    pub count: Option<u64>,
    /// One update and nothing else: not even the object that says that counting has begun.
    pub once: bool,
    /// The format, where one was asked for.
    pub format: Option<Format>,
    /// The rows.
    pub rows: Rows,
    /// Names of users, not numbers.
    pub names: bool,
    /// How amounts are written.
    pub units: Units,
    /// Who counts.
    pub counter: Counter,
}

/// Formats other than the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tables.
    Plain,
    /// Objects.
    Json,
}

/// Which rows, in which order.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// What a row stands for.
    pub by: By,
    /// The order of `by`'s rows.
    pub sort: Key,
    /// The condition on rows.
    pub filter: Filter,
    /// Processes; empty for all.
    pub pids: Vec<u32>,
    /// At most so many.
    pub limit: Option<usize>,
    /// Whether loopback is shown.
    pub include_loopback: bool,
}

impl TopArgs {
    /// What they mean together.
    ///
    /// # Errors
    /// An unknown sort key: wrong usage, like every other mistake.
    pub fn resolve(&self) -> Result<Top, clap::Error> {
        let sort = self.sort.as_deref().map_or(Ok(Key::default()), |name| Key::parse(self.by, name));
        let sort = sort.map_err(|error| wrong_usage_of_top(ErrorKind::InvalidValue, error))?;
        let count = if self.once { Some(1) } else { self.count.or(self.position_count) };
        let format = match (self.json, self.plain || count.is_some()) {
            (true, _) => Some(Format::Json),
            (false, true) => Some(Format::Plain),
            (false, false) => None,
        };
        Ok(Top {
            interval: self.interval.or(self.position_interval).unwrap_or(Duration::from_secs(1)),
            count,
            once: self.once,
            format,
            rows: Rows {
                by: self.by,
                sort,
                filter: self.filter.clone().unwrap_or_default(),
                pids: self.pids.clone(),
                limit: self.limit.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
                include_loopback: self.include_loopback,
            },
            names: !self.no_names,
            units: self.units,
            counter: self.counter()?,
        })
    }

    fn counter(&self) -> Result<Counter, clap::Error> {
        let own = self.standalone || self.collector.is_given();
        if self.attach && own {
            let why = "with --attach the daemon has loaded the programs: start it with these flags instead";
            return Err(wrong_usage_of_top(ErrorKind::ArgumentConflict, why));
        }
        Ok(match (self.attach, own) {
            (true, _) => Counter::Daemon,
            (_, true) => Counter::Own,
            _ => Counter::Either,
        })
    }
}

fn wrong_usage_of_top(kind: ErrorKind, error: impl std::fmt::Display) -> clap::Error {
    let mut watcher = Cli::command();
    // Gives the subcommand its full name.
    watcher.build();
    let top = watcher.find_subcommand_mut("top").expect("top is a subcommand");
    top.error(kind, error)
}

impl CollectorArgs {
    /// Whether anything is said about how the programs are loaded.
    fn is_given(&self) -> bool {
        #[cfg(target_os = "linux")]
        let log = self.log.is_some();
        #[cfg(not(target_os = "linux"))]
        let log = false;
        log || self.ring_bytes.is_some() || self.max_flows.is_some() || self.floor || self.assume_traits
    }
}

#[cfg(target_os = "linux")]
impl CollectorArgs {
    /// For the collector.
    #[must_use]
    pub fn config(&self) -> crate::linux::Config {
        let mut config = crate::linux::Config::default();
        config.ring_bytes = self.ring_bytes.unwrap_or(config.ring_bytes);
        config.max_flows = self.max_flows;
        config.log = self.log;
        config.floor = self.floor;
        config.assume_traits = self.assume_traits;
        config.without.clone_from(&self.without);
        config
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (SHORTEST..=LONGEST).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("must be from {SHORTEST} to {LONGEST} seconds"))
    }
}

fn ring_bytes(text: &str) -> Result<u32, String> {
    let bytes: u32 = text.parse().map_err(|_| "not a number of bytes".to_owned())?;
    if bytes.is_power_of_two() && (4_096..=1 << 30).contains(&bytes) {
        Ok(bytes)
    } else {
        Err("must be a power of two from 4096 to 1073741824".to_owned())
    }
}
