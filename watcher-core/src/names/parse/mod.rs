//! Parsers: pure functions over bytes that anybody may have sent. Each takes bounded time and memory, whatever it is given.

mod assembler;
pub mod banner;
pub mod dns;
mod host;
pub mod http;
pub mod quic;
mod reader;
pub mod tls;

pub(super) use assembler::{Assembler, WINDOW};

/// What bytes turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed<T> {
    /// All that was looked for.
    Complete(T),
    /// So far it could be; more bytes will tell.
    Incomplete,
    /// Something else.
    Other,
}

impl<T> Parsed<T> {
    /// The same verdict on something made of what was found.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Parsed<U> {
        match self {
            Self::Complete(found) => Parsed::Complete(make(found)),
            Self::Incomplete => Parsed::Incomplete,
            Self::Other => Parsed::Other,
        }
    }

    /// What one of two found; incomplete as long as one of them is.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (complete @ Self::Complete(_), _) | (_, complete @ Self::Complete(_)) => complete,
            (Self::Incomplete, _) | (_, Self::Incomplete) => Self::Incomplete,
            (Self::Other, Self::Other) => Self::Other,
        }
    }

    /// What was found.
    pub fn complete(self) -> Option<T> {
        match self {
            Self::Complete(found) => Some(found),
            Self::Incomplete | Self::Other => None,
        }
    }
}
