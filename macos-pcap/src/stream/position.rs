//! A position that may not be known yet.

use std::num::NonZeroU64;

/// No larger than a position: none is 0, since [`super::begin`] begins far above and nothing goes below.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position(Option<NonZeroU64>);

impl Position {
    pub(super) fn get(self) -> Option<u64> {
        self.0.map(NonZeroU64::get)
    }

    /// It is at least this.
    pub(super) fn raise(&mut self, to: u64) {
        self.0 = self.0.max(NonZeroU64::new(to));
    }
}
