//! When to ask for the name of an address: the last resort, where a flow showed none and no answer named it.
//!
//! Policy only: who asks, and how, is the caller's. What comes back is what the owner of the address says, and no proof.

use std::{collections::VecDeque, net::IpAddr, sync::Arc, time::Duration};

use super::{
    Name, NameSource,
    book::{Book, after},
    is_public,
};
use crate::BootTime;

/// Addresses that wait; more are turned away, and ask again when they are seen again.
const MAX_QUEUE: usize = 1_024;
/// Addresses of which something is known.
const MAX_KNOWN: usize = 8_192;
/// Five questions a second, and twenty at once after a rest.
const PER_QUESTION: Duration = Duration::from_millis(200);
const BURST: u32 = 20;
/// How long a name holds, whatever its TTL.
const NAMED: (Duration, Duration) = (Duration::from_secs(3_600), Duration::from_secs(24 * 3_600));
/// How long it holds that there is none.
const NAMELESS: (Duration, Duration) = (Duration::from_secs(600), Duration::from_secs(3_600));
/// A question of which nothing is heard any more may be asked again then.
const LOST: Duration = Duration::from_secs(60);

/// The question could not be answered: no server, no answer, an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// What is asked for, what is known, and what may be asked now.
#[derive(Debug)]
pub struct Reverse {
    queue: VecDeque<IpAddr>,
    /// Of what is in the queue nothing else is known.
    known: Book<State>,
    /// Time saved up for questions.
    credit: Duration,
    /// When it was last added to.
    filled: BootTime,
}

#[derive(Debug, Clone)]
enum State {
    Waiting,
    Asked,
    Named(Arc<Name>),
    Nameless,
}

impl Default for Reverse {
    fn default() -> Self {
        Self::new()
    }
}

impl Reverse {
    /// Nothing known, and all questions saved up.
    #[must_use]
    pub fn new() -> Self {
        let known = Book::new(MAX_KNOWN);
        Self { queue: VecDeque::new(), known, credit: PER_QUESTION * BURST, filled: BootTime(0) }
    }

    /// A name of this address is wanted. Only public ones are ever asked for: questions about others would tell the resolver
    /// what runs inside. Says whether it will be asked for.
    pub fn wants(&mut self, ip: IpAddr, at: BootTime) -> bool {
        let ip = ip.to_canonical();
        let is_new = is_public(ip) && self.known.get(ip, at).is_none();
        if !is_new || self.queue.len() >= MAX_QUEUE {
            return false;
        }
        self.queue.push_back(ip);
        // Until it is asked, however long that takes.
        self.known.insert(ip, State::Waiting, BootTime(u64::MAX));
        true
    }

    /// What to ask now.
    #[must_use = "they count as asked"]
    pub fn next(&mut self, at: BootTime) -> Vec<IpAddr> {
        self.credit = (self.credit + at.since(self.filled)).min(PER_QUESTION * BURST);
        self.filled = self.filled.max(at);
        let mut questions = Vec::new();
        while self.credit >= PER_QUESTION {
            let Some(ip) = self.queue.pop_front() else { break };
            self.credit -= PER_QUESTION;
            self.known.insert(ip, State::Asked, after(at, LOST));
            questions.push(ip);
        }
        questions
    }

    /// What came back: a name, or that there is none, each with its TTL; or nothing.
    pub fn learnt(&mut self, ip: IpAddr, answer: Result<Option<&str>, Failed>, ttl: Duration, at: BootTime) {
        let ip = ip.to_canonical();
        // What nobody asked is no answer.
        if !matches!(self.known.get(ip, at), Some(State::Asked)) {
            return;
        }
        let name = answer.ok().flatten().and_then(|name| Name::new(name, NameSource::Ptr));
        let ttl = if answer.is_ok() { ttl } else { Duration::ZERO };
        let (state, (shortest, longest)) =
            name.map_or((State::Nameless, NAMELESS), |name| (State::Named(Arc::new(name)), NAMED));
        self.known.insert(ip, state, after(at, ttl.clamp(shortest, longest)));
    }

    /// The name of an address, where one is known.
    #[must_use]
    pub fn name_of(&self, ip: IpAddr, at: BootTime) -> Option<Arc<Name>> {
        match self.known.get(ip.to_canonical(), at)? {
            State::Named(name) => Some(Arc::clone(name)),
            State::Waiting | State::Asked | State::Nameless => None,
        }
    }
}

#[cfg(test)]
#[path = "reverse_tests.rs"]
mod tests;
