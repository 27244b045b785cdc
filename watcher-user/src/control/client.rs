//! Asking a daemon.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use thiserror::Error;

use super::{Answer, Ask, Request, VERSION, protocol::Heard};

/// The daemon answers out of its memory.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer: a snapshot of hundreds of thousands of flows.
pub(super) const LONGEST: u64 = 1 << 30;

/// Why a daemon did not answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// Nobody listens there.
    #[error("no watcher runs (nobody listens on {0}); try: sudo watcher start")]
    NotRunning(PathBuf),
    /// The socket is there and may not be used.
    #[error("{0} may not be opened: be root, or in the group 'watcher'")]
    Forbidden(PathBuf),
    /// It listens, and does not do as it should.
    #[error("the watcher on {path}: {source}")]
    Io {
        /// The socket.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// It speaks another version.
    #[error(
        "the watcher on {path} speaks version {theirs} of the protocol, and this one version {VERSION}: restart it"
    )]
    Version {
        /// The socket.
        path: PathBuf,
        /// Its version.
        theirs: u32,
    },
    /// It said no.
    #[error("{0}")]
    Refused(String),
}

impl AskError {
    pub(super) fn of_connecting(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Self::NotRunning(path.to_owned()),
            io::ErrorKind::PermissionDenied => Self::Forbidden(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}

/// A connection to a daemon.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// [`AskError::NotRunning`] where nobody listens, [`AskError::Forbidden`] where this user may not ask.
    pub fn connect(path: &Path) -> Result<Self, AskError> {
        let wrong = |source| AskError::of_connecting(path, source);
        let stream = UnixStream::connect(path).map_err(wrong)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(wrong)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(wrong)?;
        Ok(Self { path: path.to_owned(), stream: BufReader::new(stream) })
    }

    /// Waits for answers so long, and not ten seconds.
    ///
    /// # Errors
    /// The socket does not take it.
    pub fn set_patience(&mut self, patience: Duration) -> Result<(), AskError> {
        let set = self.stream.get_ref().set_read_timeout(Some(patience));
        set.map_err(|source| AskError::Io { path: self.path.clone(), source })
    }

    /// Asks, and waits for the answer: at most ten seconds.
    ///
    /// # Errors
    /// The daemon is gone, stuck, of another version, or says no.
    pub fn ask(&mut self, ask: Ask) -> Result<Answer, AskError> {
        let line = self.exchange(ask).map_err(|source| AskError::Io { path: self.path.clone(), source })?;
        decode(line.as_bytes(), &self.path)
    }

    fn exchange(&mut self, ask: Ask) -> io::Result<String> {
        let mut line = serde_json::to_string(&Request { watcher: VERSION, ask })?;
        line.push('\n');
        self.stream.get_mut().write_all(line.as_bytes())?;
        line.clear();
        self.stream.by_ref().take(LONGEST).read_line(&mut line).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => io::Error::new(io::ErrorKind::TimedOut, "does not answer"),
            _ => e,
        })?;
        if !line.ends_with('\n') {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "hung up in the middle of an answer"));
        }
        Ok(line)
    }
}

/// What a line of the daemon on `path` says.
pub(super) fn decode(line: &[u8], path: &Path) -> Result<Answer, AskError> {
    // Of another version, anything may be different.
    let heard = serde_json::from_slice::<Heard>(line).map_err(|e| match serde_json::from_slice::<Version>(line) {
        Ok(Version { watcher }) if watcher != VERSION => AskError::Version { path: path.to_owned(), theirs: watcher },
        _ => AskError::Io { path: path.to_owned(), source: io::Error::new(io::ErrorKind::InvalidData, e) },
    })?;
    if heard.watcher != VERSION {
        return Err(AskError::Version { path: path.to_owned(), theirs: heard.watcher });
    }
    match heard.answer() {
        Some(Answer::Error(why)) => Err(AskError::Refused(why)),
        Some(answer) => Ok(answer),
        None => {
            let source = io::Error::new(io::ErrorKind::InvalidData, "says something that this watcher does not know");
            Err(AskError::Io { path: path.to_owned(), source })
        }
    }
}

#[derive(serde::Deserialize)]
struct Version {
    watcher: u32,
}
