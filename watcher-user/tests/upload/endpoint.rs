//! The test endpoint: an HTTP server on loopback that keeps what it takes and does what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::faults::Deed;

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Empty where the deed did not read it.
    pub body: Vec<u8>,
    pub deed: Deed,
    /// Number of the connection.
    pub connection: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body is JSON")
    }

    pub fn upload_id(&self) -> String {
        self.json()["upload_id"].as_str().expect("a body has an upload_id").to_owned()
    }

    /// The body as it lies in the spool.
    pub fn without_sent_at(&self) -> Value {
        let mut json = self.json();
        json.as_object_mut().and_then(|object| object.remove("sent_at")).expect("a body has sent_at");
        json
    }
}

type Choose = Arc<Mutex<dyn FnMut() -> Deed + Send>>;

/// Listens until it is dropped.
pub struct Endpoint {
    pub address: SocketAddr,
    requests: watch::Sender<Vec<Request>>,
    choose: Choose,
    tls: Option<TlsAcceptor>,
    serving: JoinSet<()>,
}

impl Endpoint {
    /// Does with each request what `choose` says.
    pub async fn start(choose: impl FnMut() -> Deed + Send + 'static) -> Self {
        Self::bind("127.0.0.1:0".parse().expect("an address"), Arc::new(Mutex::new(choose)), None).await
    }

    /// Takes everything, over TLS.
    pub async fn start_tls(tls: TlsAcceptor) -> Self {
        let take: Choose = Arc::new(Mutex::new(|| Deed::Take));
        Self::bind("127.0.0.1:0".parse().expect("an address"), take, Some(tls)).await
    }

    async fn bind(address: SocketAddr, choose: Choose, tls: Option<TlsAcceptor>) -> Self {
        let mut endpoint = Self { address, requests: watch::Sender::default(), choose, tls, serving: JoinSet::new() };
        endpoint.open().await;
        endpoint
    }

    /// Nobody listens any more, and all connections are gone.
    pub async fn close(&mut self) {
        self.serving.shutdown().await;
    }

    /// Listens, again where it listened before.
    pub async fn open(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("loopback can be listened on");
        self.address = listener.local_addr().expect("a listener has an address");
        let (requests, choose, tls) = (self.requests.clone(), Arc::clone(&self.choose), self.tls.clone());
        self.serving.spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let connection = Connection { number, requests: requests.clone(), choose: Arc::clone(&choose) };
                match tls.clone() {
                    None => connections.spawn(connection.serve(stream)),
                    Some(tls) => connections.spawn(async move {
                        // A client that does not trust us goes away.
                        if let Ok(stream) = tls.accept(stream).await {
                            connection.serve(stream).await;
                        }
                    }),
                };
            }
        });
    }

    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}/api/v1/watcher", self.address.port())
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    /// What was taken, in order, repeats included.
    pub fn taken(&self) -> Vec<Request> {
        self.requests.borrow().iter().filter(|request| request.deed.takes()).cloned().collect()
    }

    /// Returns once `enough` is true of all requests so far.
    pub async fn until(&self, enough: impl FnMut(&Vec<Request>) -> bool) {
        self.requests.subscribe().wait_for(enough).await.expect("the endpoint lives");
    }
}

/// What a deed needs of a connection.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes closing it a reset.
    fn sharpen(&self);
}

impl Wire for TcpStream {
    fn sharpen(&self) {
        self.set_zero_linger().expect("a socket can be told not to linger");
    }
}

impl Wire for TlsStream<TcpStream> {
    fn sharpen(&self) {
        self.get_ref().0.sharpen();
    }
}

struct Connection {
    number: usize,
    requests: watch::Sender<Vec<Request>>,
    choose: Choose,
}

impl Connection {
    /// Errors are the client's going away, which it may.
    async fn serve(self, mut wire: impl Wire) {
        while let Ok(Some((line, headers))) = read_head(&mut wire).await {
            let deed = (self.choose.lock().expect("nobody panics while choosing"))();
            let mut request = Request { line, headers, body: Vec::new(), deed, connection: self.number };
            let length: usize = request.header("content-length").expect("a length").parse().expect("a number");
            let read = match deed {
                Deed::CloseEarly | Deed::Reset => 0,
                Deed::ResetHalfway => length / 2,
                _ => length,
            };
            request.body.resize(read, 0);
            if wire.read_exact(&mut request.body).await.is_err() {
                return;
            }
            if read < length {
                request.body.clear();
            }
            self.requests.send_modify(|requests| requests.push(request));
            if answer(deed, &mut wire).await.is_err()
                || !matches!(deed, Deed::Take | Deed::TakeTalking | Deed::Refuse(_))
            {
                return;
            }
        }
    }
}

async fn answer(deed: Deed, wire: &mut impl Wire) -> std::io::Result<()> {
    let simple = |status: u16, more: &str| format!("HTTP/1.1 {status} So\r\ncontent-length: 2\r\n{more}\r\nok");
    let bytes = match deed {
        Deed::Take | Deed::TakeAndClose => simple(200, ""),
        Deed::TakeTalking => format!("HTTP/1.1 201 Created\r\ncontent-length: 60000\r\n\r\n{}", "x".repeat(60_000)),
        Deed::TakeAndBreakOff => "HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\nhalf".to_owned(),
        Deed::Refuse(status) => simple(status, ""),
        Deed::Wait(seconds) => simple(429, &format!("retry-after: {seconds}\r\n")),
        Deed::WaitUntil(date) => simple(503, &format!("retry-after: {date}\r\n")),
        Deed::Redirect => simple(302, "location: http://localhost:9/elsewhere\r\n"),
        Deed::Garbage => "\0SSH-2.0-\r\n\r\n".to_owned(),
        Deed::CloseEarly => String::new(),
        Deed::Reset | Deed::ResetHalfway | Deed::TakeAndReset => {
            wire.sharpen();
            String::new()
        }
        Deed::Stall | Deed::TakeAndStall => std::future::pending().await,
    };
    wire.write_all(bytes.as_bytes()).await?;
    wire.flush().await
}

/// The first line of a request, and its headers with names in lower case.
pub type Head = (String, Vec<(String, String)>);

/// None when the other side has closed.
pub async fn read_head(wire: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<Head>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match wire.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) if head.is_empty() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let head = String::from_utf8(head).expect("a head is text");
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(':'));
    Ok(Some((line, headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect())))
}
