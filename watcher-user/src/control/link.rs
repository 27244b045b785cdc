//! Asking a daemon without holding up anything else: what [`super::client::Client`] does, for a screen.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::{
    Answer, Ask, Request, VERSION,
    client::{AskError, LONGEST, decode},
};

/// A connection to a daemon.
#[derive(Debug)]
pub struct Link {
    path: PathBuf,
    stream: BufReader<UnixStream>,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// As [`super::client::Client::connect`].
    pub async fn connect(path: &Path) -> Result<Self, AskError> {
        let stream = UnixStream::connect(path).await.map_err(|source| AskError::of_connecting(path, source))?;
        Ok(Self { path: path.to_owned(), stream: BufReader::with_capacity(1 << 16, stream) })
    }

    /// Asks, and waits for the answer as long as `patience` lasts. After an error the connection is of no more use.
    ///
    /// # Errors
    /// As [`super::client::Client::ask`].
    pub async fn ask(&mut self, ask: Ask, patience: Duration) -> Result<Answer, AskError> {
        let heard = timeout(patience, self.exchange(ask)).await;
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("has not answered for {}", seconds(patience)));
        let line = heard.unwrap_or_else(|_| Err(late()));
        let line = line.map_err(|source| AskError::Io { path: self.path.clone(), source })?;
        decode(&line, &self.path)
    }

    async fn exchange(&mut self, ask: Ask) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(&Request { watcher: VERSION, ask })?;
        line.push(b'\n');
        self.stream.write_all(&line).await?;
        line.clear();
        (&mut self.stream).take(LONGEST).read_until(b'\n', &mut line).await?;
        if line.ends_with(b"\n") {
            return Ok(line);
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "has hung up"))
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}
