//! Asking a daemon.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use thiserror::Error;

use super::{Answer, Ask, Reply, Request, VERSION};

/// The daemon answers out of its memory.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer: a snapshot of hundreds of thousands of flows.
const LONGEST: u64 = 1 << 30;

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
        let wrong = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NotRunning(path.to_owned()),
            io::ErrorKind::PermissionDenied => AskError::Forbidden(path.to_owned()),
            _ => AskError::Io { path: path.to_owned(), source },
        };
        let stream = UnixStream::connect(path).map_err(wrong)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(wrong)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(wrong)?;
        Ok(Self { path: path.to_owned(), stream: BufReader::new(stream) })
    }

    /// Asks, and waits for the answer: at most ten seconds.
    ///
    /// # Errors
    /// The daemon is gone, stuck, of another version, or says no.
    pub fn ask(&mut self, ask: Ask) -> Result<Answer, AskError> {
        let line = self.exchange(ask).map_err(|source| AskError::Io { path: self.path.clone(), source })?;
        let version = serde_json::from_str::<Version>(&line).map_err(|e| self.unreadable(e))?.watcher;
        if version != VERSION {
            return Err(AskError::Version { path: self.path.clone(), theirs: version });
        }
        match serde_json::from_str::<Reply>(&line).map_err(|e| self.unreadable(e))?.answer {
            Answer::Error(why) => Err(AskError::Refused(why)),
            answer => Ok(answer),
        }
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

    fn unreadable(&self, e: serde_json::Error) -> AskError {
        AskError::Io { path: self.path.clone(), source: io::Error::new(io::ErrorKind::InvalidData, e) }
    }
}

#[derive(serde::Deserialize)]
struct Version {
    watcher: u32,
}
