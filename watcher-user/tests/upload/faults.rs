//! Everything that the test endpoint does to a request.

use fastrand::Rng;

/// What is done with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deed {
    /// Take it and say so.
    Take,
    /// Take it and say so with a long answer.
    TakeTalking,
    /// Take it, say so, and break off in the middle of the answer's body.
    TakeAndBreakOff,
    /// Take it, and reset the connection instead of an answer.
    TakeAndReset,
    /// Take it, and never say so.
    TakeAndStall,
    /// Take it, say so, and close the connection.
    TakeAndClose,
    /// Close the connection before reading the body.
    CloseEarly,
    /// Reset it before reading the body.
    Reset,
    /// Reset it after half of the body.
    ResetHalfway,
    /// Read everything, and never answer.
    Stall,
    /// Answer what is no HTTP.
    Garbage,
    /// Answer with a status and nothing more.
    Refuse(u16),
    /// Answer 429 with seconds to wait.
    Wait(u16),
    /// Answer 503 with a date to wait for.
    WaitUntil(&'static str),
    /// Send elsewhere.
    Redirect,
}

/// Deeds after which the window is sent again.
const FAULTS: [Deed; 17] = [
    Deed::TakeAndReset,
    Deed::TakeAndStall,
    Deed::CloseEarly,
    Deed::Reset,
    Deed::ResetHalfway,
    Deed::Stall,
    Deed::Garbage,
    Deed::Refuse(500),
    Deed::Refuse(502),
    Deed::Refuse(503),
    Deed::Refuse(504),
    Deed::Refuse(408),
    Deed::Refuse(429),
    Deed::Wait(1),
    Deed::WaitUntil("Fri, 31 Dec 2100 23:59:59 GMT"),
    Deed::WaitUntil("soon"),
    Deed::Redirect,
];

/// Deeds after which it is not, though some look odd.
const TAKING: [Deed; 4] = [Deed::Take, Deed::TakeTalking, Deed::TakeAndBreakOff, Deed::TakeAndClose];

impl Deed {
    /// One of all, a fault seven times in ten.
    pub fn any(random: &mut Rng) -> Self {
        if random.u8(0..10) < 7 { FAULTS[random.usize(..FAULTS.len())] } else { TAKING[random.usize(..TAKING.len())] }
    }

    /// Whether the window is in the endpoint's hands afterwards.
    pub fn takes(self) -> bool {
        matches!(self, Self::TakeAndReset | Self::TakeAndStall) || TAKING.contains(&self)
    }

    /// Whether the sender learns that it is not.
    pub fn is_fault(self) -> bool {
        !TAKING.contains(&self)
    }
}
