//! Parsers: pure functions over bytes that anybody may have sent. Each takes bounded time and memory, whatever it is given.

pub mod dns;

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
