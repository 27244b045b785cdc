//! What would be sent, and where, without sending it.

use hyper::header::AUTHORIZATION;
use jiff::Timestamp;

use super::endpoint::{Endpoint, TokenError};
use super::window::Window;

/// A request that was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRun {
    /// The method.
    pub method: String,
    /// Where it would go, without the query.
    pub to: String,
    /// Its headers; a token appears as `Bearer …`.
    pub headers: Vec<(String, String)>,
    /// The JSON, byte for byte; where the headers say gzip, as it is before compression.
    pub body: String,
    /// The bytes on the wire.
    pub wire: Vec<u8>,
}

/// The request for `window` if it were sent at `now`. What to send next is in [`super::SpoolView::next`].
///
/// # Errors
/// The token cannot be had.
pub fn dry_run(endpoint: &Endpoint, window: &Window, now: Timestamp) -> Result<DryRun, TokenError> {
    let body = window.sent_at(now);
    let wire = endpoint.encode(body.clone());
    let post = endpoint.post(body.clone())?;
    let headers = post.headers().iter().map(|(name, value)| {
        let value = if name == AUTHORIZATION { "Bearer …".into() } else { String::from_utf8_lossy(value.as_bytes()) };
        (name.to_string(), value.into_owned())
    });
    let headers = headers.collect();
    Ok(DryRun { method: post.method().to_string(), to: endpoint.shown(), headers, body, wire: wire.into() })
}
