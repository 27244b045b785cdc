//! What `stats` takes, and what it means.

#[cfg(test)]
mod tests;
mod words;

use std::path::PathBuf;

use clap::{Args, error::ErrorKind};
use jiff::{SignedDuration, Timestamp, Zoned};
use nix::unistd::User;
use watcher_core::history::{By, Choice, Kind, Level, Query, Sort, Step};

use self::words::{Order, Rows, StepOrView, View};
use super::{Which, wrong_usage};
use crate::{
    stats::{Asked, Form, Period, parse_moment},
    units::Units,
};

/// Rows of a table where nothing else is said.
const ROWS: usize = 20;

pub(super) const EXAMPLES: &str = "\
Examples:
  watcher stats                                applications, today
  watcher stats week                           applications since Monday
  watcher stats domains month                  domains since the first of the month
  watcher stats processes --period 24h --limit 5
  watcher stats month --graph                  with bars for each day
  watcher stats --from '2026-03-29 14:00' --to 2026-03-30
  watcher stats --app firefox --by process --from '2h ago'
  watcher stats apps --explain                 how applications got their names
  watcher stats all --csv > apps.csv

Times are those of the local clock; weeks begin on Monday; --to is exclusive.
An hour is kept by the minute for 7 days, a day by the hour for 90 days, and
days are kept for good: docs/stats.md.";

/// What `stats` takes.
#[derive(Debug, Clone, Args)]
pub struct StatsArgs {
    /// What rows are, or which time; one of each at most [default: apps today].
    #[arg(value_enum, value_name = "VIEW", num_args = 0..=2)]
    views: Vec<View>,
    /// What a row stands for [default: app].
    #[arg(long, value_enum)]
    by: Option<Rows>,
    /// Which time: hour, today, yesterday, week, month, year, all, or so long up to now: 90m, 24h, 7d [default: today].
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["from", "to"])]
    period: Option<Period>,
    /// From this moment: 2026-03-29, '2026-03-29 14:00', 14:00, '2h ago', or RFC 3339.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// Up to this moment, exclusive.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Only this application, by its whole name.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Only this domain, or address without a name.
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// Only this user, by name or number.
    #[arg(long, value_name = "USER", value_parser = user)]
    user: Option<u32>,
    /// Order of rows.
    #[arg(long, value_enum, default_value_t)]
    sort: Order,
    /// At most so many rows, 0 for all [default: 20 in a table, else all].
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Also what stays within this machine.
    #[arg(long)]
    include_loopback: bool,
    /// Bars over time, by the second (of the last hour, of a running daemon), minute, hour or day; by what suits the time where nothing is said.
    #[arg(long, value_name = "STEP", num_args = 0..=1, value_parser = StepOrView::parse)]
    graph: Option<Option<StepOrView>>,
    /// How applications got their names: by which rule, from what.
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    explain: bool,
    /// How amounts are written; JSON and CSV are always in bytes.
    #[arg(long, short, value_enum, default_value_t)]
    units: Units,
    /// Numbers instead of user names.
    #[arg(long, short = 'n')]
    no_names: bool,
    /// One JSON object (docs/stats.md).
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Comma-separated values (docs/stats.md); with --graph those of its bars.
    #[arg(long)]
    csv: bool,
    /// This history, and not the daemon's: a copy, another machine's.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "state"])]
    pub db: Option<PathBuf>,
    /// Which daemon.
    #[command(flatten)]
    pub which: Which,
}

impl StatsArgs {
    /// What they mean together, to somebody whose clock shows `now`.
    ///
    /// # Errors
    /// They contradict each other, or the history has no line for them: wrong usage.
    pub fn resolve(&self, now: Zoned) -> Result<Asked, clap::Error> {
        self.asked(now).map_err(|(kind, why)| wrong_usage("stats", kind, why))
    }

    fn asked(&self, now: Zoned) -> Result<Asked, (ErrorKind, String)> {
        let conflict = |why: &str| (ErrorKind::ArgumentConflict, why.to_owned());
        let invalid = |why: &dyn std::fmt::Display| (ErrorKind::InvalidValue, why.to_string());
        let after_graph = match self.graph {
            Some(Some(StepOrView::View(view))) => Some(view),
            _ => None,
        };
        let views = || self.views.iter().chain(&after_graph);
        let by = at_most_one(views().filter_map(|view| view.by()).chain(self.by.map(By::from)))
            .ok_or_else(|| conflict("rows are one thing: say apps, processes, domains, interfaces or users once"))?
            .unwrap_or_default();
        let named = at_most_one(views().filter_map(|view| view.period()).chain(self.period))
            .ok_or_else(|| conflict("there is one time: say today, week, month, all or --period once"))?;
        let period = match (named, &self.from, &self.to) {
            (named, None, None) => named.unwrap_or(Period::Today),
            (Some(_), _, _) => {
                return Err(conflict("a period has its own beginning and end: leave out --from and --to, or it"));
            }
            (None, from, to) => {
                let moment = |text: &Option<String>| text.as_ref().map(|text| parse_moment(text, &now)).transpose();
                let (from, to) = (moment(from).map_err(|e| invalid(&e))?, moment(to).map_err(|e| invalid(&e))?);
                if from.zip(to).is_some_and(|(from, to)| from >= to) {
                    return Err(invalid(&"--from must be before --to, which is exclusive"));
                }
                Period::Between(from, to)
            }
        };
        let (from, until) = period.bounds(&now).map_err(|e| invalid(&e))?;
        let step = self.graph.map(|said| match said {
            Some(StepOrView::Step(step)) => step,
            _ => suiting(from, until, now.timestamp()),
        });
        let form = match (self.json, self.csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv,
            _ => Form::Text,
        };
        let limit = self.limit.unwrap_or(if form == Form::Text { ROWS as u64 } else { 0 });
        let query = Query {
            from,
            until,
            by,
            choice: Choice {
                application: self.app.clone(),
                domain: self.domain.clone(),
                user: self.user,
                include_loopback: self.include_loopback,
            },
            sort: self.sort.into(),
            limit: if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) },
            step,
            zone: now.time_zone().iana_name().map(str::to_owned),
        };
        self.check(&query)?;
        let (explain, units, names) = (self.explain, self.units, !self.no_names);
        Ok(Asked { query, period, now, form, explain, units, names })
    }

    /// Whether the history has what is asked for.
    fn check(&self, query: &Query) -> Result<(), (ErrorKind, String)> {
        let kind = query.kind().map_err(|e| (ErrorKind::ArgumentConflict, e.to_string()))?;
        let of_one_row = matches!(kind, Kind::Application | Kind::Interface);
        if matches!(query.sort, Sort::PeakDown | Sort::PeakUp) && !of_one_row {
            let why = "peaks are kept of applications and of interfaces: sort by total, down, up or name";
            return Err((ErrorKind::ArgumentConflict, why.to_owned()));
        }
        if self.explain && query.by != By::Application {
            let why = "--explain tells how applications got their names: ask by app";
            return Err((ErrorKind::ArgumentConflict, why.to_owned()));
        }
        Ok(())
    }
}

/// `None` when there are several.
fn at_most_one<T>(mut of: impl Iterator<Item = T>) -> Option<Option<T>> {
    let first = of.next();
    of.next().is_none().then_some(first)
}

/// Bars that are many enough, and are kept.
fn suiting(from: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Step {
    let Some(from) = from else { return Step::Day };
    let until = until.unwrap_or(now);
    let are_kept = |level: Level| level.kept_for().is_none_or(|time| now.duration_since(from) < time);
    let long = until.duration_since(from);
    if long <= SignedDuration::from_hours(3) && are_kept(Level::Minute) {
        Step::Minute
    } else if long <= SignedDuration::from_hours(3 * 25) && are_kept(Level::Hour) {
        Step::Hour
    } else {
        Step::Day
    }
}

fn user(text: &str) -> Result<u32, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    match User::from_name(text) {
        Ok(Some(user)) => Ok(user.uid.as_raw()),
        Ok(None) => Err("this machine has no user of that name; a number does as well".to_owned()),
        Err(e) => Err(format!("users cannot be looked up: {e}")),
    }
}
