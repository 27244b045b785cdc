//! Moves one MiB over loopback and demands that exactly that was counted, on both ends.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use anyhow::Context as _;
use serde::Serialize;
use watcher_core::{FlowState, Source};

/// Bytes that the test moves.
const BYTES: u64 = 1 << 20;
/// Readings until the connection's end has to have arrived.
const TRIES: u32 = 40;

/// What was moved and what was counted.
#[derive(Debug, Serialize)]
pub struct SelfTest {
    pub moved_bytes: u64,
    pub counted_tx_bytes: u64,
    pub counted_rx_bytes: u64,
    pub kernel_agrees: bool,
    pub exact: bool,
}

impl SelfTest {
    /// What is wrong, if anything is.
    pub fn problem(&self) -> Option<String> {
        (!self.exact).then(|| {
            format!(
                "the self-test moved {} bytes and counted {} sent, {} received",
                self.moved_bytes, self.counted_tx_bytes, self.counted_rx_bytes
            )
        })
    }
}

/// Runs it against a collector that counts.
pub async fn run<S: Source>(source: &mut S) -> anyhow::Result<SelfTest> {
    source.collect().await.context("reading")?;
    let port = move_bytes().context("moving 1 MiB over loopback")?;
    let (mut tx, mut rx, mut ends, mut kernel_agrees) = (0, 0, 0, true);
    for _ in 0..TRIES {
        let batch = source.collect().await.context("reading")?;
        for sample in &batch.flows {
            let local = sample.socket.local.port() == port;
            let remote = sample.socket.remote.is_some_and(|remote| remote.port() == port);
            if !(local || remote) || !matches!(sample.state, FlowState::Closed { .. }) {
                continue;
            }
            ends += 1;
            tx += sample.counters.tx_bytes;
            rx += sample.counters.rx_bytes;
            kernel_agrees &=
                sample.kernel.is_some_and(|k| k.expected_tx == k.counted_tx && k.expected_rx == k.counted_rx);
        }
        if ends == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let exact = ends == 2 && tx == BYTES && rx == BYTES && kernel_agrees;
    Ok(SelfTest { moved_bytes: BYTES, counted_tx_bytes: tx, counted_rx_bytes: rx, kernel_agrees, exact })
}

/// Returns the port that both ends share.
fn move_bytes() -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let reader = std::thread::spawn(move || -> std::io::Result<u64> {
        let (mut end, _) = listener.accept()?;
        let mut buffer = vec![0; 40_000];
        let mut total = 0;
        loop {
            match end.read(&mut buffer)? {
                0 => return Ok(total),
                n => total += n as u64,
            }
        }
    });
    let mut end = TcpStream::connect(address)?;
    end.write_all(&vec![7; BYTES as usize])?;
    drop(end);
    let read = reader.join().map_err(|_| std::io::Error::other("the reading thread panicked"))??;
    if read != BYTES {
        return Err(std::io::Error::other(format!("only {read} bytes arrived")));
    }
    Ok(address.port())
}
