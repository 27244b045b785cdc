//! `watcher setup` and `watcher uninstall`: watcher as a service of this machine.
//!
//! What is to be done is decided first, from flags, questions and what is there (`answers`, `plan`: pure), then shown or
//! done (`files`, `accounts`, `service`). Everything can be done twice. Nothing is sent, and nothing will be unless somebody
//! says so after having seen what.
//!
//! | file | what it does |
//! | --- | --- |
//! | `args`, `ask`, `answers` | what is wanted |
//! | `plan`, `config_file` | which files that makes, with what in them |
//! | `files`, `accounts`, `service`, `run` | the disk, users, systemd and launchd |
//! | `sample`, `verify` | what an upload would hold; whether the service counts |
//! | `uninstall`, `package` | the way back; the files of packages |

mod accounts;
mod answers;
pub mod args;
mod ask;
mod config_file;
mod files;
mod package;
pub mod plan;
mod run;
mod sample;
mod service;
mod uninstall;
mod verify;

use std::{
    io::{self, IsTerminal as _, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::{CommandFactory as _, error::ErrorKind};
use watcher_core::Source;

use self::{
    answers::Surroundings,
    args::SetupArgs,
    ask::Asker,
    files::{Outcome, Root},
    plan::{Answers, Content, Facts, Item, Platform},
};
use crate::{
    cli::Cli,
    config::{self, Config, Mode},
    identity,
};

pub use package::write as package_files;
pub use service::Manager;
pub use uninstall::uninstall;

/// Where a package puts the service.
const PACKAGED_UNITS: &[&str] = &["/usr/lib/systemd/system/watcher.service", "/lib/systemd/system/watcher.service"];
/// The state directory of the service, unless the configuration names another.
const STATE: &str = "/var/lib/watcher";

/// Installs, or shows what would be installed. `open` starts a collector, for a sample.
///
/// # Errors
/// Something is missing or in the way; what was done before stays, and setup can be run again.
pub async fn setup<S: Source>(args: &SetupArgs, open: impl FnOnce() -> anyhow::Result<S>) -> anyhow::Result<ExitCode> {
    let root = Root::new(args.root.as_deref())?;
    let platform = Platform::here();
    let manager = if root.is_live() { Manager::here(platform) } else { Manager::Nobody };
    let facts = facts(&root, platform)?;
    let config = configuration(facts.config.as_deref())?;
    if args.print {
        return show(&plan::plan(&facts, &args.answers(&config))?, platform);
    }
    if root.is_live() && !nix::unistd::geteuid().is_root() {
        bail!("setup installs for the whole machine, which takes root; try: sudo watcher setup, or --print to see it");
    }
    let answers =
        if args.yes { args.answers(&config) } else { interview(args, &config, &root, &manager, open).await? };
    if let Some(user) = &answers.operator {
        accounts::check_user(user).map_err(anyhow::Error::msg)?;
    }
    let items = plan::plan(&facts, &answers)?;
    let mut changed = false;
    if !answers.start && root.remove(plan::WANTED)? {
        root.prune_above(plan::WANTED);
        changed = true;
    }
    for item in &items {
        let outcome = root.bring(item)?;
        changed |= outcome != Outcome::Unchanged;
        report(outcome, &root.at(&item.path))?;
    }
    if root.is_live() {
        settle(platform, &manager, &answers, &config, changed)?;
    } else {
        say(format_args!("installed below {}; nothing was started", root.at("/").display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// On the running system: users, the service, and whether it counts.
fn settle(
    platform: Platform,
    manager: &Manager,
    answers: &Answers,
    config: &Config,
    changed: bool,
) -> anyhow::Result<()> {
    if accounts::make(platform)? {
        say("made      user and group watcher")?;
    }
    if let Some(user) = &answers.operator {
        accounts::join(platform, user)?;
        say(format_args!("joined    {user} is in the group watcher, from the next login on"))?;
    }
    if !answers.start {
        manager.reload()?;
        return say("Installed and not started. Start it with: sudo watcher start");
    }
    if *manager == Manager::Nobody {
        return say("Nothing here starts services (no systemd runs). Start watcher with: sudo watcher start");
    }
    manager.start(changed).context("starting the service; what it said: journalctl -u watcher")?;
    let state = config.paths.state.as_deref().unwrap_or(Path::new(STATE));
    let counted = verify::bytes_arrive(state).context("the service runs, but is not well")?;
    say(format_args!("counting  {} bytes sent and received by this very program, and every one counted", counted.tx))?;
    say(NEXT)
}

const NEXT: &str = "
watcher runs. Next:
  watcher summary                     who talks to whom, in short
  watcher top                         live
  watcher status                      how the service is
  sudo watcher reload                 after changes in /etc/watcher/config.toml
  sudo watcher uninstall              the way back";

impl SetupArgs {
    /// What is wrong with them before anything is looked at.
    ///
    /// # Errors
    /// Wrong usage.
    pub fn check(&self) -> Result<(), clap::Error> {
        if let Some(Err(problem)) = self.upload_url.as_deref().map(answers::check_url) {
            return Err(wrong_usage("setup", &problem));
        }
        if self.yes || self.print || somebody_is_there() {
            return Ok(());
        }
        Err(wrong_usage(
            "setup",
            "setup asks questions, and this is no terminal; say --yes for the defaults, with a flag for what should be otherwise",
        ))
    }
}

fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn wrong_usage(command: &str, problem: &str) -> clap::Error {
    let mut watcher = Cli::command();
    // Gives the subcommand its full name.
    watcher.build();
    let command = watcher.find_subcommand_mut(command).expect("setup and uninstall are subcommands");
    command.error(ErrorKind::InvalidValue, problem)
}

fn facts(root: &Root, platform: Platform) -> anyhow::Result<Facts> {
    let path = root.at(config::FILE);
    let config = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    Ok(Facts {
        platform,
        program: std::env::current_exe().context("finding this program")?,
        packaged_service: PACKAGED_UNITS.iter().any(|unit| root.at(unit).exists()),
        config,
    })
}

/// What is in force on this machine, the environment apart: the service has another.
fn configuration(text: Option<&str>) -> anyhow::Result<Config> {
    Ok(Config::defaults(Mode::Normal).text(Path::new(config::FILE), text.unwrap_or_default())?)
}

async fn interview<S: Source>(
    args: &SetupArgs,
    config: &Config,
    root: &Root,
    manager: &Manager,
    open: impl FnOnce() -> anyhow::Result<S>,
) -> anyhow::Result<Answers> {
    let asks = !(args.upload || args.no_upload || args.upload_url.is_some());
    if asks {
        say(format_args!("Looking at this machine for {} seconds …", sample::SPAN.as_secs()))?;
    }
    let sample = if asks { Some(observe(config, open).await) } else { None };
    let around = Surroundings {
        sudo_user: std::env::var("SUDO_USER").ok().filter(|user| accounts::check_user(user).is_ok()),
        can_start: *manager != Manager::Nobody,
        is_live: root.is_live(),
    };
    let mut asker = Asker::new(io::stdin().lock(), io::stdout());
    answers::ask(&mut asker, args, config, &around, |out| explain(out, config, sample))
}

async fn observe<S: Source>(
    config: &Config,
    open: impl FnOnce() -> anyhow::Result<S>,
) -> anyhow::Result<crate::upload::Window> {
    sample::take(&mut open()?, config, sample::SPAN).await
}

/// What stands above the question about uploads.
fn explain(
    out: &mut impl Write,
    config: &Config,
    sample: Option<anyhow::Result<crate::upload::Window>>,
) -> anyhow::Result<()> {
    writeln!(out, "\nwatcher can upload reports to a fleet server. It does not unless you say so. What one holds:\n")?;
    match sample {
        Some(Ok(sample)) => {
            let state = config.paths.state.as_deref().unwrap_or(Path::new(STATE));
            let known = state.join(identity::FILE).exists().then(|| identity::machine_id(state)).transpose()?;
            sample::show(out, &sample, config, known.unwrap_or_else(uuid::Uuid::new_v4))?;
            if known.is_none() {
                writeln!(out, "The machine_id is made when the service first starts; this one is an example.")?;
            }
            writeln!(out, "Nothing of this was sent.\n")?;
        }
        Some(Err(error)) => {
            let why = crate::text::with_causes(error.as_ref());
            writeln!(out, "(no sample can be had here: {})", crate::text::printable(&why))?;
            writeln!(out, "`watcher upload --dry-run` shows the next one, once watcher runs.\n")?;
        }
        None => {}
    }
    Ok(())
}

/// Every file, and nothing done.
fn show(items: &[Item], platform: Platform) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    for Item { path, mode, content } in items {
        let path = path.display();
        match content {
            Content::Link(to) => writeln!(out, "== {path} -> {}", to.display())?,
            Content::Copy(from) => {
                writeln!(out, "== {path} {mode:04o} root:{}", platform.root_group())?;
                writeln!(out, "(this program: {})", from.display())?;
            }
            Content::Text(text) => {
                write!(out, "== {path} {mode:04o} root:{}\n{text}", platform.root_group())?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn report(outcome: Outcome, path: &Path) -> anyhow::Result<()> {
    let word = match outcome {
        Outcome::Written => "wrote    ",
        Outcome::Replaced => "replaced ",
        Outcome::Unchanged => "unchanged",
    };
    say(format_args!("{word} {}", path.display()))
}

fn say(line: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{line}").context("writing to standard output")
}
