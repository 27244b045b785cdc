//! Where a report comes from: a file that was named, or the history of the daemon that is meant.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use jiff::tz::TimeZone;
use watcher_core::history::{Query, Report, Step};

use crate::{
    control::{
        Answer, Ask, Place,
        client::{AskError, Client},
        reach,
    },
    history::{FILE, History},
};

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that was named: a copy, another machine's.
    File(PathBuf),
    /// The first of these that has a history.
    Places(Vec<Place>),
}

impl Source {
    /// The answer.
    ///
    /// # Errors
    /// Nothing was collected yet, what was may not be read or is damaged, or the history has no line for it.
    pub fn report(&self, query: &Query, zone: TimeZone) -> anyhow::Result<Report> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Places(places) => match reach(places) {
                // It has what is not written yet, and may read what this user may not.
                Ok((_, mut daemon)) => return from_daemon(&mut daemon, query),
                Err(AskError::NotRunning(_)) => find(places)?,
                // The file may still be this user's to read.
                Err(why) => match find(places).and_then(|path| may_be_read(&path).map(|()| path)) {
                    Ok(path) => path,
                    Err(_) => return Err(why.into()),
                },
            },
        };
        anyhow::ensure!(
            query.step != Some(Step::Second),
            "seconds are known to a running daemon only, of the last hour"
        );
        may_be_read(&path)?;
        Ok(History::open(&path, zone)?.report(query)?)
    }
}

fn from_daemon(daemon: &mut Client, query: &Query) -> anyhow::Result<Report> {
    match daemon.ask(Ask::History(query.clone()))? {
        Answer::History(report) => Ok(*report),
        _ => Err(anyhow!("the daemon answers something else: restart it")),
    }
}

fn find(places: &[Place]) -> anyhow::Result<PathBuf> {
    let files: Vec<PathBuf> = places.iter().map(|place| place.state.join(FILE)).collect();
    for file in &files {
        match fs::metadata(file) {
            Ok(_) => return Ok(file.clone()),
            Err(e) if is_missing(&e) => {}
            Err(e) => return Err(refused(file, e)),
        }
    }
    let looked: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    Err(anyhow!("nothing was collected yet: there is no {}; try: sudo watcher start", looked.join(" and no ")))
}

/// SQLite says of every file that it cannot open only that.
fn may_be_read(path: &Path) -> anyhow::Result<()> {
    // Looked at before it is opened: opening a pipe waits for somebody.
    let opened = fs::metadata(path).and_then(|about| match about.is_file() {
        true => fs::File::open(path).map(|_| true),
        false => Ok(false),
    });
    match opened {
        Ok(true) => Ok(()),
        Ok(false) => Err(anyhow!("{} is no file: name a history, {FILE} in a state directory", path.display())),
        // A history that is missing has words of its own.
        Err(e) if is_missing(&e) => Ok(()),
        Err(e) => Err(refused(path, e)),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn refused(path: &Path, error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return anyhow!("{} may not be read: be root, or name a copy with --db", path.display());
    }
    anyhow::Error::new(error).context(format!("reading {}", path.display()))
}
