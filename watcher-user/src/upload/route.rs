//! The way to the endpoint: straight, or through the proxy that the environment names.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;
use tower_service::Service;

/// Idle connections are probed this often, so that a dead one is noticed.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Which proxy to use for what.
pub struct Proxies(Matcher);

impl Proxies {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in upper or lower case, read as curl reads them.
    #[must_use]
    pub fn from_environment() -> Self {
        Self(Matcher::from_env())
    }

    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::of("", "")
    }

    /// `proxy` for everything but what `except` (in the form of `NO_PROXY`) lists.
    #[must_use]
    pub fn of(proxy: &str, except: &str) -> Self {
        Self(Matcher::builder().all(proxy).no(except).build())
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A proxy of a kind that is not supported.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the proxy {0} cannot be used: only http:// proxies are supported; name the endpoint in NO_PROXY to go round it"
)]
pub struct NoSuchProxy(String);

/// Connects to one endpoint.
#[derive(Clone)]
pub(super) enum Route {
    Straight(HttpConnector),
    /// For `http://`: the proxy gets the whole address with each request.
    Forward {
        proxy: Uri,
        connector: HttpConnector,
        authorization: Option<HeaderValue>,
    },
    /// For `https://`: the proxy is asked to CONNECT, and sees nothing of what is said.
    Tunnel(Tunnel<HttpConnector>),
}

impl Route {
    pub(super) fn to(endpoint: &Uri, proxies: &Proxies) -> Result<Self, NoSuchProxy> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_keepalive(Some(KEEPALIVE));
        let Some(intercept) = proxies.0.intercept(endpoint) else { return Ok(Self::Straight(connector)) };
        let (proxy, authorization) = (intercept.uri().clone(), intercept.basic_auth().cloned());
        if proxy.scheme_str() != Some("http") {
            return Err(NoSuchProxy(shown(&intercept)));
        }
        if endpoint.scheme_str() != Some("https") {
            return Ok(Self::Forward { proxy, connector, authorization });
        }
        let tunnel = Tunnel::new(proxy, connector);
        Ok(Self::Tunnel(match authorization {
            Some(authorization) => tunnel.with_auth(authorization),
            None => tunnel,
        }))
    }

    /// What a forwarding proxy wants to see with each request.
    pub(super) fn proxy_authorization(&self) -> Option<&HeaderValue> {
        match self {
            Self::Forward { authorization, .. } => authorization.as_ref(),
            Self::Straight(_) | Self::Tunnel(_) => None,
        }
    }
}

fn shown(intercept: &Intercept) -> String {
    let uri = intercept.uri();
    format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default())
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for Route {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Straight(connector) | Self::Forward { connector, .. } => {
                connector.poll_ready(context).map_err(Into::into)
            }
            Self::Tunnel(tunnel) => tunnel.poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, endpoint: Uri) -> Self::Future {
        let forwarded = matches!(self, Self::Forward { .. });
        match self {
            Self::Straight(connector) => stream(connector.call(endpoint), forwarded),
            Self::Forward { proxy, connector, .. } => stream(connector.call(proxy.clone()), forwarded),
            Self::Tunnel(tunnel) => stream(tunnel.call(endpoint), forwarded),
        }
    }
}

fn stream<E: Into<BoxError>>(
    connecting: impl Future<Output = Result<TokioIo<TcpStream>, E>> + Send + 'static,
    forwarded: bool,
) -> <Route as Service<Uri>>::Future {
    Box::pin(async move { connecting.await.map(|io| Stream { io, forwarded }).map_err(Into::into) })
}

/// A connection that knows whether a forwarding proxy is at its other end.
pub(super) struct Stream {
    io: TokioIo<TcpStream>,
    forwarded: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.forwarded)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
