//! QUIC by quinn, as much as is asked for both ways at once, with what its UDP socket moved: traffic for `cargo xtask bench peers`.
//!
//! `quic_transfer serve BYTES` says its port and its certificate; `quic_transfer fetch ADDRESS CERTIFICATE BYTES` says that it is
//! ready, waits for a line, and says how many bytes of datagrams its socket received and sent, and in how many microseconds.

use std::io::{self, BufRead as _, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use quinn::udp::{RecvMeta, Transmit};
use quinn::{
    AsyncUdpSocket, ClientConfig, Connection, Endpoint, EndpointConfig, RecvStream, Runtime as _, SendStream,
    ServerConfig, TokioRuntime, UdpPoller,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const NAME: &str = "localhost";
static CHUNK: [u8; 64 * 1024] = [b'x'; 64 * 1024];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", bytes] => serve(bytes.parse()?).await,
        ["fetch", address, certificate, bytes] => fetch(address.parse()?, certificate, bytes.parse()?).await,
        _ => bail!("quic_transfer serve BYTES | fetch ADDRESS CERTIFICATE BYTES"),
    }
}

async fn serve(bytes: u64) -> Result<()> {
    let key = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::with_single_cert(vec![key.cert.der().clone()], private)?;
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let port = socket.local_addr()?.port();
    let endpoint = Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime))?;
    let certificate: String = key.cert.der().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{port} {certificate}");
    let connection = endpoint.accept().await.context("no client")?.await?;
    let (mut sending, receiving) = connection.accept_bi().await?;
    tokio::try_join!(send(&mut sending, bytes), receive(receiving))?;
    // The client hangs up once it has everything, and hears of the end when this side has everything too.
    sending.finish()?;
    connection.closed().await;
    Ok(())
}

async fn fetch(address: SocketAddr, certificate: &str, bytes: u64) -> Result<()> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(unhex(certificate)?))?;
    let socket = Arc::new(Counting {
        inner: TokioRuntime.wrap_udp_socket(UdpSocket::bind("0.0.0.0:0")?)?,
        received: AtomicU64::new(0),
        sent: AtomicU64::new(0),
    });
    let runtime = Arc::new(TokioRuntime);
    let mut endpoint = Endpoint::new_with_abstract_socket(EndpointConfig::default(), None, socket.clone(), runtime)?;
    endpoint.set_default_client_config(ClientConfig::with_root_certificates(Arc::new(roots))?);
    println!("ready");
    io::stdin().lock().read_line(&mut String::new())?;
    let begun = Instant::now();
    let connection: Connection = endpoint.connect(address, NAME)?.await?;
    let (mut sending, receiving) = connection.open_bi().await?;
    let sent = async {
        send(&mut sending, bytes).await?;
        Ok(sending.finish()?)
    };
    tokio::try_join!(sent, receive(receiving))?;
    let took = begun.elapsed().as_micros();
    connection.close(0u32.into(), b"");
    endpoint.wait_idle().await;
    println!("{} {} {took}", socket.received.load(Ordering::Relaxed), socket.sent.load(Ordering::Relaxed));
    io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

async fn send(sending: &mut SendStream, bytes: u64) -> Result<()> {
    let mut left = bytes;
    while left > 0 {
        let most = CHUNK.len().min(usize::try_from(left)?);
        left -= sending.write(&CHUNK[..most]).await? as u64;
    }
    Ok(())
}

async fn receive(mut receiving: RecvStream) -> Result<()> {
    while receiving.read_chunk(CHUNK.len(), true).await?.is_some() {}
    Ok(())
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}

/// A socket that says how many bytes its calls moved.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn AsyncUdpSocket>,
    received: AtomicU64,
    sent: AtomicU64,
}

impl AsyncUdpSocket for Counting {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.inner).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.inner.try_send(transmit)?;
        self.sent.fetch_add(transmit.contents.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let polled = self.inner.poll_recv(context, buffers, meta);
        if let Poll::Ready(Ok(messages)) = polled {
            let bytes: usize = meta.iter().take(messages).map(|one| one.len).sum();
            self.received.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        polled
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}
