//! The wall clock as a value, so that tests have their own.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells UTC.
#[derive(Clone)]
pub struct UtcClock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl UtcClock {
    /// The system's.
    #[must_use]
    pub fn system() -> Self {
        Self::of(Timestamp::now)
    }

    /// One that `tell` drives.
    pub fn of(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Now, UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for UtcClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UtcClock")
    }
}
