//! `watcher`: which process on this machine sent how many bytes to whom.

use std::{io::Write as _, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};
use watcher_core::Source as _;
use watcher_user::{
    agent, alerts,
    cli::{AlertsArgs, Cli, CollectorArgs, Command, DoctorArgs, UploadArgs},
    collector::{self, open},
    connections, dns, insights,
    names::Geo,
    replay, sandbox, setup, stats, summary, text, top,
};

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    watcher_user::linux::load::share_one_heap();
    let command = Cli::parse().said().unwrap_or_else(|error| error.exit());
    match run(command) {
        Ok(code) => code,
        Err(error) if is_closed_output(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed as well: then there is nobody to tell.
            let message = text::with_causes(error.as_ref());
            let lines = message.lines().map(text::printable).collect::<Vec<_>>().join("\n");
            writeln!(std::io::stderr(), "watcher: {lines}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Top(args) => {
            let mut options = args.resolve().unwrap_or_else(|error| error.exit());
            let which = args.which.options();
            let (places, names) = (which.places()?, which.names()?);
            options.geo = Arc::new(Geo::open(&names.geo)?);
            block_on(top::either(&places, || open_sealed(&args.collector, names.passive), &names, options))?;
        }
        Command::Summary(args) => summary::run(&args.which.options().places()?, args.json)?,
        Command::Stats(args) => {
            let asked = args.resolve(jiff::Zoned::now()).unwrap_or_else(|error| error.exit());
            let source = match args.db {
                Some(file) => stats::Source::File(file),
                None => stats::Source::Places(args.which.options().places()?),
            };
            stats::run(&source, &asked)?;
        }
        Command::Connections(args) => connections::run(&args.which().options().places()?, &args.options())?,
        Command::Dns(args) => dns::run(&args.which.options().places()?, &args.options())?,
        Command::Insights(args) => insights::run(&args.which.options().places()?, &args.options())?,
        Command::Alerts(args) => return show_alerts(&args),
        Command::Run(args) => {
            let options = agent::Options { sandbox: !args.collector.no_sandbox, ..args.options() };
            // Before there is a runtime: its pipe for signals would be shared with this child.
            let helper = (options.sandbox && cfg!(target_os = "linux")).then(|| alerts::Helper::begin(&options));
            let helper = helper.transpose().context("starting the process that runs commands")?;
            block_on(agent::run(|config| open(&args.collector, config.names.passive), options, helper))?;
        }
        Command::Start(args) => return agent::start(&args.options(), &args.arguments()),
        Command::Stop(which) => return agent::stop(&which.options()),
        Command::Restart(args) => return agent::restart(&args.options(), &args.arguments()),
        Command::Reload(which) => return agent::reload(&which.options()),
        Command::Status(args) => return agent::status(&args.which.options(), args.json),
        Command::Export(args) => args.run()?,
        Command::Import(args) => args.run()?,
        Command::Replay(args) => replay::run(&args.options())?,
        Command::Upload(args) => return upload(&args),
        Command::Setup(args) => {
            args.check().unwrap_or_else(|error| error.exit());
            return block_on(setup::setup(&args, || open(&CollectorArgs::default(), true)));
        }
        Command::Uninstall(args) => {
            args.check().unwrap_or_else(|error| error.exit());
            return setup::uninstall(&args);
        }
        Command::PackageFiles(args) => setup::package_files(&args)?,
        Command::Doctor(args) => return block_on(doctor(args)),
        Command::Version => writeln!(std::io::stdout(), "watcher {}", env!("CARGO_PKG_VERSION"))?,
        Command::Completions { shell } => {
            // Straight to standard output, it would panic where that is closed.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "watcher", &mut script);
            std::io::stdout().write_all(&script)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show_alerts(args: &AlertsArgs) -> anyhow::Result<ExitCode> {
    let options = args.which.options();
    if args.dry_run || args.fire.is_some() {
        let config = options.configuration()?;
        return block_on(alerts::dry_run(&config.alerts, args.fire.as_deref()));
    }
    alerts::run(&options.places()?, args.json)?;
    Ok(ExitCode::SUCCESS)
}

fn upload(args: &UploadArgs) -> anyhow::Result<ExitCode> {
    let options = args.which.options();
    if args.dry_run {
        agent::sending::dry(&options)
    } else if args.now {
        block_on(agent::sending::now(&options))
    } else {
        agent::sending::status(&options, args.json)
    }
}

/// Exit code 1 when something is wrong with this machine.
#[cfg(target_os = "linux")]
async fn doctor(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    if args.verify {
        let explained = watcher_user::linux::verify::run(&args.collector, args.time, args.json).await?;
        return Ok(if explained { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let well = watcher_user::linux::doctor::run(&args.collector, args.json, args.verbose).await?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What packets cannot tell is no fault of this machine: exit code 1 where there is nobody to count.
#[cfg(not(target_os = "linux"))]
async fn doctor(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let collector = open(&args.collector, true)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        watcher_core::json::to_writer(&mut out, collector.quality())?;
        writeln!(out)?;
    } else {
        let quality = collector.quality();
        writeln!(out, "backend          {}, owner of a byte by {}", quality.backend, quality.grade)?;
        for lost in &quality.degraded {
            writeln!(out, "  {:<18} {}", lost.capability, text::printable(&lost.why))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A collector for a view, and no more than it needs.
fn open_sealed(args: &CollectorArgs, names: bool) -> anyhow::Result<collector::Collector> {
    let force = (!args.no_sandbox).then(|| sandbox::prepare(None));
    let source = open(args, names)?;
    if let Some(mut force) = force {
        sandbox::close(&mut force, source.quality().backend != "ebpf");
    }
    Ok(source)
}

/// One thread: what watcher does between two ticks is little, and its own threads would be watched too.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(sandbox::seal_thread)
        .build()?
        .block_on(future)
}

/// A reader that has gone (`| head`) has what it wanted.
fn is_closed_output(error: &anyhow::Error) -> bool {
    let causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.into_iter().any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
