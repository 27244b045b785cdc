//! Where windows go, and the request that takes one there.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use thiserror::Error;
use uuid::Uuid;

/// The header that names the machine; with an underscore, by contract.
pub const MACHINE_ID: HeaderName = HeaderName::from_static("machine_id");

const AGENT: &str = concat!("watcher/", env!("CARGO_PKG_VERSION"));

/// The longest token that is read from a file, in bytes; what is longer is some other file.
const MAX_TOKEN_BYTES: usize = 8192;

/// A POST as it goes out.
pub type Post = Request<Full<Bytes>>;

/// Where windows go.
#[derive(Debug, Clone)]
pub struct Endpoint {
    uri: Uri,
    machine_id: Uuid,
    token: Token,
    gzip: bool,
}

/// The bearer token.
#[derive(Clone, Default)]
pub enum Token {
    /// None is sent.
    #[default]
    None,
    /// This one.
    Given(String),
    /// The content of a file, read at each attempt, so that it can be replaced while watcher runs.
    File(PathBuf),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Given(_) => f.write_str("Given(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// An address that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EndpointError {
    /// No URL, or none of `http` or `https` with a host.
    #[error("`{0}` is no address to upload to: expected http:// or https:// and a host (names beyond ASCII as xn--…)")]
    NoUrl(String),
    /// A user name or password in the URL: it would be shown wherever the address is.
    #[error("the upload address has a user name or password in it: use a bearer token instead")]
    Credentials,
}

/// The bearer token cannot be used. Never holds the token.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the upload token from {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Empty, too long, or with characters that no header can carry.
    #[error("the upload token is empty or cannot be sent in a header")]
    Unusable,
}

impl Endpoint {
    /// At `url`, for the machine `machine_id`; no token, no compression.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub fn new(url: &str, machine_id: Uuid) -> Result<Self, EndpointError> {
        let no_url = || EndpointError::NoUrl(url.split(['?', '#']).next().unwrap_or_default().to_owned());
        // Before anything is quoted.
        if url.split(['?', '#']).next().is_some_and(|address| address.contains('@')) {
            return Err(EndpointError::Credentials);
        }
        let uri: Uri = url.parse().map_err(|_| no_url())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
            return Err(no_url());
        }
        Ok(Self { uri, machine_id, token: Token::None, gzip: false })
    }

    /// With a bearer token.
    #[must_use]
    pub fn with_token(self, token: Token) -> Self {
        Self { token, ..self }
    }

    /// With bodies compressed: only where the endpoint is known to take it.
    #[must_use]
    pub fn with_gzip(self, gzip: bool) -> Self {
        Self { gzip, ..self }
    }

    /// The address without what may be secret in it: the query.
    #[must_use]
    pub fn shown(&self) -> String {
        let (scheme, authority) = (self.uri.scheme_str().unwrap_or_default(), self.uri.authority());
        format!("{scheme}://{}{}", authority.map_or("", |authority| authority.as_str()), self.uri.path())
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The request for `body`. Reads the token's file.
    ///
    /// # Errors
    /// The token cannot be had.
    pub fn post(&self, body: String) -> Result<Post, TokenError> {
        let mut request = Request::new(Full::new(self.encode(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let machine_id = HeaderValue::try_from(self.machine_id.hyphenated().to_string());
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(MACHINE_ID, machine_id.map_err(|_| TokenError::Unusable)?);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if self.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(token) = self.token.header()? {
            headers.insert(AUTHORIZATION, token);
        }
        Ok(request)
    }

    /// `body` as it goes over the wire.
    pub(super) fn encode(&self, body: String) -> Bytes {
        if !self.gzip {
            return Bytes::from(body);
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let encoded = encoder.write_all(body.as_bytes()).and_then(|()| encoder.finish());
        Bytes::from(encoded.expect("a Vec takes every write"))
    }
}

impl Token {
    fn header(&self) -> Result<Option<HeaderValue>, TokenError> {
        let token = match self {
            Self::None => return Ok(None),
            Self::Given(token) => token.clone(),
            Self::File(path) => {
                fs::read_to_string(path).map_err(|source| TokenError::Unreadable { path: path.clone(), source })?
            }
        };
        let token = token.trim();
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Unusable);
        }
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| TokenError::Unusable)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}
