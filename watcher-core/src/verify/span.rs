//! A figure that is known to lie between two others.

use std::ops::{Add, Neg, Sub};

use serde::Serialize;

/// From `least` to `most`, both possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Span {
    /// The lower end.
    pub least: i64,
    /// The upper end.
    pub most: i64,
}

impl Span {
    /// Between the two, in whichever order.
    #[must_use]
    pub fn between(a: i64, b: i64) -> Self {
        Self { least: a.min(b), most: a.max(b) }
    }

    /// Exactly this many. Counters stay far below 2⁶³.
    #[must_use]
    pub fn of(n: u64) -> Self {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        Self { least: n, most: n }
    }

    /// Anything up to this many.
    #[must_use]
    pub fn up_to(n: u64) -> Self {
        Self { least: 0, ..Self::of(n) }
    }

    /// Up to this many, in either direction.
    #[must_use]
    pub fn give_or_take(n: u64) -> Self {
        let n = Self::of(n).most;
        Self { least: -n, most: n }
    }

    /// Anything up to that.
    #[must_use]
    pub fn up_to_span(self) -> Self {
        Self { least: 0, most: self.most.max(0) }
    }

    /// What a counter grew by: from somewhere in `start` to somewhere in `end`, each as (before, after).
    #[must_use]
    pub fn grown(start: (u64, u64), end: (u64, u64)) -> Self {
        Self {
            least: (Self::of(end.0) - Self::of(start.1)).least.max(0),
            most: (Self::of(end.1) - Self::of(start.0)).most,
        }
    }

    /// Each end so many times.
    #[must_use]
    pub fn times(self, n: i64) -> Self {
        Self::between(self.least.saturating_mul(n), self.most.saturating_mul(n))
    }

    /// Whether it can be 0 and more; a span that is negative throughout cannot be a size.
    #[must_use]
    pub fn at_least_zero(self) -> Self {
        Self { least: self.least.max(0), most: self.most.max(0) }
    }

    /// By how much the two miss each other: 0 when one figure can lie in both, positive when `self` is more.
    #[must_use]
    pub fn beyond(self, other: Self) -> i64 {
        if self.least > other.most {
            self.least.saturating_sub(other.most)
        } else if self.most < other.least {
            self.most.saturating_sub(other.least)
        } else {
            0
        }
    }

    /// Whether it is one figure.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.least == self.most
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self { least: self.least.saturating_add(o.least), most: self.most.saturating_add(o.most) }
    }
}

impl Neg for Span {
    type Output = Self;
    fn neg(self) -> Self {
        Self { least: self.most.saturating_neg(), most: self.least.saturating_neg() }
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}
