//! HTTP/1.1 over TCP or TLS, with one connection that is used again while it lasts.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, LOCATION, PROXY_AUTHORIZATION, RETRY_AFTER};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::time::timeout;

use super::endpoint::{Endpoint, Post};
use super::route::{NoSuchProxy, Proxies, Route};
use super::transport::{Answer, NoAnswer, Transport};
use crate::text::{fit, printable};

/// The longest answer that is read to its end, in bytes; of a longer one the connection is closed.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// How long the rest of an answer is waited for once its status is known: the status is what counts.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// How much of what the endpoint says is told, in columns.
const SAID_COLUMNS: usize = 200;

/// How long an idle connection is kept. Servers commonly close theirs after one to two minutes.
const KEEP_IDLE: Duration = Duration::from_secs(60);

/// Sends over the network.
pub struct Http {
    client: Client<HttpsConnector<Route>, Full<Bytes>>,
    route: Route,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

/// The network cannot be used as configured.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The proxy is of a kind that is not supported.
    #[error(transparent)]
    Proxy(#[from] NoSuchProxy),
    /// TLS cannot tell right from wrong servers.
    #[error(
        "cannot read the system's certificate authorities: {0}; install them (ca-certificates), or name a file in SSL_CERT_FILE"
    )]
    Roots(#[from] io::Error),
    /// The cryptography lacks what TLS needs.
    #[error("TLS cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

impl Http {
    /// For one endpoint. With `https://`, reads the system's certificate authorities (or those in `SSL_CERT_FILE`).
    ///
    /// # Errors
    /// There are none, or the proxy cannot be used.
    pub fn new(endpoint: &Endpoint, proxies: &Proxies) -> Result<Self, HttpError> {
        let route = Route::to(endpoint.uri(), proxies)?;
        let secure = endpoint.uri().scheme_str() == Some("https");
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(secure)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(route.clone());
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(1)
            .build(connector);
        Ok(Self { client, route })
    }
}

/// The provider is named, so that another crate's choice of features cannot change it.
fn tls(secure: bool) -> Result<ClientConfig, HttpError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config =
        if secure { config.with_native_roots()? } else { config.with_root_certificates(RootCertStore::empty()) };
    Ok(config.with_no_client_auth())
}

impl Transport for Http {
    async fn send(&mut self, mut post: Post) -> Result<Answer, NoAnswer> {
        if let Some(authorization) = self.route.proxy_authorization() {
            post.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let response = self.client.request(post).await.map_err(|error| NoAnswer(in_words(&error)))?;
        let (head, body) = response.into_parts();
        Ok(Answer {
            status: head.status,
            retry_after: header(&head.headers, RETRY_AFTER),
            location: header(&head.headers, LOCATION),
            said: said(body).await,
        })
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(brief(headers.get(name)?.as_bytes()))
}

/// Reading to the end lets the connection be used again. An answer that breaks off, never ends or is too long says nothing.
async fn said(body: Incoming) -> String {
    match timeout(ANSWER_PATIENCE, Limited::new(body, MAX_ANSWER_BYTES).collect()).await {
        Ok(Ok(body)) => brief(&body.to_bytes()),
        Ok(Err(_)) | Err(_) => String::new(),
    }
}

fn brief(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SAID_COLUMNS)]);
    fit(&printable(text.trim()), SAID_COLUMNS).into_owned()
}

/// The causes say what happened; the outermost error only says that it was the client.
fn in_words(error: &hyper_util::client::legacy::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes: Vec<String> = causes.map(|cause| printable(&cause.to_string()).into_owned()).collect();
    let words = if causes.is_empty() { error.to_string() } else { causes.join(": ") };
    let done =
        if error.is_connect() { "cannot connect to the endpoint" } else { "the connection to the endpoint broke" };
    format!("{done}: {words}")
}
