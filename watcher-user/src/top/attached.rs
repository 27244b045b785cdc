//! Snapshots of a daemon that counts already.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use watcher_core::Snapshot;

use super::feed::{Feed, FeedError, Origin};
use crate::control::{Answer, Ask, Status, client::AskError, link::Link};

/// It answers out of its memory; only a snapshot may have to be read first, for which it takes five seconds at most.
const PATIENCE: Duration = Duration::from_secs(8);

/// A daemon as a feed. It may end and come back.
#[derive(Debug)]
pub struct Attached {
    socket: PathBuf,
    link: Option<Link>,
    origin: Origin,
    earlier: Option<Snapshot>,
}

impl Attached {
    /// The daemon that listens there. It is asked when the first snapshot is.
    #[must_use]
    pub fn to(socket: PathBuf) -> Self {
        let origin = Origin { daemon: None, since: Timestamp::UNIX_EPOCH };
        Self { socket, link: None, origin, earlier: None }
    }

    /// Connects, and finds out whether it is the daemon that it was.
    async fn connect(&mut self) -> Result<Link, AskError> {
        let mut link = Link::connect(&self.socket).await?;
        let status = match link.ask(Ask::Status, PATIENCE).await? {
            Answer::Status(status) => status,
            _ => return Err(unasked()),
        };
        let origin = origin(&status);
        if origin != self.origin {
            // Another one began to count anew.
            (self.earlier, self.origin) = (None, origin);
        }
        Ok(link)
    }

    async fn ask(&mut self) -> Result<Arc<Snapshot>, AskError> {
        let ask = || Ask::Snapshot { max_age_ms: 0 };
        let mut answer = None;
        if let Some(mut link) = self.link.take() {
            answer = match link.ask(ask(), PATIENCE).await {
                Ok(answer) => Some((link, answer)),
                // It hangs up on who has been silent for long, and when it ends: which it was, connecting tells.
                Err(AskError::Io { source, .. }) if source.kind() != std::io::ErrorKind::TimedOut => None,
                Err(e) => return Err(e),
            };
        }
        let (link, answer) = match answer {
            Some(answered) => answered,
            None => {
                let mut link = self.connect().await?;
                let answer = link.ask(ask(), PATIENCE).await?;
                (link, answer)
            }
        };
        self.link = Some(link);
        match answer {
            Answer::Snapshot(snapshot) => Ok(snapshot),
            _ => Err(unasked()),
        }
    }
}

impl Feed for Attached {
    /// The daemon reads by itself.
    async fn between(&mut self) -> Result<(), FeedError> {
        Ok(())
    }

    async fn snapshot(&mut self) -> Result<Snapshot, FeedError> {
        let snapshot = self.ask().await.map_err(lost)?;
        let mut snapshot = Arc::unwrap_or_clone(snapshot);
        snapshot.rerate(self.earlier.as_ref());
        self.earlier = Some(snapshot.clone());
        Ok(snapshot)
    }

    fn origin(&self) -> Origin {
        self.origin.clone()
    }
}

fn origin(status: &Status) -> Origin {
    Origin { daemon: Some(status.pid), since: status.started_at }
}

fn unasked() -> AskError {
    AskError::Refused("the daemon answered something else than was asked".to_owned())
}

/// Whatever it is, a daemon that is started anew may be better. Another version will not be, for this program.
fn lost(error: AskError) -> FeedError {
    match error {
        AskError::NotRunning(_) => FeedError::Lost("the daemon has ended; try: sudo watcher start".to_owned()),
        AskError::Version { .. } => FeedError::Failed(error.into()),
        other => FeedError::Lost(crate::text::with_causes(&other)),
    }
}
