//! What `summary`, `connections`, `dns`, `insights` and `alerts` take.

use std::{path::PathBuf, time::Duration};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use watcher_core::insights::Kind;

use super::Which;
use crate::{
    config::parse_duration,
    connections::{Choice, Options, Stage},
    dns,
    filter::Filter,
    insights,
};

pub(super) const CONNECTIONS_EXAMPLES: &str = "\
Examples:
  watcher connections                          the newest hundred
  watcher connections --follow                 each as it begins and ends
  watcher connections --state refused --since 1h
  watcher connections --app firefox --remote 443
  watcher connections --json | jq -r 'select(.tx_bytes > 1e6) | .remote'

All of them are those that the daemon has seen: sudo watcher start.";

pub(super) const DNS_EXAMPLES: &str = "\
Examples:
  watcher dns                                  the newest hundred
  watcher dns --follow                         each as it is answered
  watcher dns --failed --since 1h
  watcher dns --app firefox --name example.com
  watcher dns --json | jq -r 'select(.latency_ms > 100) | .query'

All of them are those that the daemon has seen: sudo watcher start.";

/// What `summary` takes.
#[derive(Debug, Clone, Args)]
pub struct SummaryArgs {
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
    /// What summary.json holds (docs/summary.md).
    #[arg(long)]
    pub json: bool,
}

/// What `connections` takes.
#[derive(Debug, Clone, Args)]
pub struct ConnectionsArgs {
    /// The configuration file [default: /etc/watcher/config.toml, where it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The daemon's state directory; elsewhere also called --state.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Each connection as it begins and ends, from now on, or from --since.
    #[arg(long, short)]
    follow: bool,
    /// One JSON object per line (docs/connections.md).
    #[arg(long)]
    json: bool,
    /// Only this process; may be given again for more.
    #[arg(long = "pid", short, value_name = "PID")]
    pids: Vec<u32>,
    /// Only processes with this text in their name; after '!' a regular expression.
    #[arg(long, value_name = "TEXT", value_parser = Filter::parse)]
    app: Option<Filter>,
    /// Only remotes with this text in their address, or this port; after '!' a regular expression.
    #[arg(long, value_name = "TEXT", value_parser = Filter::parse)]
    remote: Option<Filter>,
    /// Only open or closed ones, those in a TCP state, or those that ended for a reason: established, refused ...
    #[arg(long, value_name = "STATE", value_parser = Stage::parse)]
    state: Option<Stage>,
    /// Only what began or ended so long ago, or later: 10m, 1h30m.
    #[arg(long, value_name = "TIME", value_parser = ago)]
    since: Option<Duration>,
    /// At most so many [default: 100 in a table].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Also what stays within this machine.
    #[arg(long)]
    include_loopback: bool,
    /// Numbers instead of user names.
    #[arg(long, short = 'n')]
    no_names: bool,
}

impl ConnectionsArgs {
    /// Which daemon.
    #[must_use]
    pub fn which(&self) -> Which {
        Which { config: self.config.clone(), state: self.state_dir.clone() }
    }

    /// What they mean together.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            choice: Choice {
                pids: self.pids.clone(),
                app: self.app.clone().unwrap_or_default(),
                remote: self.remote.clone().unwrap_or_default(),
                stage: self.state.clone(),
                include_loopback: self.include_loopback,
            },
            limit: self.limit.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
            follow: self.follow,
            json: self.json,
            names: !self.no_names,
            since: self.since,
        }
    }
}

/// What `dns` takes.
#[derive(Debug, Clone, Args)]
pub struct DnsArgs {
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
    /// Each query as it is answered or given up, from now on, or from --since.
    #[arg(long, short)]
    follow: bool,
    /// One JSON object per line (docs/dns.md).
    #[arg(long)]
    json: bool,
    /// Only this process; may be given again for more.
    #[arg(long = "pid", short, value_name = "PID")]
    pids: Vec<u32>,
    /// Only processes with this text in their name; after '!' a regular expression.
    #[arg(long, value_name = "TEXT", value_parser = Filter::parse)]
    app: Option<Filter>,
    /// Only queries for names with this text in them; after '!' a regular expression.
    #[arg(long, value_name = "TEXT", value_parser = Filter::parse)]
    name: Option<Filter>,
    /// Only those without an answer, or with an error for one.
    #[arg(long)]
    failed: bool,
    /// Only what was asked so long ago, or later: 10m, 1h30m.
    #[arg(long, value_name = "TIME", value_parser = ago)]
    since: Option<Duration>,
    /// At most so many [default: 100 in a table].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl DnsArgs {
    /// What they mean together.
    #[must_use]
    pub fn options(&self) -> dns::Options {
        dns::Options {
            choice: dns::Choice {
                pids: self.pids.clone(),
                app: self.app.clone().unwrap_or_default(),
                name: self.name.clone().unwrap_or_default(),
                failed: self.failed,
            },
            limit: self.limit.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
            follow: self.follow,
            json: self.json,
            since: self.since,
        }
    }
}

pub(super) const INSIGHTS_NOTES: &str = "\
Each is what was seen, with its numbers, and no verdict: docs/insights.md
says when one appears, and what it does not mean.

All of them are of what the daemon has seen: sudo watcher start.";

/// What `insights` takes.
#[derive(Debug, Clone, Args)]
pub struct InsightsArgs {
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
    /// One JSON object per line (docs/insights.md).
    #[arg(long)]
    json: bool,
    /// Only applications with this text in their name; after '!' a regular expression.
    #[arg(long, value_name = "TEXT", value_parser = Filter::parse)]
    app: Option<Filter>,
    /// Only this kind; may be given again for more.
    #[arg(long = "kind", value_name = "KIND", value_parser = kinds())]
    kinds: Vec<Kind>,
}

impl InsightsArgs {
    /// What they mean together.
    #[must_use]
    pub fn options(&self) -> insights::Options {
        insights::Options { app: self.app.clone().unwrap_or_default(), kinds: self.kinds.clone(), json: self.json }
    }
}

pub(super) const ALERTS_NOTES: &str = "\
Examples:
  watcher alerts                         how near each is, and which have fired
  watcher alerts --dry-run               what each would log, show and run
  watcher alerts --fire 'Browser, daily' do it once, as you, with sample figures

Alerts are [[alert]] tables of the configuration: docs/alerts.md";

/// What `alerts` takes.
#[derive(Debug, Clone, Args)]
pub struct AlertsArgs {
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
    /// One JSON object per alert and line (docs/alerts.md).
    #[arg(long, conflicts_with_all = ["dry_run", "fire"])]
    pub json: bool,
    /// Read the configuration and print what each alert would do if it fired now. Nothing is done; no daemon is needed.
    #[arg(long, conflicts_with = "fire")]
    pub dry_run: bool,
    /// Do what the alert of this name would do, once, as you and not as the daemon.
    #[arg(long, value_name = "NAME")]
    pub fire: Option<String>,
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = Kind> {
    let names = PossibleValuesParser::new(Kind::ALL.map(Kind::as_str));
    names.map(|name| Kind::ALL.into_iter().find(|kind| kind.as_str() == name).unwrap_or(Kind::Uploads))
}

fn ago(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text).filter(|time| !time.is_zero());
    time.ok_or_else(|| "expected a time such as 30s, 10m, 1h30m or 2d".to_owned())
}
