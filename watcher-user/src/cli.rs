//! The command line: what may be said, and what it means. Parsing ends here; behind it every value is valid.

mod agent;
mod replay;
mod stats;
#[cfg(test)]
mod tests;
mod top;
mod transfer;
mod views;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, error::ErrorKind};

pub use agent::{RunArgs, StartArgs, StatusArgs, UploadArgs, Which};
pub use replay::ReplayArgs;
pub use stats::StatsArgs;
pub use top::{Counter, Format, Rows, Top, TopArgs};
pub use transfer::{ExportArgs, ImportArgs};
pub use views::{AlertsArgs, ConnectionsArgs, DnsArgs, InsightsArgs, SummaryArgs};

use crate::collector::Backend;
use crate::setup::args::{PackageFilesArgs, SetupArgs, UninstallArgs};

/// Which process sent how many bytes to whom: exactly, and live.
///
/// watcher asks the kernel at the moment a process sends or receives. Nothing is sampled, guessed or scaled.
#[derive(Debug, Parser)]
#[command(name = "watcher", version, arg_required_else_help = true, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// The history to read, for `stats`; it may also be said after it.
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
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
  watcher stats week                who moved how much since Monday
  watcher connections --follow      connections as they begin and end
  watcher insights                  what is worth a look, with its numbers
  watcher alerts                    limits of yours, and how near they are
  sudo watcher doctor               what works on this machine, and why not more

Exit codes: 0 good, 1 failed, 2 wrong usage.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show live traffic by process, application, connection or remote.
    #[command(after_help = top::EXAMPLES)]
    Top(Box<TopArgs>),
    /// Show what matters in short: what runs, who moved most, and with whom.
    Summary(SummaryArgs),
    /// Show the history: who moved how much, today, this week, this month, ever; with bars, as JSON, as CSV.
    #[command(after_help = stats::EXAMPLES)]
    Stats(Box<StatsArgs>),
    /// Show connections, newest first: who, with whom, how long, how many bytes, and how they ended.
    #[command(after_help = views::CONNECTIONS_EXAMPLES)]
    Connections(ConnectionsArgs),
    /// Show DNS queries, newest first: who asked whom for what, what came back, and how long it took.
    #[command(after_help = views::DNS_EXAMPLES)]
    Dns(DnsArgs),
    /// Show what stands out: large uploads, regular polling, encrypted DNS, many domains.
    #[command(after_help = views::INSIGHTS_NOTES)]
    Insights(InsightsArgs),
    /// Show the alerts of the configuration and how near each is, say what they would do, or try one.
    #[command(after_help = views::ALERTS_NOTES)]
    Alerts(AlertsArgs),
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
    /// Write the history as CSV, JSON or Parquet.
    #[command(after_help = transfer::EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Take over what netmon collected, marked estimated.
    #[command(after_help = transfer::IMPORT_NOTES)]
    Import(ImportArgs),
    /// Read a capture file (pcap, pcapng) as if it were passing by now: who moved how much, and with whom.
    #[command(after_help = replay::NOTES)]
    Replay(ReplayArgs),
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

impl Cli {
    /// The command, with what was said before it.
    ///
    /// # Errors
    /// `--db` before a command that reads no history, or said twice: wrong usage.
    pub fn said(mut self) -> Result<Command, clap::Error> {
        match (&mut self.command, self.db) {
            (_, None) => {}
            (Command::Stats(args), Some(_)) if args.db.is_some() || args.which != Which::default() => {
                let why = "--db says which history: not twice, and not with --config or --state";
                return Err(wrong_usage("stats", ErrorKind::ArgumentConflict, why));
            }
            (Command::Stats(args), db @ Some(_)) => args.db = db,
            (_, Some(_)) => {
                let why = "--db names the history that `stats` reads: no other command takes it";
                return Err(Self::command().error(ErrorKind::ArgumentConflict, why));
            }
        }
        Ok(self.command)
    }
}

/// With the usage of a subcommand.
fn wrong_usage(of: &str, kind: ErrorKind, error: impl std::fmt::Display) -> clap::Error {
    let mut watcher = Cli::command();
    // Gives the subcommand its full name.
    watcher.build();
    let command = watcher.find_subcommand_mut(of).expect("it is a subcommand");
    command.error(kind, error)
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
    /// Beside whatever runs: compare what is counted with the kernel's own counters of sockets, protocols and interfaces.
    /// Exit code 1 when anything is unexplained.
    #[cfg(target_os = "linux")]
    #[arg(long, conflicts_with = "verbose")]
    pub verify: bool,
    /// How long, from 100ms to 1d; Ctrl-C ends it earlier.
    #[cfg(target_os = "linux")]
    #[arg(long = "for", value_name = "TIME", default_value = "60s", requires = "verify", value_parser = verifying)]
    pub time: std::time::Duration,
    /// How the programs are loaded.
    #[command(flatten)]
    pub collector: CollectorArgs,
}

/// How the collector is set up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(next_help_heading = "Collector")]
pub struct CollectorArgs {
    /// Who counts: eBPF, or packets from libpcap.
    #[arg(long, value_enum, value_name = "WHO", default_value_t)]
    pub backend: Backend,
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
    /// Be told of each connection twice, so that no byte is missing where its end goes untold: `doctor --verify` always is.
    #[arg(long, hide = true)]
    pub tell_releases: bool,
    /// Count without ways that the kernel has, for the tests.
    #[cfg(target_os = "linux")]
    #[arg(long, hide = true)]
    pub without: Vec<crate::linux::Without>,
    /// Do not look at the first bytes of flows: remotes go by their addresses (names.passive = false).
    #[arg(long)]
    pub no_passive: bool,
    /// Give up no capability, system call or access to files once it counts.
    #[arg(long)]
    pub no_sandbox: bool,
    /// Room for flows in the kernel; what does not fit is counted per process.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=16_777_216))]
    pub max_flows: Option<u32>,
    /// Room for final records that found the ring full, for the tests.
    #[arg(long, hide = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub max_waiting: Option<u32>,
}

impl CollectorArgs {
    /// Whether anything is said about how the programs are loaded.
    fn is_given(&self) -> bool {
        *self != Self::default()
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
        config.max_waiting = self.max_waiting.unwrap_or(config.max_waiting);
        config.names = !self.no_passive;
        config.log = self.log;
        config.floor = self.floor;
        config.assume_traits = self.assume_traits;
        config.tell_releases = self.tell_releases;
        config.without.clone_from(&self.without);
        config
    }
}

#[cfg(target_os = "linux")]
fn verifying(text: &str) -> Result<std::time::Duration, String> {
    use std::time::Duration;
    let time = crate::config::parse_duration(text);
    let time = time.filter(|time| (Duration::from_millis(100)..=Duration::from_secs(86_400)).contains(time));
    time.ok_or_else(|| "must be a time from 100ms to 1d, such as 60s or 30m".to_owned())
}

fn ring_bytes(text: &str) -> Result<u32, String> {
    let bytes: u32 = text.parse().map_err(|_| "not a number of bytes".to_owned())?;
    if bytes.is_power_of_two() && (4_096..=1 << 30).contains(&bytes) {
        Ok(bytes)
    } else {
        Err("must be a power of two from 4096 to 1073741824".to_owned())
    }
}
