//! What `top` takes, and what it means.

use std::{sync::Arc, time::Duration};

use clap::{Args, error::ErrorKind};

use super::{CollectorArgs, Which, wrong_usage};
use crate::{by::By, filter::Filter, names::Geo, sort::Key, units::Units};

const SHORTEST: f64 = 0.1;
const LONGEST: f64 = 86_400.0;

pub(super) const EXAMPLES: &str = "\
Examples:
  watcher top                          the screen; q ends it, ? shows its keys
  watcher top --plain 2 5              five tables, two seconds apart
  watcher top --once --limit 10        the ten busiest processes over one second
  watcher top --by remote --sort rx    remote addresses, most received first
  watcher top --once --by app --explain  applications, and what each was named by
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
    /// In tables of processes and applications, also the rule that named the application and what it went by; JSON always
    /// has both.
    #[arg(long)]
    explain: bool,
    /// Numbers instead of names: of users and, in tables, of remotes.
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
    /// Where addresses are.
    pub geo: Arc<Geo>,
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
    /// Whether it is told why an application is called so.
    pub explain: bool,
}

impl TopArgs {
    /// What they mean together.
    ///
    /// # Errors
    /// An unknown sort key: wrong usage, like every other mistake.
    pub fn resolve(&self) -> Result<Top, clap::Error> {
        let sort = self.sort.as_deref().map_or(Ok(Key::default()), |name| Key::parse(self.by, name));
        let sort = sort.map_err(|error| wrong_usage("top", ErrorKind::InvalidValue, error))?;
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
                explain: self.explain,
            },
            names: !self.no_names,
            geo: Arc::default(),
            units: self.units,
            counter: self.counter()?,
        })
    }

    fn counter(&self) -> Result<Counter, clap::Error> {
        let own = self.standalone || self.collector.is_given();
        if self.attach && own {
            let why = "with --attach the daemon has loaded the programs: start it with these flags instead";
            return Err(wrong_usage("top", ErrorKind::ArgumentConflict, why));
        }
        Ok(match (self.attach, own) {
            (true, _) => Counter::Daemon,
            (_, true) => Counter::Own,
            _ => Counter::Either,
        })
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
