//! What `export` and `import` take.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum, error::ErrorKind};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use watcher_core::history::{By, Level};

use super::{Which, wrong_usage};
use crate::{
    history::Scan,
    stats::parse_moment,
    transfer::{
        self,
        export::{self, Export, Format},
        import::{self, Import},
    },
};

pub(super) const EXPORT_EXAMPLES: &str = "\
Examples:
  watcher export > applications.csv
  watcher export --by domain --format json | jq -r .domain
  watcher export --by interface --level day --from 2026-01-01 -o 2026.csv
  watcher export --by process --format parquet --output all.parquet

Times are those of the local clock; --to is exclusive. A minute is kept for 7
days, an hour for 90, a day for good: docs/export.md has the columns.";

pub(super) const IMPORT_NOTES: &str = "\
Without a PATH: ~/.netmon/netmon.db, else ./netmon.db. The file is only read.
What was taken over once is not again: after netmon wrote more, only that is.
What watcher has counted itself is not taken over. docs/export.md has the rest.";

/// What rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Rows {
    /// One per application.
    #[default]
    #[value(name = "application", alias = "app")]
    Application,
    /// One per process.
    Process,
    /// One per application and domain, or address without a name.
    Domain,
    /// One per user.
    User,
    /// One per interface.
    Interface,
}

/// How long a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Length {
    /// As short as it is kept.
    #[default]
    Auto,
    /// The same.
    Minute,
    /// An hour, or a day where hours are gone.
    Hour,
    /// A local day.
    Day,
}

/// What `export` takes.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// How rows are written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// What a row is about.
    #[arg(long, value_enum, default_value_t)]
    by: Rows,
    /// How long the time of a row is.
    #[arg(long, value_enum, default_value_t)]
    level: Length,
    /// From this date or time: 2026-03-29, 2026-03-29T14:00:00+02:00 [default: the beginning].
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to this date or time, exclusive [default: now].
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// To this file, or - for standard output.
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// This history, and not the daemon's: a copy, another machine's.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "state"])]
    db: Option<PathBuf>,
    /// Which daemon's.
    #[command(flatten)]
    which: Which,
}

impl ExportArgs {
    /// What they mean, to somebody whose clock shows `now`.
    ///
    /// # Errors
    /// A time is none: wrong usage.
    pub fn resolve(&self, now: &Zoned) -> Result<Export, clap::Error> {
        let time = |flag: &str, text: &Option<String>| {
            let parsed = text.as_ref().map(|text| parse_moment(text, now)).transpose();
            parsed.map_err(|why| wrong_usage("export", ErrorKind::InvalidValue, format!("{flag}: {why}")))
        };
        let (from, until) = (time("--from", &self.from)?, time("--to", &self.to)?);
        if from.zip(until).is_some_and(|(from, until)| from >= until) {
            return Err(wrong_usage(
                "export",
                ErrorKind::InvalidValue,
                "--from must be before --to, which is exclusive",
            ));
        }
        let by = match self.by {
            Rows::Application => By::Application,
            Rows::Process => By::Process,
            Rows::Domain => By::Domain,
            Rows::User => By::User,
            Rows::Interface => By::Interface,
        };
        let finest = match self.level {
            Length::Auto | Length::Minute => Level::Minute,
            Length::Hour => Level::Hour,
            Length::Day => Level::Day,
        };
        let to = (self.output.as_os_str() != "-").then(|| self.output.clone());
        Ok(Export { scan: Scan { by, from, until, finest }, format: self.format, to })
    }

    /// Does it.
    ///
    /// # Errors
    /// The history cannot be read, or the output not be written.
    pub fn run(&self) -> anyhow::Result<()> {
        let now = Zoned::now();
        let zone = now.time_zone().clone();
        let export = self.resolve(&now).unwrap_or_else(|error| error.exit());
        let history = transfer::history(self.db.as_deref(), &self.which.options().places()?);
        let rows = export::run(&export, &history, &zone)?;
        // Whoever watches wants to know that it is done; a script has the exit code.
        if let Some(path) = export.to.filter(|_| std::io::stderr().is_terminal()) {
            writeln!(std::io::stderr(), "{rows} rows written to {}", path.display()).ok();
        }
        Ok(())
    }
}

/// What `import` takes.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// netmon's database [default: ~/.netmon/netmon.db, else ./netmon.db].
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// Only say what would be taken over.
    #[arg(long)]
    dry_run: bool,
    /// Into this history, and not the daemon's.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "state"])]
    db: Option<PathBuf>,
    /// Which daemon's.
    #[command(flatten)]
    which: Which,
}

impl ImportArgs {
    /// Does it, and says what came of it.
    ///
    /// # Errors
    /// It is no database of netmon, or the history cannot be written.
    pub fn run(&self) -> anyhow::Result<()> {
        let to = transfer::history(self.db.as_deref(), &self.which.options().places()?);
        let import = Import { from: transfer::netmon(self.path.as_deref()), to, dry: self.dry_run };
        let outcome = import::run(&import, &TimeZone::system(), Timestamp::now())?;
        write!(std::io::stdout(), "{outcome}")?;
        Ok(())
    }
}
