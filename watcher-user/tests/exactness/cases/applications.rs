//! Whose traffic it is, as a person calls it: what each rule makes of names is for the tests beside the rules.

use std::{
    ffi::CString,
    fs,
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    fcntl::{OFlag, open},
    sys::stat::Mode,
    unistd::write,
};

use super::Case;
use crate::{stage::Stage, state::Process};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a_process_of_a_service_goes_by_its_unit", lives),
        Case::new("a_process_of_a_service_that_lives_for_milliseconds_goes_by_its_unit", |stage| is_gone(&stage)),
        Case::new("what_a_service_forks_goes_by_its_unit", forks),
        Case::new("a_process_of_no_service_goes_by_its_executable", plain),
    ]
}

/// A cgroup as systemd makes one for a service, for as long as this lives.
struct Service {
    folder: PathBuf,
    /// The folder above it was not there before.
    made: Option<PathBuf>,
}

impl Service {
    fn new(name: &str) -> Result<Self> {
        let mounts = fs::read_to_string("/proc/mounts")?;
        let mount = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|line| line[2] == "cgroup2");
        let slice = Path::new(mount.context("no cgroup2 is mounted")?[1]).join("system.slice");
        let made = (!slice.is_dir()).then(|| slice.clone());
        let folder = slice.join(format!("{name}-{}.service", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self { folder, made })
    }

    fn name(&self) -> Result<&str> {
        let name = self.folder.file_name().and_then(|name| name.to_str()).context("no name")?;
        name.strip_suffix(".service").context("no service")
    }

    /// This executable, in the cgroup before it executes anything.
    fn command(&self) -> Result<Command> {
        let procs = CString::new(self.folder.join("cgroup.procs").as_os_str().as_bytes())?;
        let mut command = Command::new(std::env::current_exe()?);
        // SAFETY: open and write are async-signal-safe, and nothing is allocated.
        unsafe {
            command.pre_exec(move || {
                let file = open(procs.as_c_str(), OFlag::O_WRONLY, Mode::empty())?;
                write(&file, b"0")?;
                Ok(())
            });
        }
        Ok(command)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        fs::remove_dir(&self.folder).ok();
        // Unless others use it by now.
        self.made.as_ref().map(fs::remove_dir);
    }
}

/// What moved its first bytes while the rings were being read is shown before what it executed is known: the next object
/// says it, or the one with its end.
fn named(stage: &Stage<'_>, pid: u32, name: &str, rule: &str) -> Result<()> {
    let Some(watcher) = stage.suite().watcher() else { return Ok(()) };
    let is_meant = |p: &Process| (p.application.as_deref(), p.application_rule.as_deref()) == (Some(name), Some(rule));
    let process = watcher.wait(&format!("process {pid} of {name} by {rule}"), |state| {
        state.processes.get(&pid).filter(|process| process.exited || is_meant(process)).cloned()
    })?;
    ensure!(is_meant(&process), "process {pid} is of {name} by {rule}, watcher says {process:?}");
    let evidence = process.application_evidence.unwrap_or_default();
    ensure!(evidence.contains(name), "{name} by {evidence}");
    Ok(())
}

fn lives(mut stage: Stage<'_>) -> Result<()> {
    let service = Service::new("watcher-lives")?;
    let server = stage.start_by(service.command()?, "pausing-server v4")?;
    let address = stage.announced(server)?;
    let client = stage.start(&format!("pausing-client {address}"))?;
    stage.announced(client)?;
    stage.announced(server)?;
    named(&stage, stage.pid(server), service.name()?, "unit")?;
    stage.go(server)?;
    stage.go(client)?;
    stage.finish().map(|_| ())
}

/// Reaped at once: no /proc tells of them when watcher reads.
fn is_gone(stage: &Stage<'_>) -> Result<()> {
    let service = Service::new("watcher-brief")?;
    for _ in 0..20 {
        let mut command = service.command()?;
        let mut child =
            command.args(["--actor", "datagram-send", "127.0.0.1:9", "1111"]).stdout(Stdio::null()).spawn()?;
        let status = child.wait()?;
        ensure!(status.success(), "it ended with {status}");
        named(stage, child.id(), service.name()?, "unit")?;
    }
    Ok(())
}

fn forks(mut stage: Stage<'_>) -> Result<()> {
    let service = Service::new("watcher-forks")?;
    let (_, address) = stage.open("stream-server tcp v4 send 300003 500000 first")?;
    let client = stage.start_by(service.command()?, &format!("forking-client {address} 2 100000"))?;
    stage.ended(client)?;
    let (suite, above) = (stage.suite(), stage.pid(client));
    let reports = stage.finish()?;
    let stage = Stage::new(suite);
    let forked = reports.iter().filter(|report| report.tx > 0 && report.tx < 300_003);
    let mut count = 0;
    for report in forked {
        named(&stage, report.pid, service.name()?, "unit")?;
        count += usize::from(report.pid != above);
    }
    ensure!(count == 2, "{count} children sent");
    Ok(())
}

fn plain(mut stage: Stage<'_>) -> Result<()> {
    stage.leaky();
    let cue = stage.start("datagram-send 127.0.0.1:9 1111")?;
    stage.ended(cue)?;
    let this = std::env::current_exe()?;
    let name = this.file_name().and_then(|name| name.to_str()).context("no name")?;
    named(&stage, stage.pid(cue), name, "executable")?;
    stage.finish().map(|_| ())
}
