//! One attempt, as delivery sees it.

use hyper::StatusCode;
use thiserror::Error;

use super::endpoint::Post;

/// What the endpoint answered. Texts are printable and short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// The beginning of the body.
    pub said: String,
}

impl Answer {
    /// A status and nothing else.
    #[must_use]
    pub fn of(status: StatusCode) -> Self {
        Self { status, retry_after: None, location: None, said: String::new() }
    }
}

/// No answer. Whether the endpoint has the window is not known.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct NoAnswer(pub String);

/// What carries a request to its endpoint. A dropped future breaks the attempt off.
pub trait Transport: Send + 'static {
    /// Sends `post` once. Follows no redirect.
    fn send(&mut self, post: Post) -> impl Future<Output = Result<Answer, NoAnswer>> + Send;
}
