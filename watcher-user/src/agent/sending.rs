//! `watcher upload`: what would be sent, sending now, and how it goes.

use std::{io::Write as _, path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::{Lock, Options, log::Log, log::LogFormat, processes::ask, uploads};
use crate::{
    config::Config,
    control::{Answer, Ask},
    identity,
    upload::{Endpoint, SpoolView, Window, dry_run},
};

fn place(options: &Options) -> anyhow::Result<(Config, std::path::PathBuf)> {
    let config = options.configuration()?;
    let state = Options::state(&config)?;
    Ok((config, state))
}

/// Prints the next body, byte for byte, on standard output; where it would go and with which headers on standard error.
///
/// # Errors
/// There is nothing to send yet.
pub fn dry(options: &Options) -> anyhow::Result<ExitCode> {
    let (config, state) = place(options)?;
    let machine = identity::machine_id(&state)?;
    let mut err = std::io::stderr().lock();
    let endpoint = match uploads::endpoint(&config, machine)? {
        Some(endpoint) => endpoint,
        None => {
            writeln!(err, "upload is off: nothing is sent. If it were on, this would be:")?;
            Endpoint::new(config.upload.configured_url(), machine)?.with_gzip(config.upload.gzip)
        }
    };
    let (window, whence) = next(&state)?;
    let would = dry_run(&endpoint, &window, Timestamp::now())?;
    writeln!(err, "{whence}\n{} {}", would.method, would.to)?;
    for (name, value) in &would.headers {
        writeln!(err, "{name}: {value}")?;
    }
    let mut out = std::io::stdout().lock();
    out.write_all(would.body.as_bytes())?;
    out.flush()?;
    writeln!(err)?;
    Ok(ExitCode::SUCCESS)
}

/// The oldest window that waits, else the open one.
fn next(state: &Path) -> anyhow::Result<(Window, &'static str)> {
    let spool = state.join(uploads::SPOOL);
    if spool.is_dir()
        && let Some(window) = SpoolView::read(&spool)?.next()
    {
        return Ok((window, "the oldest window that waits:"));
    }
    match ask(state, Ask::Window).context("no window waits, and the open one could not be had")? {
        Answer::Window(rollup) => Ok((uploads::window(&rollup)?, "the open window, as if it ended now:")),
        _ => bail!("the daemon answered something else than was asked"),
    }
}

/// Sends everything that waits, and what was refused before.
///
/// # Errors
/// Upload is off, or the endpoint does not take it.
pub async fn now(options: &Options) -> anyhow::Result<ExitCode> {
    let (config, state) = place(options)?;
    if Lock::holder(&state)?.is_some() {
        let Answer::Done(said) = ask(&state, Ask::UploadNow)? else {
            bail!("the daemon answered something else than was asked")
        };
        println!("{said}");
        return Ok(ExitCode::SUCCESS);
    }
    let machine = identity::machine_id(&state)?;
    let log = Log::to_stderr(LogFormat::Text);
    let Some(uploads) = uploads::Uploads::start(&config, &state, machine, log)? else {
        bail!("upload is off: see [upload] in {}", options.file().display());
    };
    let pass = uploads.send_now().await;
    uploads.stop(std::time::Duration::from_secs(2)).await;
    let pass = pass.context("delivery ended")?;
    println!("{} sent, {} refused, {} wait", pass.taken, pass.parked, pass.waiting);
    match pass.failure {
        Some(why) => bail!("{why}"),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Shows the spool, the last success and the last error.
///
/// # Errors
/// The spool cannot be read, or the output cannot be written.
pub fn status(options: &Options, json: bool) -> anyhow::Result<ExitCode> {
    let (config, state) = place(options)?;
    let machine = identity::machine_id(&state)?;
    let endpoint = uploads::endpoint(&config, machine)?.map(|endpoint| endpoint.shown());
    let spool = state.join(uploads::SPOOL);
    if !spool.is_dir() {
        let mut out = std::io::stdout().lock();
        if json {
            writeln!(
                out,
                "{}",
                watcher_core::json::to_string(&serde_json::json!({ "endpoint": endpoint, "waiting": 0 }))?
            )?;
        } else {
            writeln!(out, "endpoint      {}", endpoint.as_deref().unwrap_or("none: upload is off"))?;
            writeln!(out, "waiting       nothing was ever spooled")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let status = crate::upload::Status { endpoint, spool: SpoolView::read(&spool)?.status(), next_attempt: None };
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", watcher_core::json::to_string(&status)?)?;
    } else {
        write!(out, "{status}")?;
    }
    Ok(ExitCode::SUCCESS)
}
