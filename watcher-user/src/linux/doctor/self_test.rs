//! Moves one MiB over loopback and demands that exactly that was counted, on both ends.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use anyhow::Context as _;
use serde::Serialize;
use watcher_core::{FlowState, KernelCounters, Source};

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
    /// TCP sockets of any process that ended meanwhile, and what the truth equations say of them.
    pub truth: Truth,
    pub exact: bool,
}

/// The truth equations over every TCP socket that ended during the test.
#[derive(Debug, Default, Serialize)]
pub struct Truth {
    pub sockets_checked: u64,
    pub sockets_unbalanced: u64,
    pub unattributed_tx_bytes: u64,
    pub unattributed_rx_bytes: u64,
}

impl Truth {
    fn check(&mut self, kernel: &KernelCounters) {
        self.sockets_checked += 1;
        let balanced = kernel.expected_tx == kernel.counted_tx && kernel.expected_rx == kernel.counted_rx;
        self.sockets_unbalanced += u64::from(!balanced);
        self.unattributed_tx_bytes += kernel.expected_tx.saturating_sub(kernel.counted_tx);
        self.unattributed_rx_bytes += kernel.expected_rx.saturating_sub(kernel.counted_rx);
    }
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
    let (mut tx, mut rx, mut ends, mut truth) = (0, 0, 0, Truth::default());
    for _ in 0..TRIES {
        let batch = source.collect().await.context("reading")?;
        for sample in &batch.flows {
            if let Some(kernel) = &sample.kernel {
                truth.check(kernel);
            }
            let local = sample.socket.local.port() == port;
            let remote = sample.socket.remote.is_some_and(|remote| remote.port() == port);
            if !(local || remote) || !matches!(sample.state, FlowState::Closed { .. }) {
                continue;
            }
            ends += 1;
            tx += sample.counters.tx_bytes;
            rx += sample.counters.rx_bytes;
        }
        if ends == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let exact = ends == 2 && tx == BYTES && rx == BYTES && truth.sockets_unbalanced == 0;
    Ok(SelfTest { moved_bytes: BYTES, counted_tx_bytes: tx, counted_rx_bytes: rx, truth, exact })
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
