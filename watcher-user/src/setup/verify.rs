//! Whether bytes arrive: some are moved, and the running daemon is asked what it counted.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{
    agent,
    control::{Answer, Ask},
};

/// Bytes that are moved.
const BYTES: u64 = 1 << 20;
/// The daemon reads once a second.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What was counted of one connection, over both its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Sent, bytes.
    pub tx: u64,
    /// Received, bytes.
    pub rx: u64,
}

/// Moves bytes through loopback and waits until the daemon of `state` has counted every one of them.
///
/// # Errors
/// It does not answer, or counts something else.
pub fn bytes_arrive(state: &Path) -> anyhow::Result<Counted> {
    let moved = Moved::new().context("moving bytes through loopback")?;
    until_counted(|| asked(state, moved.port), PATIENCE)
}

/// The daemon's word for the connections of a port.
fn asked(state: &Path, port: u16) -> anyhow::Result<Counted> {
    let Answer::Snapshot(snapshot) = agent::ask(state, Ask::Snapshot { max_age_ms: 0 })? else {
        bail!("the daemon answered something else than was asked");
    };
    // By the port, not by the process: in a container its number is another.
    let flows = snapshot.flows.iter().filter(|row| {
        let socket = &row.sample.socket;
        socket.local.port() == port || socket.remote.is_some_and(|remote| remote.port() == port)
    });
    Ok(flows.fold(Counted::default(), |sum, row| Counted {
        tx: sum.tx + row.traffic.tx_bytes,
        rx: sum.rx + row.traffic.rx_bytes,
    }))
}

fn until_counted(mut counted: impl FnMut() -> anyhow::Result<Counted>, patience: Duration) -> anyhow::Result<Counted> {
    let deadline = Instant::now() + patience;
    loop {
        let answer = counted();
        match &answer {
            Ok(counted) if *counted == (Counted { tx: BYTES, rx: BYTES }) => return answer,
            // It listens a moment before it has read for the first time.
            _ if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
            Ok(Counted { tx, rx }) => bail!(
                "{BYTES} bytes went through loopback, and the daemon counted {tx} sent and {rx} received; try: watcher doctor"
            ),
            Err(_) => return answer,
        }
    }
}

/// A connection through which bytes went; open, so that it is listed.
struct Moved {
    port: u16,
    _ends: (TcpStream, TcpStream),
}

impl Moved {
    fn new() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let mut sender = TcpStream::connect(("127.0.0.1", port))?;
        let (mut receiver, _) = listener.accept()?;
        let writer = std::thread::spawn(move || {
            sender.write_all(&vec![0; usize::try_from(BYTES).unwrap_or(0)]).map(|()| sender)
        });
        io::copy(&mut (&mut receiver).take(BYTES), &mut io::sink())?;
        let sender = writer.join().map_err(|_| io::Error::other("the writing thread panicked"))??;
        Ok(Self { port, _ends: (sender, receiver) })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn it_waits_until_everything_was_counted() {
        let readings = Cell::new(0);
        let counted = || {
            readings.set(readings.get() + 1);
            match readings.get() {
                1 => bail!("nothing was collected yet"),
                2 => Ok(Counted { tx: BYTES, rx: 7 }),
                _ => Ok(Counted { tx: BYTES, rx: BYTES }),
            }
        };
        assert_eq!(until_counted(counted, Duration::from_secs(5)).unwrap().tx, BYTES);
        assert_eq!(readings.get(), 3);
    }

    #[test]
    fn one_byte_too_many_is_no_success() {
        let error = until_counted(|| Ok(Counted { tx: BYTES + 1, rx: BYTES }), Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("counted 1048577 sent and 1048576 received"), "{error}");
    }

    #[test]
    fn a_daemon_that_does_not_answer_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let error = until_counted(|| asked(dir.path(), 1), Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("no watcher runs"), "{error}");
    }

    #[test]
    fn bytes_can_be_moved_here() {
        assert_ne!(Moved::new().unwrap().port, 0);
    }
}
